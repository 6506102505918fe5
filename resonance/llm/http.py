"""All network code of the pack: servers that speak OpenAI's chat API (llama.cpp, vLLM, Ollama, LM Studio, TGI, ...).

Requests run in an event loop of their own thread, so that an interrupt is seen while no byte arrives, and cancelling
closes the connection, which makes the server stop too. Proxies and netrc of the environment are not used, redirects
are not followed, and keys are read when they are sent: no object that travels in a graph holds one. What comes back is
read by :mod:`.bounded`.
"""

import asyncio
import functools
import re
import threading
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from concurrent.futures import wait
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, TypeVar

import aiohttp

from . import bounded
from .answer import DONE, as_object, complaint, read_answer, refusal, short
from .chat import Abilities, Answer, Interrupted, LLMError, OnText, OnWait, Request, fit
from .keys import key_for, split_address
from .listed import Listed, choose, informed, is_name, listed
from .server import Limits, LLMServer
from .wire import formats_of, give_way, refuses_system, sampling_fields, thinking_fields, to_wire

T = TypeVar("T")
Kind = Literal["OpenAI-compatible", "llama.cpp", "TGI"]

CONNECT_SECONDS = 10.0
LOOK_SECONDS = 30.0
GLANCE_SECONDS = 5.0
"""For what is nice to know."""
BUSY = (429, 503)
"""What a server answers that is loading its model or has too much to do."""
SOONEST, LATEST = 1.0, 30.0
"""Seconds until it is asked again."""
RESTART_SECONDS = 60.0
"""So long a server is waited for that has answered before and does not any more."""
DAY = 86400.0
ERROR_BYTES, ERROR_SECONDS = 65536, 10.0
"""So much of an error is read."""
LOOKED_AT = 30
"""Models of an older Ollama that are asked about one by one."""

UNLOADS: tuple[tuple[str, Callable[[str], dict[str, Any]], str], ...] = (
    ("/api/generate", lambda model: {"model": model, "keep_alive": 0, "stream": False}, "done"),
    ("/api/v1/models/unload", lambda model: {"instance_id": model}, "instance_id"),
    ("/models/unload", lambda model: {"model": model}, "success"),
)
"""How Ollama, LM Studio and llama.cpp's server with several models are asked to free a model's memory: route, body, and what
stands in the answer of a server that has done it (LM Studio answers 200 to any route)."""


@dataclass(frozen=True)
class HTTPEngine:
    """A model behind an address. Made by :func:`connect`, which asks the server what it is.

    Attributes:
        base: address that ``/chat/completions`` follows.
        sees: whether pictures can be asked about, as far as the server says.
        shown: the model that is shown pictures, where it is another one.
        chosen: what to say of the choice of a model for pictures, if anything.
    """

    base: str
    kind: Kind
    model: str
    server: LLMServer
    sees: bool = True
    shown: str = ""
    chosen: str = ""

    @property
    def name(self) -> str:
        return f"{self.model}{f' (for pictures {self.shown})' if self.shown else ''} at {self.base}"

    @property
    def abilities(self) -> Abilities:
        return Abilities(
            images=self.sees,
            schema=True,
            grammar=self.kind == "llama.cpp",
            for_images="start the server with a model that sees pictures (llama.cpp: with --mmproj), or name one",
        )

    def chat(self, request: Request, on_text: OnText, interrupted: Callable[[], bool], on_wait: OnWait) -> Answer:
        return _run(self._chat(request, on_text, on_wait), interrupted)

    def release(self, unload: bool = False) -> str:
        """The server keeps its model as it likes, unless it was said to be asked."""
        if not self.server.unload:
            return ""
        return _run(self._unload(), lambda: False)

    async def _unload(self) -> str:
        hasty = _hasty(self.server)
        for model in dict.fromkeys(filter(None, (self.model, self.shown))):
            for route, body, sign in UNLOADS:
                url = self.base.removesuffix("/v1") + route
                with suppress(LLMError):
                    async with _ask(hasty, "POST", url, lambda text: None, body(model)) as (response, _):
                        if sign in await _found(response, self.base, hasty.limits):
                            break
            else:
                return f"{self.base} keeps {model} in memory: it does not know how to be asked for it"
        return ""

    async def _chat(self, request: Request, on_text: OnText, on_wait: OnWait) -> Answer:
        pictures = any(message.images for message in request.messages)
        model = (self.shown if pictures else "") or self.model
        body: dict[str, Any] = {"model": model, "messages": to_wire(request.messages), "stream": True}
        body |= sampling_fields(request.sampling) | thinking_fields(self.server.thinking)
        if request.stop:
            body["stop"] = list(request.stop)
        if request.grammar:
            body["grammar"] = request.grammar
        formats = formats_of(request.schema, self.kind == "TGI") if request.schema else []
        notes = [self.chosen] if self.chosen and pictures else []
        url, server = self.base + "/chat/completions", self.server
        while True:
            if formats:
                body["response_format"] = formats[0]
            async with _ask(server, "POST", url, on_wait, body, known=True) as (response, key):
                if response.status < 300:
                    most = server.limits.characters(request.sampling.max_tokens)
                    answer = await read_answer(
                        _events(response, self.base, server.limits), self.base, most, on_text, key
                    )
                    return replace(answer, notes=(*notes, *answer.notes))
                said = await _complaint(response, key)
                if response.status in (400, 422) and (note := give_way(body, said)) is not None:
                    notes += [note] if note else []
                elif body["messages"][0]["role"] == "system" and refuses_system(response.status, said):
                    folded, told = fit(request, replace(self.abilities, system=False))
                    body["messages"] = to_wire(folded.messages)
                    notes += told
                elif formats and response.status in (400, 422, 500, 501):
                    del formats[0], body["response_format"]
                    if not formats:
                        notes.append("the server cannot be held to a format")
                else:
                    refused = refusal(response.status, said, self.base, model, server.keys)
                    raise LLMError(f"{refused} ({self.chosen})") if self.chosen and pictures else refused


