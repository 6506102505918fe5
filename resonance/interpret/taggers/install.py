"""What to type to get a missing library."""

import platform
import sys

import torch


def pip_line(package: str) -> str:
    """The command that installs ``package`` into the Python that is running."""
    return f'"{sys.executable}" -m pip install {package}'


def onnxruntime_flavour(system: str = sys.platform, machine: str = platform.machine(), cuda: bool | None = None) -> str:
    """The onnxruntime package for a machine; they all install the same module, so there must be only one.

    Args:
        system: as ``sys.platform``.
        machine: as ``platform.machine()``.
        cuda: whether there is an NVIDIA card that torch can use; by default torch is asked.
    """
    if cuda is None:
        cuda = torch.version.cuda is not None and torch.cuda.is_available()
    has_gpu_wheel = system == "win32" or (system == "linux" and machine == "x86_64")
    return "onnxruntime-gpu" if cuda and has_gpu_wheel else "onnxruntime"
