"""Adds up the CPU time that the server's worker thread spends in the pack's round nodes, PNG encoding apart."""

import functools
import importlib
import sys
import time
from collections import Counter

from aiohttp import web
from comfy_api.latest import ComfyExtension
from server import PromptServer

spent: Counter[str] = Counter()


def measure(owner, name, key):
    plain = getattr(owner, name)

    @functools.wraps(plain)
    def measured(*args, **kwargs):
        start = time.thread_time()
        try:
            return plain(*args, **kwargs)
        finally:
            spent[key] += time.thread_time() - start

    setattr(owner, name, measured)


async def install(_app):
    library = next(key for key in sys.modules if key.endswith(".resonance.host.core")).removesuffix(".host.core")

    def module(name):
        return importlib.import_module(f"{library}.{name}")  # most come when they are needed

    chain, results, store = map(module, ("host.sessions.chain", "host.sessions.results", "files.store"))
    for owner, name in ((chain, "next_work"), (chain, "store_words"), (results, "save")):
        measure(owner, name, name)
    measure(store, "encode_png", "encode_png")
    measure(module("files.pictures"), "locate", "pictures")
    for name in ("read", "to_tensor", "from_tensor"):
        measure(results.images, name, "pictures")


class Meter(ComfyExtension):
    async def on_load(self):
        PromptServer.instance.app.on_startup.append(install)

        @PromptServer.instance.routes.get("/meter")
        async def meter(_request):
            return web.json_response(dict(spent))

    async def get_node_list(self):
        return []


async def comfy_entrypoint():
    return Meter()
