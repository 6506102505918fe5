"""One way to talk to any language model: what is asked, what an engine can do, what was left out.

An engine states its abilities; :func:`ask` fits a request to them and says in the answer's notes what it had to change.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from PIL import Image

from ..told import Told
from .thoughts import parted, strange, without_thoughts

EVERY = 0.05
"""Seconds between two looks at an answer that grows, at least."""

QUOTED = 200
"""Letters of thoughts that are shown in place of an answer."""


Thinking = Literal["auto", "off", "low", "on"]
"""Whether a model thinks before it answers; auto: as it does by itself."""


@dataclass(frozen=True)
class Message:
    """One turn. Pictures (RGB) come before the text."""

    role: Literal["system", "user", "assistant"]
    text: str
    images: tuple[Image.Image, ...] = ()


@dataclass(frozen=True)
class Sampling:
    """How the next token is drawn. ``temperature`` 0 takes the likeliest; ``top_k`` 0, ``top_p`` 1, ``min_p`` 0 and
    ``repeat_penalty`` 1 switch these off."""

    max_tokens: int = 512
    temperature: float = 0.3
    top_p: float = 0.95
    top_k: int = 40
    min_p: float = 0.0
    repeat_penalty: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class Request:
    """One question to a model.

    Attributes:
        messages: at most one system message, first; then user and assistant in turn, a user message last.
        stop: the answer ends before any of these texts.
        schema: JSON schema the answer must obey.
        grammar: GBNF grammar (start symbol ``root``) the answer must obey; where an engine takes both it goes before
            ``schema``.
    """

    messages: tuple[Message, ...]
    sampling: Sampling = field(default_factory=Sampling)
    stop: tuple[str, ...] = ()
    schema: dict[str, Any] | None = None
    grammar: str | None = None


@dataclass(frozen=True)
class Abilities:
    """What an engine can do with the model it holds. ``for_images`` tells how to get one that sees pictures."""

    images: bool = False
    stream: bool = True
    system: bool = True
    turns: bool = True
    schema: bool = False
    grammar: bool = False
    stop: bool = True
    for_images: str = "connect a model that sees pictures"


@dataclass(frozen=True)
class Answer:
    """What a model has answered.

    Attributes:
        finished: False if the text was cut off at ``max_tokens``, None if nobody says.
        notes: what was left out or changed.
        thoughts: what the model thought before it answered. From an engine, those that it was given apart from the text.
    """

    text: str
    finished: bool | None
    notes: tuple[str, ...] = ()
    thoughts: str = ""


OnText = Callable[[str, str], None]
"""Called with all of the answer so far, and all of the thoughts, each time one has grown."""

OnWait = Callable[[str], None]
"""Called with a sentence on what is waited for: each time a server that is loading or busy will be asked again."""


class LLMEngine(Protocol):
    """A language model. What travels on a RESONANCE_LLM link."""

    @property
    def name(self) -> str:
        """What a person would call it, for messages."""
        ...

    @property
    def abilities(self) -> Abilities: ...

    def chat(self, request: Request, on_text: OnText, interrupted: Callable[[], bool], on_wait: OnWait) -> Answer:
        """Answers a request that fits :attr:`abilities`. Call :func:`ask` instead.

        Raises:
            Interrupted: ``interrupted`` returned True; noticed within a second.
            LLMError: the model did not answer; one readable sentence.
        """
        ...

    def release(self, unload: bool = False) -> str:
        """Called when a node is done with the model for this run; with ``unload`` its memory is wanted.

        Returns:
            A note for the user if the memory that was asked for was not freed.
        """
        ...


def states(engine: LLMEngine) -> str:
    """What an engine is able to do, in a few plain words."""
    can = engine.abilities
    held = "cannot be held to a form"
    if can.grammar or can.schema:
        held = f"can be held to JSON{' and to Omost programs' if can.grammar else ''}"
    return "\n".join(
        [
            engine.name,
            f"Reads text{' and pictures' if can.images else ' only, no pictures'}. Its answers {held}.",
            *(["It knows no system text: that is put before the instruction."] if not can.system else []),
            *(["It knows no turns: a conversation is sent as one message."] if not can.turns else []),
        ]
    )


class LLMError(Told):
    """A model could not be asked or did not answer; the text is for the user."""


class Interrupted(Exception):  # noqa: N818 - it is no error
    """The user asked to stop."""


def ask(
    engine: LLMEngine,
    request: Request,
    on_text: OnText = lambda text, thoughts: None,
    interrupted: Callable[[], bool] = lambda: False,
    on_wait: OnWait = lambda text: None,
) -> Answer:
    """Asks ``engine``, whatever it is able to do. Thoughts are told from the answer.

    Args:
        on_text: called as the answer grows, but not more often than every :data:`EVERY` seconds.

    Raises:
        Interrupted, LLMError: see :meth:`LLMEngine.chat`; also if the request holds pictures and the engine takes none.
    """
    fitted, notes = fit(request, engine.abilities, engine.name)
    soonest = 0.0

    def grown(text: str, thoughts: str) -> None:
        nonlocal soonest
        if time.monotonic() >= soonest:
            said = _parted(Answer(text, None, thoughts=thoughts))
            on_text(said.text, said.thoughts)
            soonest = time.monotonic() + EVERY

    answer = _parted(engine.chat(fitted, grown, interrupted, on_wait))
    if len(cut := before_stop(answer.text, request.stop)) < len(answer.text):
        answer = replace(answer, text=cut, finished=True)
    if mark := strange(answer.text):
        notes = (*notes, f"the answer holds {mark}, a mark that is not known here: it was left as it is")
    return replace(answer, notes=notes + answer.notes)


def _parted(answer: Answer) -> Answer:
    """The answer with its thoughts apart, and only whole letters."""
    text, thoughts = parted(sound(answer.text))
    return replace(answer, text=text, thoughts="\n\n".join(filter(None, (sound(answer.thoughts).strip(), thoughts))))


def said(answer: Answer) -> str:
    """The text of an answer, without thoughts and blanks around it.

    Raises:
        LLMError: there is none; the text says why, as far as that is known.
    """
    text = without_thoughts(answer.text).strip()
    if any(letter.isprintable() and not letter.isspace() for letter in text):
        return text
    thoughts = answer.thoughts or parted(answer.text).thoughts
    if thoughts and answer.finished is False:
        raise LLMError(
            "The model was still thinking when max_tokens ran out: raise max_tokens, or take a model that does not think."
        )
    if thoughts:
        quoted = " ".join(thoughts[:QUOTED].split()) + ("…" if len(thoughts) > QUOTED else "")
        raise LLMError(
            "The model gave thoughts but no answer. Some servers take an answer for a thought: switch off thinking, or the "
            f"server's reading of it, or take a model that does not think. It begins: {quoted}"
        )
    raise LLMError(
        "The model's answer is empty: try another seed or instruction, and see whether a stop text stands at its beginning."
    )


def so_far(text: str, thoughts: str) -> str:
    """What there is to be shown of an answer that grows: the thoughts, until it begins."""
    return text if text.strip() or not thoughts else f"Thinking: {thoughts}"


def fit(request: Request, can: Abilities, name: str = "this model") -> tuple[Request, tuple[str, ...]]:
    """The request as an engine with these abilities can take it, and notes on what was changed."""
    notes: list[str] = []
    messages = request.messages
    if not can.images and any(m.images for m in messages):
        raise LLMError(f"{name} takes no pictures: {can.for_images}.")
    if not can.turns and sum(m.role != "system" for m in messages) > 1:
        messages = _one_turn(messages)
        notes.append("this model knows no turns: the conversation so far was written into one message")
    if not can.system and messages[0].role == "system":
        first, second, *rest = messages
        messages = (replace(second, text=f"{first.text}\n\n{second.text}"), *rest)
        if first.text:
            notes.append("this model has no system text: it was put before the instruction")
    grammar = request.grammar if can.grammar else None
    schema = request.schema if can.schema and grammar is None else None
    if (request.grammar or request.schema) and not (grammar or schema):
        notes.append("this model cannot be held to a format: it was only asked for it")
    return replace(
        request, messages=messages, stop=request.stop if can.stop else (), schema=schema, grammar=grammar
    ), tuple(notes)


def _one_turn(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    system = tuple(m for m in messages if m.role == "system")
    turns = [m for m in messages if m.role != "system"]
    said = "\n\n".join(f"{'User' if m.role == 'user' else 'Assistant'}: {m.text}" for m in turns)
    return (*system, Message("user", f"{said}\n\nAssistant:", tuple(i for m in turns for i in m.images)))


def before_stop(text: str, stop: tuple[str, ...]) -> str:
    """``text`` up to the first of the stop texts."""
    return text[: min((at for s in stop if s and (at := text.find(s)) >= 0), default=len(text))]


def sound(text: str) -> str:
    """Text that can be written as UTF-8: halves of a surrogate pair are joined, lone ones become U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def whole_sentences(text: str) -> str:
    """``text`` up to the end of its last finished sentence; unchanged if it holds none."""
    end = max((m.end() for m in re.finditer(r"[.!?…][\"'”’)\]]*(?=\s|$)|[。！？]", text)), default=len(text))
    return text[:end]
