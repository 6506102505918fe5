"""Nodes under ids of other packs, for workflows that were made with these."""

from collections.abc import Sequence

from aiohttp import web
from comfy_api.v0_0_2 import io

from . import core


def register(old: Sequence[type[io.ComfyNode]], ours: type[io.ComfyNode]) -> None:
    """Adds nodes once all packs are loaded, under those of their ids that are still free.

    Args:
        ours: any node that ComfyUI itself registers for the pack.
    """

    async def add(_: web.Application) -> None:
        for node in old:
            core.add_node(node, like=ours)

    core.on_start(add)
