"""HTTP routes for sessions.

``GET /resonance/rounds`` lists them. Below ``/resonance/rounds/<session>``: ``GET`` itself (``?round=``), ``grid``, ``folder``,
``items/<id>``, ``items/<id>/drift``, pictures at ``items/<id>/source`` and ``items/<id>/result/<number>``, small or, with
``?full=1``, as they are, and ``items/<id>/result/<number>/workflow``, what a picture says of how it was made; ``POST`` ``pause``, ``resume``, ``retry`` and ``remake`` (``?round=``).
"""

import asyncio
import json
import logging
import re
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web

from ... import images
from ...files import formats, store
from ...gallery import grid, thumbnails
from ...gallery.drift import drift
from ...session import query
from ...session.opening import UnreadableLedger, size_of
from ...session.status import NoLedger
from ...told import NotNow, NotThere, Told
from .. import folders
from ..sessions import owned as sessions

log = logging.getLogger(__name__)

T = TypeVar("T")

_dumps = partial(json.dumps, separators=(",", ":"), allow_nan=False)
LARGE = 64 << 20
"""Bytes of a ledger that others do not wait for."""
# None of them is the event loop's own pool, from which ComfyUI sends files: whatever lies in the output folder, that goes on.
_lists = ThreadPoolExecutor(1, "resonance-lists")
_ledgers = ThreadPoolExecutor(3, "resonance-ledgers")
_large = ThreadPoolExecutor(1, "resonance-large-ledgers")
_commands = ThreadPoolExecutor(1, "resonance-commands")
_texts = ThreadPoolExecutor(2, "resonance-texts")
_decoders = ThreadPoolExecutor(2, "resonance-pictures")
"""Decodes pictures: two at a time, so that a scroll through thousands leaves the server free for its work."""


async def overview(_: web.Request) -> web.Response:
    def read() -> list[dict[str, Any]]:
        return [
            each._asdict() if isinstance(each, query.Unread) else vars(each)
            for each in query.overview(folders.output_folder())
        ]

    return await answer(read, _lists)


async def one(request: web.Request) -> web.Response:
    def read() -> dict[str, Any]:
        how_far, items = query.read_round(_session(request), _round(request))
        return {**vars(how_far), "items": items}

    return await answer(read, await _reader(request))


async def all_items(request: web.Request) -> web.Response:
    first = request.query.get("first") == "1"
    return await answer(lambda: grid.grid(_session(request), first), await _reader(request))


async def where(request: web.Request) -> web.Response:
    def read() -> dict[str, str]:
        session = _session(request)
        if not size_of(session):
            raise NoLedger
        return {"folder": str(session)}

    return await answer(read)


async def one_item(request: web.Request) -> web.Response:
    return await answer(
        lambda: grid.item(_session(request), _id(request), folders.output_folder()), await _reader(request)
    )


async def drifted(request: web.Request) -> web.Response:
    def read() -> dict[str, Any]:
        return drift(_session(request), _id(request), _roots(request))

    return await answer(read, _decoders)


async def source(request: web.Request) -> web.StreamResponse:
    return await _picture(request, lambda: grid.source(_session(request), _id(request), _roots(request)))


async def result(request: web.Request) -> web.StreamResponse:
    number = int(request.match_info["number"])
    return await _picture(request, lambda: grid.result(_session(request), _id(request), number))


async def workflow(request: web.Request) -> web.Response:
    number = int(request.match_info["number"])

    def read() -> dict[str, str]:
        texts = formats.read_texts(grid.result(_session(request), _id(request), number))
        # kohya's scripts write words as ``prompt``
        return {key: texts[key] for key in ("workflow", "prompt") if texts.get(key, "").lstrip().startswith("{")}

    return await answer(read, _decoders)


async def pause(request: web.Request) -> web.Response:
    return await answer(lambda: sessions.pause(request.match_info["session"]), _commands)


async def resume(request: web.Request) -> web.Response:
    return await answer(lambda: sessions.resume(request.match_info["session"]), _commands)


async def retry(request: web.Request) -> web.Response:
    return await answer(lambda: {"items": sessions.retry(request.match_info["session"])}, _commands)


async def remake(request: web.Request) -> web.Response:
    return await answer(lambda: {"items": sessions.remake(request.match_info["session"], _round(request))}, _commands)


