"""HTTP routes for the canvas editor: ``POST /resonance/canvas/read|write|tokens``."""

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from aiohttp import web

from ...canvas import listing
from ...canvas.bags import ROOM, BagText, words
from ...canvas.boxes import to_boxes
from ...canvas.exchange import read_any
from ...canvas.read import LIMIT
from ...canvas.write_program import write_program
from ...told import Told
from .. import encode
from .sessions import answer, read_body, read_json

LARGEST = 2 * LIMIT
"""Bytes of a request."""

WIDEST = 16384
"""Pixels."""


async def read_text(request: web.Request) -> web.Response:
    """``{text, width, height}`` -> ``{regions, notes}``: the canvas that a node of that size would read."""

    def work(said: dict[str, Any]) -> dict[str, Any]:
        found = read_any(_text(said), *_size(said))
        return {"regions": json.loads(listing.write(found.canvas)), "notes": found.notes}

    return await _answer(request, work)


async def write_text(request: web.Request) -> web.Response:
    """``{regions, form, width, height}`` -> ``{text}``; form is ``program`` or ``boxes``."""

    def work(said: dict[str, Any]) -> dict[str, Any]:
        canvas = listing.read_list(said.get("regions"))
        match said.get("form"):
            case "program":
                return {"text": write_program(canvas)}
            case "boxes":
                return {"text": json.dumps(to_boxes(canvas, *_size(said)), indent=1, ensure_ascii=False)}
            case form:
                raise Told(f"A canvas is not written as {form!r}, but as 'program' or as 'boxes'.")

    return await _answer(request, work)


async def count_tokens(request: web.Request) -> web.Response:
    """``{regions}`` -> ``{bags, left_out, room}``: for each region the tokens of its bags, and how many do not fit."""

    def work(said: dict[str, Any]) -> dict[str, Any]:
        counts = [_count(words(region)) for region in listing.read_list(said.get("regions")).regions]
        return {"bags": [bags for bags, _ in counts], "left_out": [left for _, left in counts], "room": ROOM}

    return await _answer(request, work)


async def _answer(request: web.Request, work: Callable[[dict[str, Any]], Any]) -> web.Response:
    body = await read_body(request, LARGEST, "canvas")
    if isinstance(body, web.Response):
        return body

    def read() -> Any:
        match read_json(body):
            case {**said}:
                return work(said)
            case _:
                raise Told("The request is not an object in {}.")

    return await answer(read)


def _text(said: dict[str, Any]) -> str:
    if not isinstance(text := said.get("text"), str):
        raise Told("The request has no text.")
    return text


def _size(said: dict[str, Any]) -> tuple[int, int]:
    match said:
        case {"width": int() as width, "height": int() as height} if (
            0 < min(width, height) <= max(width, height) <= WIDEST
        ):
            return width, height
        case _:
            raise Told(f"width and height are whole pixels from 1 to {WIDEST}.")


@lru_cache(64)
def _count(text: BagText) -> tuple[list[int], int]:
    return encode.counts(encode.clip_l(), text)
