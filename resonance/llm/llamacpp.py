"""GGUF models in this process, through llama-cpp-python.

Its traps, each met once: a closed model, an invalid grammar or two threads in one model end the whole process; pictures
sent to a model without a projector vanish; a Python exception in the abort callback lets it run on.
"""

import importlib
import platform
import sys
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from .chat import Abilities, Answer, Interrupted, LLMError, OnText, Request
from .draw_first import drawing_first
from .template import thinking_of
from .wire import to_wire

WHEELS = "https://abetlen.github.io/llama-cpp-python/whl"


@dataclass(frozen=True)
class Settings:
    """What is loaded, and how.

    Attributes:
        mmproj: the projector that belongs to a model that sees pictures.
        context: tokens of conversation and answer together; a picture takes 256 to 3000 of them.
        gpu_layers: layers on the GPU, -1 for all; without effect where llama.cpp was built for CPU.
        threads: CPU threads, 0 for half of the cores.
    """

    model: Path
    mmproj: Path | None = None
    context: int = 8192
    gpu_layers: int = -1
    threads: int = 0

    @property
    def name(self) -> str:
        return self.model.stem

    @property
    def abilities(self) -> Abilities:
        return Abilities(
            images=self.mmproj is not None,
            schema=True,
            grammar=True,
            for_images="it needs the mmproj file that belongs to it (for a model that sees pictures)",
        )

    @property
    def memory(self) -> int:
        """Bytes that loading takes, roughly: the files and 128 KiB of cache per token (an 8B model of today)."""
        files = sum(p.stat().st_size for p in (self.model, self.mmproj) if p)
        return int(files * 1.1) + self.context * 128 * 1024


