"""GGUF models in this process, through llama-cpp-python.

Its traps, each met once: a closed model, an invalid grammar or two threads in one model end the whole process; pictures
sent to a model without a projector vanish; a Python exception in the abort callback lets it run on.
"""

import importlib
import json
import logging
import platform
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .chat import Abilities, Answer, Interrupted, LLMError, OnText, Request, Thinking, fit
from .draw_first import drawing_first
from .template import thinking_of
from .wire import UNTOLD, thinking_switches, to_wire

log = logging.getLogger(__name__)

WARNING, ERROR = 3, 4
"""Levels of llama.cpp's messages; less is not printed, more goes on with a message."""
WHEELS = "https://abetlen.github.io/llama-cpp-python/whl"


@dataclass(frozen=True)
class Settings:
    """What is loaded, and how.

    Attributes:
        mmproj: the projector that belongs to a model that sees pictures.
        context: tokens of conversation and answer together; a picture takes 256 to 3000 of them.
        gpu_layers: layers on the GPU, -1 for all; without effect where llama.cpp was built for CPU.
        threads: CPU threads, 0 for half of the cores.
        thinking: told to the model's chat template, where that knows it.
    """

    model: Path
    mmproj: Path | None = None
    context: int = 8192
    gpu_layers: int = -1
    threads: int = 0
    thinking: Thinking = "auto"

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


class _Refused(LLMError):
    """A chat template makes no prompt of a conversation."""


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
        self._lib = lib = library()
        # Kept for as long as the library may call it.
        self._silence = lib.llama_log_callback(_say_nothing)
        vision = self._vision(settings.mmproj) if settings.mmproj else None
        try:
            with _kept_quiet(lib):
                self._llama: Any = drawing_first(lib)(
                    str(settings.model),
                    chat_handler=vision,
                    n_ctx=settings.context,
                    n_gpu_layers=settings.gpu_layers if lib.llama_supports_gpu_offload() else 0,
                    n_threads=settings.threads or None,
                    n_threads_batch=settings.threads or None,
                    verbose=False,
                )
        except _template_error() as error:
            raise LLMError(
                f"The chat template in {settings.model.name} cannot be read ({error}): take another GGUF file of that model."
            ) from error
        except (ValueError, RuntimeError) as error:
            raise LLMError(f"llama.cpp cannot load {settings.model.name}: {error}") from error
        template, switches = (
            self._llama.metadata.get("tokenizer.chat_template", ""),
            thinking_switches(settings.thinking),
        )
        self._thinking = thinking_of(template, **switches)
        self._untold = bool(switches) and not any(name in template for name in switches)
        if switches and not self._untold:
            self._switch(template, switches)
        self._abort = lib.ggml_abort_callback(self._stop)
        lib.llama_set_abort_callback(self._llama.ctx, self._abort, None)

    def _switch(self, template: str, switches: Mapping[str, Any]) -> None:
        """Sets what the chat template looks at. llama-cpp-python hands it nothing that it does not know itself."""
        told = "".join(f"{{%- set {name} = {json.dumps(value)} -%}}" for name, value in switches.items()) + template
        self._llama.metadata["tokenizer.chat_template"] = told
        if self._llama.chat_handler is None:  # the one for pictures reads it there
            formats: Any = importlib.import_module("llama_cpp.llama_chat_format")
            eos, bos = (self._token(number) for number in (self._llama.token_eos(), self._llama.token_bos()))
            formatter = formats.Jinja2ChatFormatter(told, eos, bos, stop_token_ids=[self._llama.token_eos()])
            self._llama.chat_handler = formatter.to_chat_handler()

    def _token(self, number: int) -> str:
        if number < 0:
            return ""
        vocabulary = self._lib.llama_model_get_vocab(self._llama.model)
        return self._lib.llama_vocab_get_text(vocabulary, number).decode()

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
        notes = [f"this model {UNTOLD}"] if self._untold else []
        pieces = self._pieces(request, notes)
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
        return Answer(self._thinking.told(text, held), reason != "length", tuple(notes))

    def _pieces(self, request: Request, notes: list[str]) -> Generator[Any]:
        """What llama.cpp writes, piece by piece. Its errors become sentences, those of whoever reads do not.

        ``notes`` is told what the model's chat template would not take.
        """
        try:
            try:
                pieces = self._begun(request)
            except _Refused:
                if request.messages[0].role != "system":
                    raise
                request, folded = fit(request, replace(self.settings.abilities, system=False))
                pieces = self._begun(request)
                notes += folded
            yield from pieces
        except AssertionError as error:  # all that llama-cpp-python says of an empty prompt
            raise LLMError(
                f"The chat template in {self.settings.model.name} leaves nothing of this conversation: take another GGUF file of "
                "that model, or another model."
            ) from error
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

    def _begun(self, request: Request) -> Iterator[Any]:
        """The pieces of an answer. The prompt has been made from the conversation, but not yet read by the model.

        Raises:
            _Refused: the model's chat template makes no prompt of the conversation.
        """
        s = request.sampling
        try:
            return self._llama.create_chat_completion(
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
                grammar=self._grammar(request.grammar),
                response_format={"type": "json_object", "schema": request.schema} if request.schema else None,
            )
        except (TypeError, ValueError, _template_error()) as error:
            if "exceed" in str(error) or "mtmd" in str(error):
                raise
            raise _Refused(
                f"The chat template in {self.settings.model.name} makes no prompt of this conversation ({error}): take another "
                "GGUF file of that model, or another model."
            ) from error

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


