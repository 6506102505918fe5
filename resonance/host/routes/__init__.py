"""HTTP routes. What answers them is loaded with the first request: it is a third of the pack."""

from collections.abc import Awaitable, Callable
from importlib import import_module

from aiohttp import web
from server import PromptServer

SESSION = "/resonance/rounds/{session}"
ITEM = SESSION + r"/items/{id:\d{1,18}}"

ROUTES = (
    ("GET", "/resonance/rounds", "sessions", "overview"),
    ("GET", SESSION, "sessions", "one"),
    ("GET", SESSION + "/grid", "sessions", "all_items"),
    ("GET", SESSION + "/folder", "sessions", "where"),
    ("GET", ITEM, "sessions", "one_item"),
    ("GET", ITEM + "/drift", "sessions", "drifted"),
    ("GET", ITEM + "/source", "sessions", "source"),
    ("GET", ITEM + r"/result/{number:\d{1,9}}", "sessions", "result"),
    ("GET", ITEM + r"/result/{number:\d{1,9}}/workflow", "sessions", "workflow"),
    ("POST", SESSION + "/pause", "sessions", "pause"),
    ("POST", SESSION + "/resume", "sessions", "resume"),
    ("POST", SESSION + "/retry", "sessions", "retry"),
    ("POST", SESSION + "/remake", "sessions", "remake"),
    ("GET", "/resonance/folders", "folders", "overview"),
    ("POST", "/resonance/folders", "folders", "make"),
    ("POST", "/resonance/canvas/read", "canvas", "read_text"),
    ("POST", "/resonance/canvas/write", "canvas", "write_text"),
    ("POST", "/resonance/canvas/tokens", "canvas", "count_tokens"),
    ("POST", "/resonance/transform", "transform", "transform"),
)
"""Method, path, module here, function there."""


def register() -> None:
    for method, path, module, function in ROUTES:
        PromptServer.instance.routes.route(method, path)(_loading(module, function))


def _loading(module: str, function: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await getattr(import_module(f".{module}", __name__), function)(request)

    return handle