class Model:
    """A loaded model. One caller at a time; :meth:`close` may come from any thread at any moment."""

    def __init__(self, settings: Settings) -> None:
        """
        Raises:
            LLMError: llama-cpp-python is missing, or the files are not what they should be.
        """
        self.settings = settings
        self._lock = threading.Lock()
        self._unwanted = False
        self._interrupted: Callable[[], bool] = lambda: False
        self._lib = lib = _llama_cpp()
        # Kept for as long as the library may call it.
        self._silence = lib.llama_log_callback(_say_nothing)
        vision = self._vision(settings.mmproj) if settings.mmproj else None
        try:
            self._llama: Any = drawing_first(lib)(
                str(settings.model),
                chat_handler=vision,
                n_ctx=settings.context,
                n_gpu_layers=settings.gpu_layers if lib.llama_supports_gpu_offload() else 0,
                n_threads=settings.threads or None,
                n_threads_batch=settings.threads or None,
                verbose=False,
            )
        except (ValueError, RuntimeError) as error:
            raise LLMError(f"llama.cpp cannot load {settings.model.name}: {error}") from error
        self._thinking = thinking_of(self._llama.metadata.get("tokenizer.chat_template", ""))
        self._abort = lib.ggml_abort_callback(self._stop)
        lib.llama_set_abort_callback(self._llama.ctx, self._abort, None)

    def _vision(self, mmproj: Path) -> Any:
        """The handler that takes the chat template from the model itself, so it fits every family."""
        formats: Any = importlib.import_module("llama_cpp.llama_chat_format")
        if not hasattr(formats, "MTMDChatHandler"):
            raise LLMError(
                f"llama-cpp-python {self._lib.__version__} is too old for pictures. {install_line('--upgrade ')}"
            )
        importlib.import_module("llama_cpp.mtmd_cpp").mtmd_helper_log_set(self._silence, None)
        return formats.MTMDChatHandler(clip_model_path=str(mmproj), verbose=False)

    def _stop(self, _: object) -> bool:
        try:
            return self._interrupted()
        except BaseException:
            return True

    def close(self) -> None:
        """Frees the memory: now, or as soon as the answer that is being written is done."""
        self._unwanted = True
        if self._lock.acquire(blocking=False):
            try:
                if self._llama is not None:
                    self._llama.close()
                    self._llama = None
            finally:
                self._lock.release()

    def chat(self, request: Request, on_text: OnText, interrupted: Callable[[], bool]) -> Answer:
        """See :meth:`LLMEngine.chat`."""
        try:
            with self._lock:
                if self._llama is None:
                    raise LLMError(f"{self.settings.name} was unloaded while it was asked: run again.")
                self._interrupted = interrupted
                return self._chat(request, on_text)
        finally:
            if self._unwanted:
                self.close()

    def _chat(self, request: Request, on_text: OnText) -> Answer:
        text, reason, held = "", None, bool(request.grammar or request.schema)
        pieces = self._pieces(request)
        try:
            for piece in pieces:
                choice = piece["choices"][0]
                reason = choice.get("finish_reason") or reason
                if more := choice["delta"].get("content"):
                    text += more
                    on_text(self._thinking.told(text, held), "")
                # The abort callback works on the CPU only.
                if self._stop(None):
                    raise Interrupted
        finally:
            pieces.close()
        if reason is None:
            raise LLMError(f"{self.settings.name} ended its answer before it was finished.")
        return Answer(self._thinking.told(text, held), reason != "length")

    def _pieces(self, request: Request) -> Generator[Any]:
        """What llama.cpp writes, piece by piece. Its errors become sentences, those of whoever reads do not."""
        s = request.sampling
        grammar = self._grammar(request.grammar)
        try:
            yield from self._llama.create_chat_completion(
                to_wire(request.messages),
                stream=True,
                max_tokens=s.max_tokens,
                temperature=s.temperature,
                top_p=s.top_p,
                top_k=s.top_k,
                min_p=s.min_p,
                repeat_penalty=s.repeat_penalty,
                seed=s.seed & 0xFFFFFFFF,
                stop=list(request.stop),
                grammar=grammar,
                response_format={"type": "json_object", "schema": request.schema} if request.schema else None,
            )
        except RuntimeError as error:
            if "llama_decode returned 2" in str(error):
                raise Interrupted from None
            raise LLMError(f"{self.settings.name} failed: {error}") from error
        except ValueError as error:
            if "exceed" in str(error):
                raise LLMError(
                    f"The conversation is longer than the context of {self.settings.context} tokens ({error}): "
                    "raise it, or send a smaller picture."
                ) from error
            if "mtmd" in str(error):
                raise LLMError(
                    f"{self.settings.mmproj} does not belong to {self.settings.name}, or is broken."
                ) from error
            raise LLMError(f"{self.settings.name} failed: {error}") from error

    def _grammar(self, grammar: str | None) -> Any:
        """The grammar as llama.cpp wants it, once it has been tried: what it cannot read would end the process."""
        if grammar is None:
            return None
        vocabulary = self._lib.llama_model_get_vocab(self._llama.model)
        sampler = self._lib.llama_sampler_init_grammar(vocabulary, grammar.encode(), b"root")
        if not sampler:
            raise LLMError(f"llama.cpp does not accept this grammar: {grammar[:200]}")
        self._lib.llama_sampler_free(sampler)
        return self._lib.LlamaGrammar.from_string(grammar, verbose=False)


def _say_nothing(level: int, text: bytes, data: object) -> None:
    """mtmd writes pages of its own, whatever ``verbose`` says."""


def _llama_cpp() -> Any:
    try:
        return importlib.import_module("llama_cpp")
    except ImportError:
        problem = "A GGUF file needs llama-cpp-python, which is not installed."
    except (OSError, RuntimeError) as error:
        problem = f"llama-cpp-python is installed but does not load ({error})."
    raise LLMError(f"{problem} {install_line()} Or ask a model on a server, which needs nothing more.")


def install_line(option: str = "") -> str:
    """The command for this machine. Ready-made wheels first: building one takes a compiler, and makes one for the CPU."""
    if platform.system() == "Darwin":
        flavour = "metal"
    elif (cuda := torch.version.cuda) is not None:
        flavour = "cu130" if int(cuda.split(".")[0]) >= 13 else "cu124"
    else:
        flavour = "vulkan" if torch.version.hip else "cpu"
    return (
        f'Install it with:  "{sys.executable}" -m pip install {option}llama-cpp-python --prefer-binary '
        f"--extra-index-url {WHEELS}/{flavour}  and restart."
    )
