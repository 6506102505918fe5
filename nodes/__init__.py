"""The nodes of the pack, one module per menu."""

import importlib
import pathlib

from comfy_api.latest import ComfyExtension, io

from ..resonance.host import folders, memory, routes


class ResonanceExtension(ComfyExtension):
    async def on_load(self) -> None:
        folders.register()
        memory.register()
        routes.register()

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        # temporary while the modules are being written
        found = []
        for name in ("tag", "describe", "compose", "roulette", "rounds"):
            if pathlib.Path(__file__).with_name(name + ".py").exists():
                try:
                    found += importlib.import_module("." + name, __package__).NODES
                except Exception:
                    import logging

                    logging.exception("module %s", name)
        return found
