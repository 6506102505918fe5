"""HTTP route for the table on Transform: ``POST /resonance/transform``."""

import json
from typing import Any

from aiohttp import web
from server import PromptServer

from ...vary.choice import choose, table
from .sessions import answer


def register() -> None:
    @PromptServer.instance.routes.post("/resonance/transform")
    async def transform(request: web.Request) -> web.Response:
        """``{transform, era, program, save_middle, loop_to_loop, iterations}``, the widgets' values -> the table of it."""
        body = await request.read()

        def read() -> dict[str, Any]:
            match json.loads(body):
                case {"iterations": int() as iterations, **choice} if iterations >= 0:
                    return table(choose(choice, iterations))
                case _:
                    raise ValueError("iterations is a whole number from 0.")

        return await answer(read)
