"""A server of a language model, as values: where it is, how long it is waited for, and how much of an answer is read."""

from dataclasses import dataclass
from pathlib import Path

from . import settings
from .chat import Thinking

SPARE_CHARACTERS = 4000
"""An answer may have so many, however few its tokens."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long a server is waited for, and how much of an answer is read. The names are those of the settings."""

    wait_seconds: float = settings.WAIT_SECONDS.default
    answer_seconds: float = settings.ANSWER_SECONDS.default
    answer_megabytes: float = settings.ANSWER_MEGABYTES.default
    line_megabytes: float = settings.LINE_MEGABYTES.default
    nesting: int = settings.NESTING.default
    characters_per_token: float = settings.CHARACTERS_PER_TOKEN.default

    def characters(self, max_tokens: int) -> int:
        """How long an answer of so many tokens may be."""
        return int(max_tokens * self.characters_per_token) + SPARE_CHARACTERS


@dataclass(frozen=True)
class LLMServer:
    """A language model behind an address, see :func:`resonance.llm.http.connect`.

    Attributes:
        address: with or without ``/v1`` at its end; the address of the chat route will do as well.
        keys: the user's ``llm_keys.json``.
        model: name to ask for; empty takes the first that the server lists which writes and, for pictures, sees.
        timeout: seconds to wait for the next piece of an answer.
        exposed: others can send workflows here, which may not ask any port of this machine, see :func:`.keys.key_for`.
        unload: the server is asked to free the model's memory when whoever asks is done.
    """

    address: str
    keys: Path
    model: str = ""
    timeout: float = 120.0
    limits: Limits = Limits()
    exposed: bool = False
    thinking: Thinking = "auto"
    unload: bool = False
