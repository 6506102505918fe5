"""All network code of the pack: servers that speak OpenAI's chat API (llama.cpp, vLLM, Ollama, LM Studio, TGI, ...).

Requests run in an event loop of their own thread, so that an interrupt is seen while no byte arrives, and cancelling
closes the connection, which makes the server stop too. Proxies and netrc of the environment are not used, redirects
are not followed, and keys are read when they are sent: no object that travels in a graph holds one.
"""

import asyncio
import functools
import json
import re
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from concurrent.futures import wait
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import aiohttp

from .chat import Abilities, Answer, Interrupted, LLMError, OnText, Request, Sampling
from .keys import key_for, split_address
from .wire import to_wire

T = TypeVar("T")
Kind = Literal["OpenAI-compatible", "llama.cpp", "TGI"]

CONNECT_SECONDS = 10.0
OPTIONAL = ("top_k", "min_p", "repeat_penalty", "seed", "top_p", "temperature", "stop")
"""Fields that some server refuses and an answer can do without."""


@dataclass(frozen=True)
class HTTPEngine:
    """A model behind an address. Made by :func:`connect`, which asks the server what it is.

    Attributes:
        base: address that ``/chat/completions`` follows.
        timeout: seconds to wait for the next piece of an answer.
        keys: the user's ``llm_keys.json``.
    """

    base: str
    kind: Kind
    model: str
    timeout: float
    keys: Path
    sees: bool = True

    @property
    def name(self) -> str:
        return f"{self.model} at {self.base}"

    @property
    def abilities(self) -> Abilities:
        return Abilities(
            images=self.sees,
            schema=True,
            grammar=self.kind == "llama.cpp",
            for_images="start the server with a model that sees pictures (llama.cpp: with --mmproj)",
        )

    def chat(self, request: Request, on_text: OnText, interrupted: Callable[[], bool]) -> Answer:
        return _run(self._chat(request, on_text), interrupted)

    def release(self, unload: bool = False) -> None:
        """The server keeps its model as it likes."""

    async def _chat(self, request: Request, on_text: OnText) -> Answer:
        body: dict[str, Any] = {"model": self.model, "messages": to_wire(request.messages), "stream": True}
        body |= _sampling(request.sampling)
        if request.stop:
            body["stop"] = list(request.stop)
        if request.grammar:
            body["grammar"] = request.grammar
        formats = _formats(request.schema, self.kind) if request.schema else []
        notes: list[str] = []
        while True:
            if formats:
                body["response_format"] = formats[0]
            async with _send("POST", self.base + "/chat/completions", self.keys, self.timeout, body) as (response, key):
                if response.status < 300:
                    answer = await _answer(response, self.base, on_text, key)
                    return Answer(answer.text, answer.finished, (*notes, *answer.notes))
                said = _hide(_said(await response.text(errors="replace")), key)
                if response.status in (400, 422) and (note := _give_way(body, said)) is not None:
                    notes += [note] if note else []
                elif formats and response.status in (400, 422, 500, 501):
                    del formats[0], body["response_format"]
                    if not formats:
                        notes.append("the server cannot be held to a format")
                else:
                    raise _refusal(response, said, self.base, self.model, self.keys)


def connect(
    address: str, model: str, timeout: float, keys: Path, interrupted: Callable[[], bool] = lambda: False
) -> HTTPEngine:
    """Asks the server at ``address`` what it is: ``GET /v1/models`` (OpenAI-compatible), else ``GET /info`` (TGI).

    Args:
        address: with or without ``/v1`` at its end; the address of the chat route will do as well.
        model: name to ask for; empty takes the first that the server lists.

    Raises:
        LLMError: nobody there, not allowed, or no such server.
    """
    return _run(_connect(address, model, timeout, keys), interrupted)


