"""Prints what loading the pack costs beyond ComfyUI: seconds of CPU, the least of up to fifteen tries, and what of the command it loads.

    python -P import_time.py PACK BASE ENOUGH

Run with ComfyUI's folder on the path and `-P`, since a module beside this one is named comfy too. BASE is an empty folder
for what ComfyUI writes; a try of less than ENOUGH seconds is the last. Each try is a fork of a process that has loaded ComfyUI itself, so that none profits from another.
"""

import asyncio
import json
import re
import sys
import time
from multiprocessing import get_context

pack, base, enough = sys.argv[1:]
import comfy.options  # noqa: E402

comfy.options.enable_args_parsing(False)
from comfy.cli_args import args  # noqa: E402

args.cpu, args.base_directory = True, base
import server  # noqa: E402

import nodes  # noqa: E402


async def load_comfyui() -> None:
    server.PromptServer(asyncio.get_running_loop()).add_routes()
    await nodes.init_public_apis()
    await nodes.init_builtin_extra_nodes()


OF_THE_COMMAND = re.compile(r"(.*\.)?resonance\.(cli|drive|img2tag2img|report|toyworld)\b.*|(typer|ray|diffusers)")


def load_pack(_: int) -> tuple[float, list[str]]:
    start, before = time.process_time(), set(sys.modules)
    assert asyncio.run(nodes.load_custom_node(pack, set(), "custom_nodes"))
    return time.process_time() - start, sorted(filter(OF_THE_COMMAND.fullmatch, sys.modules.keys() - before))


asyncio.run(load_comfyui())
with get_context("fork").Pool(1, maxtasksperchild=1) as pool:
    tries: list[float] = []
    found: set[str] = set()
    for seconds, loaded in pool.imap(load_pack, range(15)):
        tries.append(seconds)
        found.update(loaded)
        if seconds < float(enough):
            break
    print(json.dumps({"seconds": min(tries), "loaded": sorted(found)}))
