"""What a server answers: the text that grows out of the events of a stream, and what its errors say."""

import json
from collections.abc import AsyncIterable
from pathlib import Path
from typing import Any, cast

from . import bounded
from .chat import Answer, LLMError, OnText, sound
from .keys import split_address
from .server import Limits

QUOTED = 200
"""Letters of a server's own words that are shown."""


async def read_answer(events: AsyncIterable[Any], base: str, most: int, on_text: OnText, key: str | None) -> Answer:
    """The answer that events make.

    Args:
        events: JSON values: those of a stream, or the whole answer.
        most: characters it may have.
        key: to be hidden where the server repeats it.

    Raises:
        LLMError: it is too long, not finished, withheld, or no answer at all.
    """
    text, half, reason = "", "", None
    async for event in events:
        piece, last = _piece(event, base, key)
        reason = last or reason
        if len(text) + len(piece) > most:
            raise LLMError(
                f"{base} wrote more than {most:,} characters and does not stop at max_tokens: look at the server or, if that is "
                "as it should be, raise characters_per_token."
            )
        if piece:
            piece = half + piece
            half = piece[-1] if "\ud800" <= piece[-1] < "\udc00" else ""  # of a letter whose other half comes next
            text += sound(piece.removesuffix(half))
            on_text(text)
    if reason is None:
        raise LLMError(
            f"{base} ended the answer before it was finished: the conversation may be longer than the server's "
            "context, or another request took its place."
        )
    if reason == "content_filter":
        raise LLMError(f"{base} withheld the answer (content filter).")
    return Answer(text + sound(half), reason != "length")


def _piece(event: Any, base: str, key: str | None) -> tuple[str, str | None]:
    """Text and finish reason of one event of a stream, or of a whole answer."""
    if as_object(event).get("error"):
        raise LLMError(f"{base} broke off: {short(_hide(_message(as_object(event)), key))}")
    match event:
        case {"choices": None | []}:
            return "", None
        case {"choices": [dict(), *_]}:
            choice = as_object(event["choices"][0])
        case _:
            raise _no_answer(base, "it has no choices")
    said: Any = choice.get("delta") or choice.get("message") or {}
    if not isinstance(said, dict):
        raise _no_answer(base, "its message is no object")
    content = as_object(said).get("content") or ""
    if not isinstance(content, str):
        raise _no_answer(base, "its content is no text")
    reason = choice.get("finish_reason") or None
    if not isinstance(reason, str | None):
        raise _no_answer(base, "its finish_reason is no text")
    return content, reason


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