async def answer(work: Callable[[], Any], pool: ThreadPoolExecutor = _texts) -> web.Response:
    """Runs blocking work beside the event loop and answers with what it returns, as JSON."""

    def run() -> web.Response:
        found = work()
        return web.json_response({} if found is None else found, dumps=_dumps)

    return await _guarded(run, pool)


async def _picture(request: web.Request, find: Callable[[], Path]) -> web.StreamResponse:
    """Answers with the picture that ``find`` finds in the ledger, small or as it is."""
    full = request.query.get("full") == "1"
    headers = {"X-Content-Type-Options": "nosniff"}
    headers["Cache-Control"] = "private, max-age=31536000, immutable" if "v" in request.query else "no-cache"

    def look() -> web.StreamResponse | Path:
        """The answer, or the picture if it must be decoded for it."""
        picture = find()
        if not full:
            data = thumbnails.kept(_session(request), picture)
            return web.Response(body=data, content_type="image/webp", headers=headers) if data else picture
        kind = thumbnails.kind(picture)
        return web.FileResponse(picture, headers={**headers, "Content-Type": kind}) if kind else picture

    def decode(picture: Path) -> web.Response:
        if request.transport is None:  # the browser has scrolled on
            return web.Response()
        if full:
            data = store.encode_png(images.read(picture), {}, 1)
            return web.Response(body=data, content_type="image/png", headers=headers)
        data = thumbnails.make(_session(request), picture)
        return web.Response(body=data, content_type="image/webp", headers=headers)

    found = await _guarded(look, await _reader(request), 404)
    return await _guarded(lambda: decode(found), _decoders, 404) if isinstance(found, Path) else found


async def _guarded(work: Callable[[], T], pool: ThreadPoolExecutor, wrong: int = 400) -> T | web.Response:
    """Runs blocking work beside the event loop; what a person is told becomes a sentence and a status. A fault is logged.

    Args:
        wrong: status of what is told, where its class has none of its own.
    """
    try:
        return await asyncio.get_running_loop().run_in_executor(pool, work)
    except NoLedger:
        return _refuse("There is no such session in the output folder.", 404)
    except NotThere as error:
        return _refuse(str(error), 404)
    except UnreadableLedger as error:
        return _refuse(str(error), 503)
    except NotNow as error:
        return _refuse(str(error), 409)
    except Told as error:
        return _refuse(str(error), wrong)
    except sqlite3.Error as error:
        return _refuse(f"The session's ledger cannot be written: {error}.", 503)
    except Exception:
        log.exception("A request failed")
        return _refuse("Resonance failed on this request: ComfyUI's log says where.", 500)


async def read_body(request: web.Request, most: int, what: str) -> bytes | web.Response:
    """What is sent, or the refusal of more than so many bytes, whatever length it is said to have.

    Args:
        what: what is expected.
    """
    body = bytearray()
    async for part in request.content.iter_chunked(1 << 16):
        body += part
        if len(body) > most:
            return _refuse(f"This is more than {most:,} bytes: no {what} takes so many.", 413)
    return bytes(body)


def read_json(body: bytes) -> Any:
    """What a request says. Raises Told if it is no JSON."""
    try:
        return json.loads(body)
    except RecursionError as error:
        raise Told("The request is no JSON that is read here: it is nested too deeply.") from error
    except UnicodeDecodeError as error:
        raise Told("The request is no JSON: it is not UTF-8.") from error
    except ValueError as error:
        raise Told(f"The request is no JSON ({error}).") from error


def _refuse(sentence: str, status: int) -> web.Response:
    return web.json_response({"error": sentence}, status=status)


def _session(request: web.Request) -> Path:
    return sessions.folder(request.match_info["session"])


async def _reader(request: web.Request) -> ThreadPoolExecutor:
    """Who reads the session's ledger."""

    def is_large() -> bool:
        try:
            return size_of(_session(request)) > LARGE
        except Told:
            return False

    large = await asyncio.get_running_loop().run_in_executor(_ledgers, is_large)
    return _large if large else _ledgers


def _roots(request: web.Request) -> dict[str, Path]:
    """Folders from which the pictures of a session come."""
    return {**folders.picture_roots(), "archive": query.base_of(_session(request))}


def _round(request: web.Request) -> int | None:
    """The round that is asked for."""
    round_ = request.query.get("round", "")
    return int(round_) if re.fullmatch(r"\d{1,18}", round_) else None


def _id(request: web.Request) -> int:
    return int(request.match_info["id"])
