"""A conversation that lays out a picture: what the model is asked, and the canvas in what it answers."""

import re
from dataclasses import dataclass
from typing import Any

from ..llm.chat import Answer, LLMError, Request, Sampling, said
from ..llm.conversation import Conversation
from . import grammar, instructions
from .canvas import Canvas, CanvasError
from .instructions import AUTOMATIC, JSON, PROGRAM
from .read import Reading, partial, read_canvas

NOTHING = "the model laid out nothing: the whole picture has words, but no region does. Try the other form of answers, or a larger model"

BEGINNING = 300
"""Letters of a useless answer that are shown."""


@dataclass(frozen=True)
class Turn:
    """What a round of chat led to. ``text`` is the answer without thoughts, ``notes`` what the user should know."""

    canvas: Canvas
    conversation: Conversation
    text: str
    notes: tuple[str, ...]


def form_for(form: str, name: str) -> str:
    """``form``, but for :data:`AUTOMATIC` what suits an engine of that name, in which an address may stand behind the model."""
    if form != AUTOMATIC:
        return form
    return PROGRAM if re.search(r"(?<![a-z])omost(?![a-z])", name.lower().partition("://")[0]) else JSON


def system_text(text: str, form: str) -> str:
    """The system text for answers in that form: ``text``, but the form's own if it is empty or another form's own."""
    own = {instructions.system_prompt(f).strip() for f in instructions.FORMS}
    return instructions.system_prompt(form) if text.strip() in {"", *own} else text.strip()


def request(
    conversation: Conversation, message: str, system: str, form: str, forced: bool, sampling: Sampling
) -> Request:
    """The next question. ``forced`` holds the answer to its form, as far as the engine is able to."""
    formats: dict[str, Any] = {}
    if forced and form == PROGRAM:
        formats = {"grammar": grammar.program_grammar()}
    elif forced:
        formats = {"grammar": grammar.json_grammar(), "schema": grammar.json_schema()}
    return Request(conversation.asking(message, system_text(system, form)), sampling, **formats)


def turn(conversation: Conversation, message: str, answer: Answer) -> Turn:
    """The canvas in an answer to ``message``. From one that was cut off, what was complete.

    Raises:
        LLMError: there is none; the text quotes how the answer begins.
    """
    text = said(answer)
    try:
        found = read_canvas(text)
    except CanvasError as error:
        begun = None if answer.finished else partial(text)
        if begun is None:
            raise LLMError(_useless(text, answer, error)) from error
        found = Reading(begun)
    cut = ("the answer was cut off: max_tokens or the model's context was too small",)
    empty = (NOTHING,) if not found.canvas.locals and found.finished else ()
    more = cut if answer.finished is False else empty
    return Turn(found.canvas, conversation.answered(message, text), text, (*answer.notes, *more, *found.notes))


def _useless(text: str, answer: Answer, error: CanvasError) -> str:
    advice = "Raise max_tokens." if answer.finished is False else "Try another seed, force_grammar or another model."
    quoted = text[:BEGINNING] + ("…" if len(text) > BEGINNING else "")
    return f"The answer holds no canvas. {advice} It begins: {quoted}\n\nWhat was looked for: {error}"


def summary(canvas: Canvas) -> str:
    """A line on what stands there."""
    last = canvas.regions[-1]
    words = last.name or " ".join(last.prefixes[-1:])
    count = len(canvas.locals)
    return f"{count} region{'' if count == 1 else 's'}; {'nearest' if count else 'the whole'}: {words}"
