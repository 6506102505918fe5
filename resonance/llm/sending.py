"""One request to a server, whoever asks it: sent, sent again while the server is busy, and its answer read.

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
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import aiohttp

from . import bounded
from .answer import DONE, complaint, short
from .chat import Interrupted, LLMError, OnWait
from .keys import key_for, split_address
from .server import Limits, LLMServer

T = TypeVar("T")

CONNECT_SECONDS = 10.0
BUSY = (429, 503)
"""What a server answers that is loading its model or has too much to do."""
SOONEST, LATEST = 1.0, 30.0
"""Seconds until it is asked again."""
RESTART_SECONDS = 60.0
"""So long a server is waited for that has answered before and does not any more."""
DAY = 86400.0
ERROR_BYTES, ERROR_SECONDS = 65536, 10.0
"""So much of an error is read."""


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="resonance network", daemon=True).start()
    return loop


def wait_for(work: Coroutine[Any, Any, T], interrupted: Callable[[], bool]) -> T:
    """Waits for ``work`` and looks ten times a second whether the user still wants it."""
    future = asyncio.run_coroutine_threadsafe(work, _loop())
    while not wait({future}, timeout=0.1).done:
        if interrupted():
            future.cancel()
            raise Interrupted
    return future.result()


class _NobodyThere(LLMError):
    """The port is closed."""


@asynccontextmanager
async def exchange(
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
                said = short(await error_of(response, key))
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


async def events(response: aiohttp.ClientResponse, base: str, limits: Limits) -> AsyncGenerator[Any]:
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


async def error_of(response: aiohttp.ClientResponse, key: str | None) -> str:
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

    return wait_for(post(), lambda: False)