def connect(
    server: LLMServer, interrupted: Callable[[], bool] = lambda: False, on_wait: OnWait = lambda text: None
) -> HTTPEngine:
    """Asks a server what it is: ``GET /v1/models`` (OpenAI-compatible), else ``GET /info`` (TGI). Where no model is named,
    also which of its models write and see.

    Raises:
        Interrupted: ``interrupted`` returned True.
        LLMError: nobody there, not allowed, no such server, or none of its models will do.
    """
    return _run(_connect(server, on_wait), interrupted)


async def _connect(server: LLMServer, on_wait: OnWait) -> HTTPEngine:
    origin, path = split_address(server.address)
    path = re.sub(r"(/chat)?/completions$|/models$", "", path)
    root = f"{origin}{path}"
    patient = replace(server, timeout=min(server.timeout, LOOK_SECONDS))
    asked: list[str] = []

    async def look(url: str) -> dict[str, Any]:
        async with _ask(patient, "GET", url, on_wait) as (response, key):
            if response.status in (401, 403) or 300 <= response.status < 400:
                raise refusal(response.status, await _complaint(response, key), root, server.model, server.keys)
            asked.append(f"GET {url}: {response.status}")
            return await _found(response, root, server.limits)

    for base in (root, f"{root}/v1") if path else (f"{root}/v1",):
        if "data" not in (found := await look(base + "/models")):
            continue
        above, models = base.removesuffix("/v1"), listed(found)
        kind: Kind = "llama.cpp" if any(each.owner == "llamacpp" for each in models) else "OpenAI-compatible"
        if kind == "llama.cpp" and len(models) == 1:
            can = as_object((await look(above + "/props")).get("modalities"))
            return HTTPEngine(base, kind, server.model or models[0].name, server, bool(can.get("vision", True)))
        if server.model:
            return HTTPEngine(base, kind, server.model, server)
        if len(models) > 1 and not any(each.sees for each in models):
            models = await _asked_about(models, above, server)
        choice = choose(models, base)
        return HTTPEngine(base, kind, choice.model, server, choice.sees, choice.shown, choice.note)
    root = root.removesuffix("/v1")
    if is_name(name := (await look(root + "/info")).get("model_id")):
        return HTTPEngine(f"{root}/v1", "TGI", server.model or name, server)
    raise LLMError(
        f"{origin} answers, but neither as an OpenAI-compatible server nor as text-generation-inference "
        f"({'; '.join(asked)}): check the address."
    )


