"""The nodes of the pack, one module per menu."""

from comfy_api.latest import ComfyExtension, io

from ..resonance.host import folders, memory, routes
from . import compose, describe, roulette, rounds, tag


class ResonanceExtension(ComfyExtension):
    async def on_load(self) -> None:
        folders.register()
        memory.register()
        routes.register()

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [*tag.NODES, *describe.NODES, *compose.NODES, *roulette.NODES, *rounds.NODES]
