from collections.abc import Callable
from typing import Any

from aiohttp import web
from execution import PromptQueue

class PromptServer:
    instance: PromptServer
    address: str
    port: int
    client_id: str | None
    app: web.Application
    routes: web.RouteTableDef
    prompt_queue: PromptQueue

    def add_on_prompt_handler(self, handler: Callable[[dict[str, Any]], dict[str, Any]]) -> None: ...
    def send_sync(self, event: str, data: dict[str, Any], sid: str | None = None) -> None: ...
    def send_progress_text(self, text: str, node_id: str) -> None: ...