async def _asked_about(models: list[Listed], root: str, server: LLMServer) -> list[Listed]:
    """The models with what LM Studio and Ollama say of theirs on routes of their own. Others do not have these."""
    hasty = _hasty(server)
    limits = hasty.limits

    async def glance(route: str, body: Any = None) -> list[Listed]:
        method = "GET" if body is None else "POST"
        try:
            async with _ask(hasty, method, root + route, lambda text: None, body) as (response, _):
                found = await _found(response, root, limits)
                return listed(found if body is None else {"data": [{**found, "id": body["model"]}]})
        except LLMError:
            return []

    models = informed(models, await glance("/api/v0/models"))
    models = informed(models, tags := await glance("/api/tags"))
    untold = [each.name for each in tags if each.sees is None]  # an older Ollama says it of one at a time
    for name in untold[:LOOKED_AT]:
        models = informed(models, await glance("/api/show", {"model": name}))
        if any(each.sees for each in models):
            break
    return models


def _hasty(server: LLMServer) -> LLMServer:
    limits = replace(server.limits, wait_seconds=0, answer_seconds=GLANCE_SECONDS)
    return replace(server, timeout=min(server.timeout, GLANCE_SECONDS), limits=limits)


async def _found(response: aiohttp.ClientResponse, who: str, limits: Limits) -> dict[str, Any]:
    """The object in an answer; none where it is no good answer.

    Raises:
        LLMError: it is beyond the limits.
    """
    if response.status != 200:
        return {}
    data = await bounded.whole(response.content.iter_any(), limits, who)
    try:
        return as_object(bounded.parsed(data, limits, who))
    except ValueError:
        return {}


def post_json(url: str, body: Any, timeout: float) -> tuple[int, Any]:
    """Posts JSON to this ComfyUI itself, at whatever address it listens. Never with an address from a workflow.

    Returns:
        Its status, and its JSON (None if it sent none).

    Raises:
        LLMError: no answer within ``timeout`` seconds.
    """

    async def post() -> tuple[int, Any]:
        async with _send("POST", url, timeout, Limits(), body=body, certified=False) as response:
            data = await bounded.whole(response.content.iter_any(), Limits(), url)
            try:
                return response.status, bounded.parsed(data, Limits(), url)
            except ValueError:
                return response.status, None

    return _run(post(), lambda: False)


# The loop


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="resonance network", daemon=True).start()
    return loop


def _run(work: Coroutine[Any, Any, T], interrupted: Callable[[], bool]) -> T:
    """Waits for ``work`` and looks ten times a second whether the user still wants it."""
    future = asyncio.run_coroutine_threadsafe(work, _loop())
    while not wait({future}, timeout=0.1).done:
        if interrupted():
            future.cancel()
            raise Interrupted
    return future.result()


# One request


class _NobodyThere(LLMError):
    """The port is closed."""


@asynccontextmanager
async def _ask(
    server: LLMServer, method: str, url: str, on_wait: OnWait, body: Any = None, known: bool = False
) -> AsyncGenerator[tuple[aiohttp.ClientResponse, str | None]]:
    """Sends one request, again and again while the server is :data:`BUSY`. Yields the response and the key that went with it.

    Args:
        known: the server has answered before. If nobody is there, it may be about to come back.
    """
    origin, _ = split_address(url)
    began, pause = time.monotonic(), SOONEST
    while True:
        key = key_for(origin, server.keys, server.exposed)
        try:
            async with _send(method, url, server.timeout, server.limits, key, body) as response:
                if response.status not in BUSY:
                    yield response, key
                    return
                said = short(await _complaint(response, key))
                why = f"{origin} answers {response.status}{f' ({said})' if said else ''}"
                wanted = _retry_after(response.headers.get("Retry-After"))
                most, advice = server.limits.wait_seconds, "look at the server, or raise wait_seconds."
        except _NobodyThere as error:
            if not known:
                raise
            why, _, advice = str(error).partition(": ")
            wanted, most = None, min(server.limits.wait_seconds, RESTART_SECONDS)
        waited = time.monotonic() - began
        if wanted is not None and wanted > LATEST:
            why += f" and asks for a pause of {f'{wanted:.0f} s' if wanted <= DAY else 'more than a day'}"
        if waited >= most:
            raise LLMError(f"{why}{f', even after {waited:.0f} s of waiting' if most else ''}: {advice}")
        ahead = min(max(pause if wanted is None else wanted, SOONEST), LATEST, most - waited)
        on_wait(f"{why}. Asking again in {ahead:.0f} s (waited {waited:.0f} of at most {most:g} s).")
        await asyncio.sleep(ahead)
        pause *= 2


