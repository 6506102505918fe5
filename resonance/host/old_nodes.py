"""Nodes under ids of other packs, for workflows that were made with these."""

import importlib
from collections.abc import Sequence
from typing import Any

from aiohttp import web
from comfy_api.latest import io
from server import PromptServer


def register(old: Sequence[type[io.ComfyNode]], ours: type[io.ComfyNode]) -> None:
    """Adds nodes once all packs are loaded, under those of their ids that are still free.

    Args:
        ours: any node that ComfyUI itself registers for the pack: it writes there in which folder the pack lies, which is
            how the browser finds the help.
    """
    core: Any = importlib.import_module("nodes")  # ComfyUI's; type checkers would find the pack's
    schemas = [(node.GET_SCHEMA(), node) for node in old]

    async def add(_: web.Application) -> None:
        for schema, node in schemas:
            if schema.node_id not in core.NODE_CLASS_MAPPINGS:
                node.RELATIVE_PYTHON_MODULE = ours.RELATIVE_PYTHON_MODULE
                core.NODE_CLASS_MAPPINGS[schema.node_id] = node
                core.NODE_DISPLAY_NAME_MAPPINGS[schema.node_id] = schema.display_name

    PromptServer.instance.app.on_startup.append(add)
