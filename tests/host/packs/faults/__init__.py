"""Plants faults deep in the library: a canvas whose text is the name of an error raises that error, a picture named `never` lies on a
disk that does not answer, and a session whose folder holds a file `fault` cannot be written for the reason that stands in it."""

import builtins
import errno
import functools
import importlib
import os
import sys
import threading

from comfy_api.latest import ComfyExtension
from server import PromptServer


def module(name):
    pack = next(known for known in sys.modules if known.endswith(".resonance"))
    return importlib.import_module(f"{pack}.{name}")


async def plant(_app):
    read = module("canvas.read")
    plain = read.sound

    @functools.wraps(plain)
    def planted(text):
        if text.endswith("Error"):
            raise getattr(builtins, text)("planted")
        return plain(text)

    read.sound = planted
    pixels, images, store = map(module, ("pixels", "images", "files.store"))
    open_file, write = pixels.open_file, store._write

    def slow(path):
        if path.stem == "never":
            threading.Event().wait()
        return open_file(path)

    def failing(folder, files, parents):
        fault = folder.parent / "fault"
        if fault.exists():
            number = getattr(errno, fault.read_text())
            raise OSError(number, os.strerror(number), str(folder))
        write(folder, files, parents)

    pixels.open_file, store._write = slow, failing
    images.PATIENCE = 3.0


class Faults(ComfyExtension):
    async def on_load(self):
        PromptServer.instance.app.on_startup.append(plant)

    async def get_node_list(self):
        return []


async def comfy_entrypoint():
    return Faults()