async def _connect(address: str, model: str, timeout: float, keys: Path) -> HTTPEngine:
    origin, path = split_address(address)
    path = re.sub(r"(/chat)?/completions$|/models$", "", path)
    root = f"{origin}{path}"
    asked: list[str] = []

    async def look(url: str) -> dict[str, Any]:
        async with _send("GET", url, keys, min(timeout, 30.0)) as (response, key):
            if response.status in (401, 403) or 300 <= response.status < 400:
                raise _refusal(response, _hide(_said(await response.text(errors="replace")), key), root, model, keys)
            asked.append(f"GET {url}: {response.status}")
            try:
                return _object(await response.json(content_type=None)) if response.status == 200 else {}
            except ValueError:
                return {}

    for base in (root, f"{root}/v1") if path else (f"{root}/v1",):
        if "data" not in (found := await look(base + "/models")):
            continue
        first = _object(next(iter(found["data"] or ()), None))
        if not (name := model or str(first.get("id", ""))):
            raise LLMError(f"{base} lists no model: load one there, or give its name.")
        if first.get("owned_by") != "llamacpp":
            return HTTPEngine(base, "OpenAI-compatible", name, timeout, keys)
        can = _object((await look(base.removesuffix("/v1") + "/props")).get("modalities"))
        return HTTPEngine(base, "llama.cpp", name, timeout, keys, bool(can.get("vision", True)))
    root = root.removesuffix("/v1")
    if name := (await look(root + "/info")).get("model_id"):
        return HTTPEngine(f"{root}/v1", "TGI", model or str(name), timeout, keys)
    raise LLMError(
        f"{origin} answers, but neither as an OpenAI-compatible server nor as text-generation-inference "
        f"({'; '.join(asked)}): check the address."
    )


def post_json(url: str, body: Any, timeout: float) -> tuple[int, Any]:
    """Posts JSON to this ComfyUI itself, at whatever address it listens. Never with an address from a workflow.

    Returns:
        Its status, and its JSON (None if it sent none).

    Raises:
        LLMError: no answer within ``timeout`` seconds.
    """

    async def post() -> tuple[int, Any]:
        async with _send("POST", url, None, timeout, body) as (response, _):
            try:
                return response.status, await response.json(content_type=None)
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


@asynccontextmanager
async def _send(
    method: str, url: str, keys: Path | None, timeout: float, body: Any = None
) -> AsyncGenerator[tuple[aiohttp.ClientResponse, str | None]]:
    """Sends one request and yields the response and the key that went with it. Failures become one sentence each."""
    origin, path = split_address(url)
    key = key_for(origin, keys) if keys else None
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    limits = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=timeout)
    try:
        async with (
            aiohttp.ClientSession(timeout=limits, cookie_jar=aiohttp.DummyCookieJar(), read_bufsize=2**20) as session,
            session.request(
                method,
                f"{origin}{path}",
                json=body,
                headers=headers,
                allow_redirects=False,
                # A server on this machine has a certificate of its own making, if any.
                ssl=keys is not None and not origin.local,
            ) as response,
        ):
            yield response, key
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
        raise LLMError(f"Nobody answers at {origin}: is the server running, and is the port right?") from None
    except aiohttp.ServerTimeoutError:
        raise LLMError(f"{origin} sent nothing for {timeout:g} s: raise the timeout, or look at the server.") from None
    except (aiohttp.ClientError, ConnectionError, OSError) as error:
        raise LLMError(
            f"{origin} broke the connection before the answer was complete ({type(error).__name__}): "
            "look at the server's log."
        ) from None


def _sampling(s: Sampling) -> dict[str, Any]:
    """What is off is not sent: some servers refuse a neutral value, others do not know the field."""
    fields: dict[str, Any] = {
        "max_tokens": s.max_tokens,
        "temperature": s.temperature,
        "top_p": s.top_p if s.top_p < 1 else None,
        "top_k": s.top_k or None,
        "min_p": s.min_p or None,
        "repeat_penalty": s.repeat_penalty if s.repeat_penalty != 1 else None,
        "seed": s.seed & 0xFFFFFFFF,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _formats(schema: dict[str, Any], kind: Kind) -> list[dict[str, Any]]:
    """Ways to ask for a schema, the strictest first; what a server refuses is followed by the next."""
    if kind == "TGI":
        return [{"type": "json", "value": schema}]
    return [
        {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}},
        {"type": "json_object", "schema": schema},
    ]