@asynccontextmanager
async def _send(
    method: str,
    url: str,
    timeout: float,
    limits: Limits,
    key: str | None = None,
    body: Any = None,
    certified: bool = True,
) -> AsyncGenerator[aiohttp.ClientResponse]:
    """Sends one request and yields the response. Failures become one sentence each.

    Args:
        certified: a server on another machine must have a certificate that this one trusts.
    """
    origin, path = split_address(url)
    headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {key}"} if key else {})
    waits = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=timeout)
    seconds = max(limits.answer_seconds, timeout)
    try:
        async with (
            asyncio.timeout(seconds),
            aiohttp.ClientSession(timeout=waits, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False) as session,
            session.request(
                method,
                f"{origin}{path}",
                json=body,
                headers=headers,
                allow_redirects=False,
                # A server on this machine has a certificate of its own making, if any.
                ssl=certified and not origin.local,
            ) as response,
        ):
            if re.search(r"gzip|deflate|compress|br|zstd", response.headers.get("Content-Encoding", "").lower()):
                raise LLMError(f"{origin} sent its answer compressed, though it was asked not to: look at the server.")
            yield response
    except aiohttp.ClientConnectorDNSError:
        raise LLMError(f"There is no host {origin.host!r}: check the address.") from None
    except aiohttp.ClientSSLError as error:
        raise LLMError(
            f"No secure connection to {origin} ({type(error).__name__}): does the server speak http:// rather than "
            "https://, or is its certificate not one that this machine trusts?"
        ) from None
    except aiohttp.ConnectionTimeoutError:
        raise LLMError(f"{origin} did not answer within {CONNECT_SECONDS:.0f} s: check the address.") from None
    except aiohttp.ClientConnectorError:
        raise _NobodyThere(f"Nobody answers at {origin}: is the server running, and is the port right?") from None
    except aiohttp.ServerTimeoutError:
        raise LLMError(f"{origin} sent nothing for {timeout:g} s: raise the timeout, or look at the server.") from None
    except TimeoutError:
        raise LLMError(
            f"{origin} was not done with its answer after {seconds:g} s: ask for fewer tokens, or raise answer_seconds."
        ) from None
    except aiohttp.ClientResponseError as error:
        raise LLMError(
            f"{origin} sent something that is not HTTP ({type(error).__name__}): check the address and the port."
        ) from None
    except (aiohttp.ClientError, ConnectionError, OSError) as error:
        raise LLMError(
            f"{origin} broke the connection before the answer was complete ({type(error).__name__}): "
            "look at the server's log."
        ) from None


async def _events(response: aiohttp.ClientResponse, base: str, limits: Limits) -> AsyncGenerator[Any]:
    """The events of a stream or, from servers that know none, the answer in one piece. Then DONE, where that is said.

    Raises:
        LLMError: it is beyond the limits, or no JSON.
    """
    pieces = response.content.iter_any()
    try:
        if not response.headers.get("Content-Type", "").lower().startswith("text/event-stream"):
            yield bounded.parsed(await bounded.whole(pieces, limits, base), limits, base)
            yield DONE
            return
        async for line in bounded.lines(pieces, limits, base):
            data = line.removeprefix(b"data:").strip()
            if data == b"[DONE]":
                yield DONE
                return
            if data != line.strip():  # no blank line, ": ping", "event: ..."
                yield bounded.parsed(data, limits, base)
    except ValueError:
        raise LLMError(f"{base} sent something that is not a chat answer (no JSON).") from None


async def _complaint(response: aiohttp.ClientResponse, key: str | None) -> str:
    """What an error says, on one line."""
    read = bytearray()
    with suppress(TimeoutError):
        async with asyncio.timeout(ERROR_SECONDS):
            async for piece in response.content.iter_any():
                read += piece
                if len(read) >= ERROR_BYTES:
                    break
    return complaint(bytes(read[:ERROR_BYTES]), key)


def _retry_after(header: str | None) -> float | None:
    """Seconds until a server wants to be asked again, which it says as a number or as a date."""
    if header is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", header.strip()):
        return float(header)
    try:
        date = parsedate_to_datetime(header)
        return (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError):
        return None
