"""Language models under ComfyUI: kept between runs, in memory that ComfyUI makes room for, stopped by its interrupt."""

import atexit
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import comfy.model_management
import folder_paths

from ..files.lookup import meant, nearest
from ..llm import chat
from ..llm.chat import Answer, LLMEngine, LLMError, OnText, Request
from ..llm.keys import is_local, key_for, split_address
from ..llm.llamacpp import Model, Settings
from ..llm.open import GGUF, open_llm
from ..llm.server import Limits, LLMServer
from . import core, folders, progress
from .memory import Kept

PAGE = "https://huggingface.co/models?library=gguf&pipeline_tag=image-text-to-text"

_models: Kept[Model] = Kept(limit=1, close=Model.close)
# llama-cpp-python complains when the interpreter goes first.
atexit.register(_models.drop)


def loading(settings: Settings, unload_after_run: bool = False) -> GGUF:
    """A GGUF file that is loaded when it is first asked, and kept as long as ComfyUI has room for it."""
    load = partial(_models.get, settings, partial(_load, settings))
    advice = "choose the mmproj file that belongs to it in Load LLM (for a model that sees pictures)"
    return GGUF(settings, load, partial(_models.drop, settings), unload_after_run, advice)


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


def connected(address: str, model: str, timeout: float, limits: Limits, node_id: str | None) -> LLMEngine:
    """The model on a server, with the user's keys. The user can interrupt the connecting, the node shows what is waited for."""
    server = LLMServer(address, keys_file(), model, timeout, limits, _exposed())
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


def gguf_files() -> list[str]:
    """Names of the GGUF files in the ``llm`` folders; of a file in parts only the first."""
    names = (n for n in folder_paths.get_filename_list("llm") if n.lower().endswith(".gguf"))
    return [n for n in names if "-of-" not in n or "-00001-of-" in n]


def projectors() -> list[str]:
    """Names of the GGUF files that turn pictures into tokens: by their name, else by the architecture they begin with."""
    return [n for n in gguf_files() if "mmproj" in n.lower() or _is_projector(gguf_file(n))]


def _is_projector(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return b"general.architecture\x08\0\0\0\x04\0\0\0\0\0\0\0clip" in file.read(256)
    except OSError:
        return False


def gguf_file(name: str) -> Path:
    """The file of that name; see :func:`meant` for what else is found.

    Raises:
        LLMError: there is none; the text says where it was looked for and what is there.
    """
    found = meant(name, files := gguf_files())
    path = folder_paths.get_full_path("llm", found) if found else None
    if path is None:
        searched = ", ".join(map(str, folders.model_folders("llm")))
        raise LLMError(
            f"There is no {name!r} in {searched}: put the GGUF file there (models: {PAGE}) and press R. {nearest(name, files)}"
        )
    return Path(path)
