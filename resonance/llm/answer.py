"""What a server answers: the text that grows out of the events of a stream, and what its errors say."""

import json
from collections.abc import AsyncIterable
from pathlib import Path
from typing import Any, NamedTuple, cast

from . import bounded
from .chat import Answer, LLMError, OnText, sound
from .keys import split_address
from .server import Limits

QUOTED = 200
"""Letters of a server's own words that are shown."""


DONE = object()
"""The event that ends a stream, or stands behind a whole answer."""

THOUGHTS = ("reasoning_content", "reasoning", "thinking")
"""Fields of thoughts. Some servers send the same words in two of them."""

CUT = ("length", "max_tokens", "model_length")
WITHHELD = ("content_filter", "safety", "refusal")
"""Finish reasons, as servers and gateways say them."""


class _Piece(NamedTuple):
    """What an event says: a piece of the text, of the thoughts or of a refusal; that a tool is called; why the answer ends."""

    text: str = ""
    thoughts: str = ""
    refusal: str = ""
    calls: bool = False
    reason: str | None = None


class _Growing(NamedTuple):
    """A text that comes in pieces. ``half`` is the last of them, as long as it is half a letter."""

    whole: str = ""
    half: str = ""

    def plus(self, piece: str) -> "_Growing":
        if not piece:
            return self
        piece = self.half + piece
        half = piece[-1] if "\ud800" <= piece[-1] < "\udc00" else ""
        return _Growing(self.whole + sound(piece.removesuffix(half)), half)

    def all(self) -> str:
        return self.whole + sound(self.half)


async def read_answer(events: AsyncIterable[Any], base: str, most: int, on_text: OnText, key: str | None) -> Answer:
    """The answer that events make.

    Args:
        events: JSON values: those of a stream, or the whole answer. :data:`DONE` behind them, where nothing is missing.
        most: characters it may have, with its thoughts.
        key: to be hidden where the server repeats it.

    Raises:
        LLMError: it is too long, not finished, withheld, refused, the call of a tool, or no answer at all.
    """
    text, thoughts, refusal, calls, reason, done = _Growing(), _Growing(), _Growing(), False, None, False
    async for event in events:
        if event is DONE:
            done = True
            break
        piece = _piece(event, base, key)
        calls, reason = calls or piece.calls, piece.reason or reason
        text, thoughts, refusal = text.plus(piece.text), thoughts.plus(piece.thoughts), refusal.plus(piece.refusal)
        if len(text.whole) + len(thoughts.whole) + len(refusal.whole) > most:
            raise LLMError(
                f"{base} wrote more than {most:,} characters and does not stop at max_tokens: look at the server or, if that is "
                "as it should be, raise characters_per_token."
            )
        if piece.text or piece.thoughts:
            on_text(text.whole, thoughts.whole)
    if reason is None and not (done and (text.whole or refusal.whole)):
        raise LLMError(
            f"{base} ended the answer before it was finished: the conversation may be longer than the server's "
            "context, or another request took its place."
        )
    if reason in WITHHELD:
        raise LLMError(f"{base} withheld the answer (content filter).")
    if refusal.whole:
        raise LLMError(f"{base} refused: {short(_hide(_plain(refusal.all()), key))}")
    if calls and not text.whole.strip():
        raise LLMError(
            f"{base} called a tool instead of answering: start the server without tools, or take another model."
        )
    if reason == "error":
        raise LLMError(f"{base} broke off without saying why: look at the server's log.")
    notes = () if reason else ("the server did not say whether the answer is complete",)
    return Answer(text.all(), reason not in CUT if reason else None, notes, thoughts.all())


