"""Prints what loading the pack costs beyond ComfyUI: seconds of CPU, the least of fifteen tries, and what of the command it loads.

    python -P import_time.py PACK BASE

Run with ComfyUI's folder on the path and `-P`, since a module beside this one is named comfy too. BASE is an empty folder
for what ComfyUI writes. Each try is a fork of a process that has loaded ComfyUI itself, so that none profits from another.
"""

import asyncio
import json
import re
import sys
import time
from multiprocessing import get_context

pack, base = sys.argv[1:]
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
    tries = pool.map(load_pack, range(15), chunksize=1)
    print(json.dumps({"seconds": min(seconds for seconds, _ in tries), "loaded": tries[0][1]}))