@contextmanager
def _kept_quiet(lib: Any) -> Generator[None]:
    """Keeps what llama.cpp prints while it loads out of the log, unless loading fails. Afterwards it prints where it did before."""
    if not hasattr(lib, "llama_log_get"):  # an older one does not tell where that is
        yield
        return
    said: list[str] = []

    def keep(level: int, text: bytes, data: object) -> None:
        if level in (WARNING, ERROR):
            said.append(text.decode(errors="replace").rstrip())

    keeping, before = lib.llama_log_callback(keep), lib.llama_log_callback()
    data = lib.llama_context_p_ctypes()  # any pointer will do
    lib.llama_log_get(before, data)
    lib.llama_log_set(keeping, None)
    try:
        yield
    except Exception:
        if said:
            log.warning("llama.cpp says:\n%s", "\n".join(said))
        raise
    finally:
        lib.llama_log_set(before, data)


def _say_nothing(level: int, text: bytes, data: object) -> None:
    """mtmd writes pages of its own, whatever ``verbose`` says."""


def _template_error() -> Any:
    """What jinja2, which llama-cpp-python brings along, raises about a template."""
    return importlib.import_module("jinja2").TemplateError


def library(wheels: str = "") -> Any:
    """llama-cpp-python.

    Args:
        wheels: see :func:`install_line`.

    Raises:
        LLMError: it is missing or does not load; the text says how to install it.
    """
    try:
        return importlib.import_module("llama_cpp")
    except ImportError:
        problem = "A GGUF file needs llama-cpp-python, which is not installed."
    except (OSError, RuntimeError) as error:
        problem = f"llama-cpp-python is installed but does not load ({error})."
    raise LLMError(f"{problem} {install_line(wheels=wheels)} Or ask a model on a server, which needs nothing more.")


def install_line(option: str = "", wheels: str = "") -> str:
    """The command that installs it. Ready-made wheels first: building one takes a compiler, and makes one for the CPU.

    Args:
        wheels: which of them suit this machine, such as cu130. Without, those for every machine, and a word on the others.
    """
    mac = platform.system() == "Darwin"
    others = "" if wheels or mac else " (cu130, cu124 or vulkan in place of cpu for a graphics card)"
    return (
        f'Install it with:  "{sys.executable}" -m pip install {option}llama-cpp-python --prefer-binary '
        f"--extra-index-url {WHEELS}/{wheels or ('metal' if mac else 'cpu')}  and restart{others}."
    )
