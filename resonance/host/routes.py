"""HTTP routes for sessions: ``GET /resonance/rounds``, ``GET /resonance/rounds/<session>``, ``POST …/pause|resume|retry``."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web
from server import PromptServer

from ..rounds import status
from . import folders, sessions


def register() -> None:
    routes = PromptServer.instance.routes

    @routes.get("/resonance/rounds")
    async def overview(_: web.Request) -> web.Response:
        def read() -> list[dict[str, Any]]:
            return [vars(status.read(folder)[0]) for folder in status.sessions(folders.output_folder())]

        return await _answer(read)

    @routes.get("/resonance/rounds/{session}")
    async def one(request: web.Request) -> web.Response:
        def read() -> dict[str, Any]:
            round_ = request.query.get("round", "")
            how_far, items = status.read(
                sessions.folder(request.match_info["session"]), int(round_) if round_.isdecimal() else None
            )
            return {**vars(how_far), "items": items}

        return await _answer(read)

    @routes.post("/resonance/rounds/{session}/pause")
    async def pause(request: web.Request) -> web.Response:
        return await _answer(lambda: sessions.pause(request.match_info["session"]))

    @routes.post("/resonance/rounds/{session}/resume")
    async def resume(request: web.Request) -> web.Response:
        return await _answer(lambda: sessions.resume(request.match_info["session"]))

    @routes.post("/resonance/rounds/{session}/retry")
    async def retry(request: web.Request) -> web.Response:
        return await _answer(lambda: {"items": sessions.retry(request.match_info["session"])})


async def _answer(work: Callable[[], Any]) -> web.Response:
    """Runs blocking work beside the event loop; what it raises becomes a sentence and a status."""
    try:
        return web.json_response(await asyncio.to_thread(work) or {})
    except FileNotFoundError:
        return web.json_response({"error": "There is no such session in the output folder."}, status=404)
    except (ValueError, RuntimeError) as error:
        return web.json_response({"error": str(error)}, status=400 if isinstance(error, ValueError) else 409)
