"""HTTP route for the table on Transform: ``POST /resonance/transform``."""

from typing import Any

from aiohttp import web

from ...told import Told
from ...vary.choice import choose, table
from .sessions import answer, read_body, read_json

LARGEST = 1 << 20
"""Bytes of a request."""


async def transform(request: web.Request) -> web.Response:
    """``{transform, era, program, save_middle, loop_to_loop, iterations}``, the widgets' values -> the table of it."""
    body = await read_body(request, LARGEST, "transform")
    if isinstance(body, web.Response):
        return body

    def read() -> dict[str, Any]:
        match read_json(body):
            case {"iterations": int() as iterations, **choice} if iterations >= 0 and iterations is not True:
                return table(choose(choice, iterations))
            case _:
                raise Told("iterations is a whole number from 0.")

    return await answer(read)