def _give_way(body: dict[str, Any], said: str) -> str | None:
    """Takes out of ``body`` what the server refused. The note for the user, empty if nothing is lost; None if the
    refusal was about something else."""
    if "max_completion_tokens" in said and "max_tokens" in body:
        body["max_completion_tokens"] = body.pop("max_tokens")
        return ""
    for name in OPTIONAL:
        if name in body and re.search(rf"\b{name}\b", said):
            del body[name]
            return f"the server does not take {name}: it was left out"
    return None


# What comes back


async def _answer(response: aiohttp.ClientResponse, base: str, on_text: OnText, key: str | None) -> Answer:
    """Reads an answer to its end, as a stream or, from servers that know none, in one piece."""
    text, reason = "", None
    if response.content_type != "text/event-stream":
        text, reason = _piece(await response.read(), base, key)
    else:
        async for line in response.content:
            data = line.removeprefix(b"data:").strip()
            if data == line.strip():
                continue  # blank lines, ": ping", "event: ..."
            if data == b"[DONE]":
                break
            piece, last = _piece(data, base, key)
            reason = last or reason
            if piece:
                text += piece
                on_text(text)
    if reason is None:
        raise LLMError(
            f"{base} ended the answer before it was finished: the conversation may be longer than the server's "
            "context, or another request took its place."
        )
    if reason == "content_filter":
        raise LLMError(f"{base} withheld the answer (content filter).")
    return Answer(text, reason != "length")


def _piece(data: bytes, base: str, key: str | None) -> tuple[str, str | None]:
    """Text and finish reason of one event of a stream, or of a whole answer."""
    try:
        event: Any = json.loads(data)
        if not event.get("error"):
            choice: Any = event["choices"][0] if event["choices"] else {}
            said: Any = choice.get("delta") or choice.get("message") or {}
            return str(said.get("content") or ""), choice.get("finish_reason")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LLMError(f"{base} sent something that is not a chat answer ({type(error).__name__}).") from None
    raise LLMError(f"{base} broke off: {_hide(_said(data.decode()), key)}")


def _object(value: Any) -> dict[str, Any]:
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def _said(text: str) -> str:
    """The message in an error body: ``{"error": {"message": "..."}}``, ``{"error": "..."}``, ``{"detail": ...}``, text."""
    try:
        body = _object(json.loads(text))
    except ValueError:
        body = {}
    said = body.get("error") or body.get("detail") or body.get("message") or text
    said = _object(said).get("message") or said
    return re.sub(r"\s+", " ", said if isinstance(said, str) else json.dumps(said)).strip()[:500]


def _hide(text: str, key: str | None) -> str:
    """Servers like to repeat a key that they refuse."""
    return text.replace(key, "(the key)") if key else text


def _refusal(response: aiohttp.ClientResponse, said: str, base: str, model: str, keys: Path) -> LLMError:
    origin, _ = split_address(base)
    match response.status:
        case 401 | 403:
            return LLMError(
                f"{origin} refused the key ({response.status}): write the right one into {keys} as "
                f'"{origin}": {{"key": "..."}}.'
            )
        case 404:
            return LLMError(f"{base} knows no such route or no model {model!r} (404): {said}")
        case status if 300 <= status < 400:
            return LLMError(
                f"{base} sends on to another address ({status}). That is not followed, so that words and key stay "
                "with the address you allowed: write the final address."
            )
        case status:
            return LLMError(f"{base} answered {status}: {said}")
