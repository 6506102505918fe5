"""Language models on servers that speak OpenAI's chat API (llama.cpp, vLLM, Ollama, LM Studio, TGI, ...): what a server is, and what
its model is asked. :mod:`.sending` has the requests themselves."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal

import aiohttp

from . import bounded
from .answer import as_object, read_answer, refusal
from .chat import Abilities, Answer, LLMError, OnText, OnWait, Request, fit
from .keys import split_address
from .listed import Listed, choose, informed, is_name, listed
from .sending import error_of, events, exchange, wait_for
from .server import Limits, LLMServer
from .wire import formats_of, give_way, refuses_system, sampling_fields, thinking_fields, to_wire

Kind = Literal["OpenAI-compatible", "llama.cpp", "TGI"]

LOOK_SECONDS = 30.0
GLANCE_SECONDS = 5.0
"""For what is nice to know."""
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
        return wait_for(self._chat(request, on_text, on_wait), interrupted)

    def release(self, unload: bool = False) -> str:
        """The server keeps its model as it likes, unless it was said to be asked."""
        if not self.server.unload:
            return ""
        return wait_for(self._unload(), lambda: False)

    async def _unload(self) -> str:
        hasty = _hasty(self.server)
        for model in dict.fromkeys(filter(None, (self.model, self.shown))):
            for route, body, sign in UNLOADS:
                url = self.base.removesuffix("/v1") + route
                with suppress(LLMError):
                    async with exchange(hasty, "POST", url, lambda text: None, body(model)) as (response, _):
                        if sign in await _found(response, self.base, hasty.limits):
                            break
            else:
                return f"{self.base} keeps {model} in memory: it can be unloaded on Ollama, LM Studio and llama.cpp's server with several models only"
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
            async with exchange(server, "POST", url, on_wait, body, known=True) as (response, key):
                if response.status < 300:
                    most = server.limits.characters(request.sampling.max_tokens)
                    answer = await read_answer(
                        events(response, self.base, server.limits), self.base, most, on_text, key
                    )
                    return replace(answer, notes=(*notes, *answer.notes))
                said = await error_of(response, key)
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
    return wait_for(_connect(server, on_wait), interrupted)


async def _connect(server: LLMServer, on_wait: OnWait) -> HTTPEngine:
    origin, path = split_address(server.address)
    path = re.sub(r"(/chat)?/completions$|/models$", "", path)
    root = f"{origin}{path}"
    patient = replace(server, timeout=min(server.timeout, LOOK_SECONDS))
    asked: list[str] = []

    async def look(url: str) -> dict[str, Any]:
        async with exchange(patient, "GET", url, on_wait) as (response, key):
            if response.status in (401, 403) or 300 <= response.status < 400:
                raise refusal(response.status, await error_of(response, key), root, server.model, server.keys)
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
            async with exchange(hasty, method, root + route, lambda text: None, body) as (response, _):
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
