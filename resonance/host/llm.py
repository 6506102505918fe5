"""Language models under ComfyUI: kept between runs, in memory that ComfyUI makes room for, stopped by its interrupt."""

import atexit
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import comfy.model_management
import torch

from ..llm import chat
from ..llm.chat import Answer, LLMEngine, OnText, Request, Thinking
from ..llm.keys import is_local, key_for, split_address
from ..llm.llamacpp import Model, Settings, library
from ..llm.open import GGUF, open_llm
from ..llm.server import Limits, LLMServer
from . import core, folders, progress
from .memory import Kept

_models: Kept[Model] = Kept(limit=1, close=Model.close)
# llama-cpp-python complains when the interpreter goes first.
atexit.register(_models.drop)


def loading(settings: Settings, unload_after_run: bool = False) -> GGUF:
    """A GGUF file that is loaded when it is first asked, and kept as long as ComfyUI has room for it.

    Raises:
        LLMError: llama-cpp-python is missing; the text has the line that installs it on this machine.
    """
    check_library()
    load = partial(_models.get, settings, partial(_load, settings))
    advice = "choose the mmproj file that belongs to it in Load LLM (for a model that sees pictures)"
    return GGUF(settings, load, partial(_models.drop, settings), unload_after_run, advice)


def check_library() -> None:
    """Raises LLMError where llama-cpp-python is missing; the text has the line that installs it on this machine."""
    library(_wheels())


def _wheels() -> str:
    """Which of llama-cpp-python's wheels suit this machine: a torch that was built for CUDA may lie where there is none."""
    if not torch.cuda.is_available():
        return "metal" if torch.backends.mps.is_available() else "cpu"
    if torch.version.cuda is None:
        return "vulkan"
    return "cu130" if int(torch.version.cuda.split(".")[0]) >= 13 else "cu124"


def _load(settings: Settings) -> Model:
    device = comfy.model_management.get_torch_device()
    if settings.gpu_layers and device.type != "cpu":
        # llama.cpp allocates behind torch's back.
        comfy.model_management.free_memory(settings.memory, device)
    return Model(settings)


def ask(engine: LLMEngine, request: Request, on_text: OnText, node_id: str | None) -> Answer:
    """:func:`chat.ask` that the user can interrupt. The node shows what is waited for."""
    with _interruptible():
        return chat.ask(engine, request, on_text, progress.interrupted, partial(progress.say, node_id=node_id))


def connected(
    address: str,
    model: str,
    timeout: float,
    limits: Limits,
    node_id: str | None,
    thinking: Thinking = "auto",
    unload: bool = False,
) -> LLMEngine:
    """The model on a server, with the user's keys. The user can interrupt the connecting, the node shows what is waited for."""
    server = LLMServer(address, keys_file(), model, timeout, limits, _exposed(), thinking, unload)
    with _interruptible():
        return open_llm(server, progress.interrupted, partial(progress.say, node_id=node_id))


def check_address(address: str) -> None:
    """Raises LLMError unless something may be sent there."""
    key_for(split_address(address)[0], keys_file(), _exposed())


def _exposed() -> bool:
    """Whether other machines can send workflows to this ComfyUI."""
    return not all(is_local(host.strip()) for host in core.listens().split(","))


@contextmanager
def _interruptible() -> Generator[None]:
    """Ends with ComfyUI's own exception, which marks the run as interrupted and not as failed."""
    try:
        yield
    except chat.Interrupted:
        progress.stop_if_interrupted()
        raise


def keys_file() -> Path:
    """The file of addresses and keys, see :mod:`resonance.llm.keys`. Only the user writes it."""
    return folders.private_folder() / "llm_keys.json"