def _piece(event: Any, base: str, key: str | None) -> _Piece:
    if as_object(event).get("error"):
        raise LLMError(f"{base} broke off: {short(_hide(_message(as_object(event)), key))}")
    match event:
        case {"choices": None | []}:
            return _Piece()
        case {"choices": [dict(), *_]}:
            choice = as_object(event["choices"][0])
        case _:
            raise _no_answer(base, "it has no choices")
    message: Any = choice.get("delta") or choice.get("message") or {}
    if not isinstance(message, dict):
        raise _no_answer(base, "its message is no object")
    message = as_object(message)
    reason = choice.get("finish_reason") or None
    if not isinstance(reason, str | None):
        raise _no_answer(base, "its finish_reason is no text")
    text, thoughts, refusal = _content(message.get("content") or message.get("text") or choice.get("text"), base)
    return _Piece(
        text,
        next(filter(None, (_words(message.get(name)) for name in THOUGHTS)), "") + thoughts,
        _words(message.get("refusal")) + refusal,
        bool(message.get("tool_calls") or message.get("function_call")),
        reason and reason.lower(),
    )


def _content(content: Any, base: str) -> tuple[str, str, str]:
    """Text, thoughts and refusal of a message: it is text, or a list of parts."""
    text = thoughts = refusal = ""
    for part in cast(list[Any], content) if isinstance(content, list) else [content or ""]:
        match part:
            case str() | {"type": "text" | "output_text", "text": str()}:
                text += _words(part)
            case {"type": "thinking" | "reasoning"}:
                thoughts += _words(part)
            case {"type": "refusal"}:
                refusal += _words(part)
            case {"type": str(kind)}:
                raise _no_answer(base, f"its content has a part that is {short(_plain(kind))!r} and no text")
            case _:
                raise _no_answer(base, "its content is no text")
    return text, thoughts, refusal


def _words(value: Any) -> str:
    """A text, or those in a list or in the field of a part."""
    if isinstance(value, list):
        return "".join(map(_words, cast(list[Any], value)))
    fields = as_object(value)
    for name in ("text", "thinking", "reasoning", "refusal", "summary"):
        if fields.get(name):
            return _words(fields[name])
    return value if isinstance(value, str) else ""


def _no_answer(base: str, why: str) -> LLMError:
    return LLMError(f"{base} sent something that is not a chat answer ({why}).")


def complaint(data: bytes, key: str | None) -> str:
    """What the beginning of an error's body says, on one line."""
    try:
        body = as_object(bounded.parsed(data, Limits(), ""))
    except (ValueError, LLMError):
        body = {}
    return _hide(_message(body) if body else _plain(data.decode(errors="replace")), key)


def _message(body: dict[str, Any]) -> str:
    """The message in ``{"error": {"message": "..."}}``, ``{"error": "..."}``, ``{"detail": ...}`` or ``{"message": "..."}``."""
    said = body.get("error") or body.get("detail") or body.get("message") or body
    said = as_object(said).get("message") or said
    return _plain(said if isinstance(said, str) else json.dumps(said))


def refusal(status: int, said: str, base: str, model: str, keys: Path) -> LLMError:
    """What to say of an error, see :func:`complaint`."""
    origin, _ = split_address(base)
    said = short(said) or "it does not say why"
    match status:
        case 401 | 403:
            return LLMError(
                f'{origin} refused the key ({status}): write the right one into {keys} as "{origin}": {{"key": "..."}}.'
            )
        case 404:
            return LLMError(f"{base} knows no such route or no model {short(model)!r} (404): {said}")
        case _ if 300 <= status < 400:
            return LLMError(
                f"{base} sends on to another address ({status}). That is not followed, so that words and key stay "
                "with the address you allowed: write the final address."
            )
        case _:
            return LLMError(f"{base} answered {status}: {said}")


def _plain(text: str) -> str:
    """On one line, without what a terminal would obey."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def short(text: str) -> str:
    """The beginning of a server's words."""
    return text if len(text) <= QUOTED else text[:QUOTED] + "…"


def _hide(text: str, key: str | None) -> str:
    """Servers like to repeat a key that they refuse."""
    return text.replace(key, "(the key)") if key else text


def as_object(value: Any) -> dict[str, Any]:
    """An object of JSON; an empty one in place of anything else."""
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}
