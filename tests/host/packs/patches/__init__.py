"""Nodes that only tests need: tiny models, patches as other packs make them, and looks at what came of it."""

from comfy_api.latest import ComfyExtension

from . import gradients, looks, loras, models, runs, tints


class PatchesExtension(ComfyExtension):
    async def on_load(self):
        loras.count_patches()

    async def get_node_list(self):
        return [*models.NODES, *tints.NODES, *looks.NODES, *loras.NODES, *runs.NODES, *gradients.NODES]


async def comfy_entrypoint():
    return PatchesExtension()
