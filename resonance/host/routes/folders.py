"""HTTP routes for folders of pictures.

``GET /resonance/folders`` lists those of Round Input; ``POST`` makes a new one below the input folder, ``{"name": "holiday"}``,
into which the browser uploads pictures through ComfyUI's own route.
"""

from typing import Any

from aiohttp import web

from ... import images
from ...files import pictures
from ...plugins import PLUGINS
from ...told import Told
from .. import folders
from .sessions import answer, read_body, read_json

LONGEST = 10_000
"""Bytes of a request."""


async def overview(_: web.Request) -> web.Response:
    def read() -> dict[str, Any]:
        found, whole = pictures.folders(folders.picture_roots())
        suffixes = sorted(images.SUFFIXES)
        needed = {suffix: package for suffix, package in PLUGINS.items() if suffix not in suffixes}
        return {"folders": [each._asdict() for each in found], "all": whole, "suffixes": suffixes, "needed": needed}

    return await answer(read)


async def make(request: web.Request) -> web.StreamResponse:
    body = await read_body(request, LONGEST, "name of a folder")
    if isinstance(body, web.Response):
        return body

    def work() -> dict[str, str]:
        match read_json(body):
            case {"name": str(wanted)}:
                name, text = pictures.new_folder(folders.input_folder(), wanted)
                return {"subfolder": name, "folder": text}
            case _:
                raise Told('The request must be an object with the name of a folder: {"name": "holiday"}.')

    return await answer(work)
