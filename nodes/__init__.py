"""The nodes of the pack, one module per menu."""

from comfy_api.v0_0_2 import ComfyExtension, io

from ..resonance.host import core, folders, memory, old_nodes, routes
from . import (
    canvas,
    chat,
    color,
    compose,
    control,
    describe,
    encode,
    explore,
    from_mask,
    gradual,
    guidance,
    highres,
    lines,
    loras,
    noise,
    old,
    reference,
    regions,
    roulette,
    rounds,
    sampling,
    sheet,
    tag,
    transform,
    vary,
    xti,
)
from .links import checked


class ResonanceExtension(ComfyExtension):
    async def on_load(self) -> None:
        core.note_graphs()
        folders.register()
        memory.register()
        routes.register()
        old_nodes.register([checked(node) for node in old.NODES], checked(tag.NODES[0]))

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        menus = (
            tag,
            describe,
            compose,
            roulette,
            rounds,
            chat,
            canvas,
            regions,
            reference,
            guidance,
            from_mask,
            loras,
            sheet,
            transform,
            vary,
            color,
            explore,
            noise,
            gradual,
            encode,
            highres,
            lines,
            sampling,
            control,
            xti,
        )
        return [checked(node) for menu in menus for node in menu.NODES]
