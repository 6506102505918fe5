"""Plants faults deep in the library: a canvas whose text is the name of an error raises that error."""

import builtins
import functools
import sys

from comfy_api.latest import ComfyExtension
from server import PromptServer


async def plant(_app):
    read = next(module for name, module in sys.modules.items() if name.endswith(".resonance.canvas.read"))
    plain = read.sound

    @functools.wraps(plain)
    def planted(text):
        if text.endswith("Error"):
            raise getattr(builtins, text)("planted")
        return plain(text)

    read.sound = planted


class Faults(ComfyExtension):
    async def on_load(self):
        PromptServer.instance.app.on_startup.append(plant)

    async def get_node_list(self):
        return []


async def comfy_entrypoint():
    return Faults()
