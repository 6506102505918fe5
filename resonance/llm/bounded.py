"""What a server sends, read as far as it is wanted and no further.

It takes no malice to send too much: a model that does not stop, a proxy that repeats itself, an address of something else.
"""

import json
import re
from collections.abc import AsyncGenerator, AsyncIterable
from typing import Any

from .chat import LLMError
from .server import Limits

MEGABYTE = 10**6
VALUES = 200_000
"""Most values in one piece of JSON: each takes ten times its letters in memory."""

_WIDE = re.compile(rb"[\xf0-\xf7]")
"""Letters such as emoji: with one of them, each letter of a text takes four bytes."""
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_BESIDE_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


async def whole(pieces: AsyncIterable[bytes], limits: Limits, who: str) -> bytes:
    """All that comes.

    Raises:
        LLMError: it is more than ``answer_megabytes``.
    """
    return b"".join([piece async for piece in _counted(pieces, limits, who)])


async def lines(pieces: AsyncIterable[bytes], limits: Limits, who: str) -> AsyncGenerator[bytes]:
    """What comes, line by line, without their ends.

    Raises:
        LLMError: one has more than ``line_megabytes``, or all together ``answer_megabytes``.
    """
    line = bytearray()
    async for piece in _counted(pieces, limits, who):
        for number, part in enumerate(piece.split(b"\n")):
            if number:
                yield bytes(line)
                line.clear()
            line += part
            if len(line) > limits.line_megabytes * MEGABYTE:
                raise _too_much(f"{who} sent a line of more than {limits.line_megabytes:g} MB", "line_megabytes")
    yield bytes(line)


def parsed(data: bytes, limits: Limits, who: str) -> Any:
    """The value of JSON in UTF-8.

    Raises:
        LLMError: it is nested more deeply than ``nesting``, holds a text that is longer than a line may be, or would take more
            memory than a server is worth.
        ValueError: it is no JSON.
    """
    longest = limits.line_megabytes * MEGABYTE
    wide = len(data) > 4 * MEGABYTE and _WIDE.search(data)
    if wide or data.count(b'"') > 4 * VALUES:  # a value has a key and a text
        raise _too_large(who)
    if len(data) > longest and any(text.end() - text.start() > longest for text in _TEXT.finditer(data)):
        raise _too_much(f"{who} sent a text of more than {limits.line_megabytes:g} MB", "line_megabytes")
    signs = _TEXT.sub(b"", data)
    if sum(map(signs.count, (b",", b"[", b"{"))) > VALUES:
        raise _too_large(who)
    depth = deepest = 0
    for sign in signs.translate(None, _BESIDE_BRACKETS):
        depth += 1 if sign in b"[{" else -1
        deepest = max(deepest, depth)
    if deepest > limits.nesting:
        raise _too_much(f"{who} sent JSON that is nested {deepest} deep", "nesting")
    return json.loads(data.decode("utf-8-sig", "surrogatepass"))  # halves of letters are mended where they are joined


def _too_large(who: str) -> LLMError:
    return LLMError(f"{who} sent JSON that is too large to be read: look at the server.")


def _too_much(what: str, setting: str) -> LLMError:
    return LLMError(f"{what}: look at the server or, if that is as it should be, raise {setting}.")


async def _counted(pieces: AsyncIterable[bytes], limits: Limits, who: str) -> AsyncGenerator[bytes]:
    total = 0
    async for piece in pieces:
        total += len(piece)
        if total > limits.answer_megabytes * MEGABYTE:
            raise _too_much(f"{who} sent an answer of more than {limits.answer_megabytes:g} MB", "answer_megabytes")
        yield piece
