"""Opening a language model: a server behind an address, or a GGUF file in this process."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .chat import Abilities, Answer, LLMEngine, OnText, OnWait, Request
from .server import LLMServer

# Each of these takes long to import, and a model needs only one of them.
if TYPE_CHECKING:
    from . import llamacpp


@dataclass(frozen=True)
class GGUF:
    """A model in this process. It holds no memory itself and can travel in a graph.

    Attributes:
        load: returns the loaded model, loading it if need be.
        unload: frees its memory.
        unload_after_run: also when whoever asks is only done for now.
        for_images: how one is made to see, where it does not.
    """

    settings: "llamacpp.Settings"
    load: Callable[[], "llamacpp.Model"]
    unload: Callable[[], None]
    unload_after_run: bool = False
    for_images: str = ""

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def abilities(self) -> Abilities:
        known = self.settings.abilities
        return replace(known, for_images=self.for_images) if self.for_images else known

    def chat(self, request: Request, on_text: OnText, interrupted: Callable[[], bool], on_wait: OnWait) -> Answer:
        return self.load().chat(request, on_text, interrupted)

    def release(self, unload: bool = False) -> str:
        if unload or self.unload_after_run:
            self.unload()
        return ""


def open_llm(
    which: "LLMServer | llamacpp.Settings",
    interrupted: Callable[[], bool] = lambda: False,
    on_wait: OnWait = lambda text: None,
) -> LLMEngine:
    """A language model that can be asked. A GGUF file is loaded at once and kept until it is released with ``unload``.

    Raises:
        Interrupted: while a server was asked what it is.
        LLMError: nobody is there, or the model cannot be loaded.
    """
    if isinstance(which, LLMServer):
        from .http import connect

        return connect(which, interrupted, on_wait)
    from .llamacpp import Model

    model = Model(which)
    return GGUF(which, lambda: model, model.close)
