"""Engine 1: ComfyUI servers. Pictures go up and come back over HTTP, so that nothing needs a shared disk.

Each run is waited for by the events of a websocket of its own. Nothing is polled, and nobody else's runs matter. What
happened while the connection was gone, ComfyUI's queue and history tell.
"""

import asyncio
import json
import logging
import uuid
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Protocol, cast

import aiohttp
from yarl import URL

from ..session.made import Made
from ..session.reason import reported
from ..told import Told
from .job import EngineLost, Job, JobFailed

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
"""Called with a node's type, its step, and how many steps it has."""

CONNECT_SECONDS = 10.0
READ_SECONDS = 120.0
"""ComfyUI may stand still for a while when it loads a model."""
HEARTBEAT_SECONDS = 20.0
"""From ping to ping; a pong must come within half of it."""
BACK_SECONDS = 30.0
"""A connection that does not come back for so long is lost."""
STOP_SECONDS = 2.0
"""A run that is given up is not waited for longer: a server that stands still is told when it is ready again."""
SILENT_SECONDS = 60.0
"""After so long without an event the connection is made anew. When a client has come back, ComfyUI forgets its new
websocket as soon as it notices that the old one is dead."""


class Server:
    """A ComfyUI, 0.33 or newer, at an address.

    Args:
        address: such as ``http://127.0.0.1:8188``; a path, as behind a proxy, may follow.
        progress: hears of the steps of the runs.

    Raises:
        Told: this is no such address.
    """

    def __init__(self, address: str, progress: Progress | None = None) -> None:
        try:
            url = URL(address.strip())
        except ValueError:
            url = URL()
        if url.scheme not in ("http", "https") or not url.host or url.query_string or url.fragment:
            raise Told(f"{address!r} is not an address of a ComfyUI server. Expected one like http://127.0.0.1:8188.")
        self.url = url
        self.address = str(url.with_user(None)).rstrip("/")
        self.progress = progress
        self._session: aiohttp.ClientSession | None = None
        self._left: set[str] = set()
        """Runs that are on, or could not be dropped when they were over."""

    async def ready(self, patience: float) -> None:
        """Returns when it answers. Raises EngineLost if it does not within ``patience`` seconds."""
        clock = asyncio.get_running_loop().time
        began, pause, told = clock(), 0.1, False
        while True:
            try:
                status, said = await self._request("GET", "prompt")
                if status != 200 or b"queue_remaining" not in said:
                    raise EngineLost(f"What answers at {self.address} is no ComfyUI (status {status}).")
                break
            except EngineLost as error:
                waited = clock() - began
                if waited + pause > patience:
                    raise
                if waited > 2 and not told:
                    log.warning("%s Waiting for it for %d seconds.", error, patience)
                    told = True
            await asyncio.sleep(pause)
            pause = min(2 * pause, 5.0)
        for run in tuple(self._left):
            await self.forget(run)

    async def upload(self, picture: bytes, suffix: str) -> str:
        """Sends a picture, as it is, into the temporary folder.

        Not into the input folder: nothing can be deleted there over HTTP. Each upload has a name of its own, so that
        Round Output, which removes the oldest ones, does not mistake a new one for an old one.

        Returns:
            Its name as an item's source has it.
        """
        form = aiohttp.FormData()
        form.add_field("image", picture, filename=f"{uuid.uuid4().hex}{suffix}")
        form.add_field("subfolder", "resonance")
        form.add_field("type", "temp")
        said = await self._ask("POST", "upload/image", data=form)
        with self._understood():
            return f"{said['subfolder']}/{said['name']} [{said['type']}]"

    async def run(
        self, graph: Mapping[str, Any], run: str, extra: Mapping[str, Any] | None = None
    ) -> dict[str, dict[str, list[Any]]]:
        """Runs a graph and leaves nothing of it in the queue or the history. Cancelled, it stops the run.

        Args:
            graph: in API form.
            run: a UUID, which names the run in ComfyUI too.
            extra: ComfyUI's ``extra_data``.

        Returns:
            What the nodes showed (``ui``), by node id, in the order in which they ran.

        Raises:
            JobFailed, EngineLost
        """
        id_ = _canonical(run)
        body = {"prompt": graph, "prompt_id": id_, "client_id": id_, "extra_data": dict(extra or {})}
        self._left.add(id_)
        try:
            entry = await self._finish(id_, body)
            with suppress(EngineLost, JobFailed):  # it is made all the same
                await self._ask("POST", "history", json={"delete": [id_]})
                self._left.discard(id_)
            with self._understood():
                return _outputs(entry)
        except asyncio.CancelledError:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.forget(id_), STOP_SECONDS)
            raise

    async def view(self, entry: Mapping[str, str]) -> bytes | None:
        """A file, as it is. None if ComfyUI does not hand it out, as when it is in none of ComfyUI's folders.

        Args:
            entry: ``filename``, ``subfolder`` and ``type``, as savers show them.
        """
        named = {key: entry.get(key, "") for key in ("filename", "subfolder", "type")}
        status, data = await self._request("GET", "view", params=named)
        return data if status == 200 else None

    async def forget(self, run: str) -> None:
        """Stops a run, whether it waits or works, and drops what the history says of it. Others are not touched."""
        id_ = _canonical(run)
        self._left.add(id_)
        with suppress(EngineLost, JobFailed):
            status, _ = await self._request("POST", f"api/jobs/{id_}/cancel")
            if status != 200:
                log.warning("ComfyUI at %s is older than 0.33 and cannot stop run %s.", self.address, id_)
            for pause in (0.02, 0.05, 0.1, 0.2, 0.4):  # a node that does not look goes on; ready() sees to it
                if not await self._waits(id_):
                    await self._request("POST", "history", json={"delete": [id_]})
                    self._left.discard(id_)
                    return
                await asyncio.sleep(pause)

    async def models(self, kind: str) -> list[str]:
        """Names of the model files in a folder such as ``checkpoints`` or ``loras``."""
        return await self._ask("GET", f"models/{kind}")

    async def pause(self, session: str) -> None:
        """Makes the server let go of a session when it has finished the item that it works on.

        Nothing happens if it does not know the session, or has no Resonance.

        Raises:
            RuntimeError: it cannot; the text says why.
        """
        path = self.url.joinpath("resonance", "rounds", session, "pause")
        status, said = await self._request("POST", path)
        if status not in (200, 404, 405):
            raise Told(f"ComfyUI at {self.address} cannot pause session {session!r}: {_sentence(said)}")

    async def close(self) -> None:
        if self._session:
            await self._session.close()
            self._session = None

    # Inside

    async def _finish(self, id_: str, body: dict[str, Any]) -> dict[str, Any]:
        """Posts a run and returns its entry in the history."""
        clock = asyncio.get_running_loop().time
        address = self.url.joinpath("ws").with_query(clientId=id_)
        posted, deaf = False, None
        while True:
            gone = "it closed the connection"
            try:
                async with self._http.ws_connect(address, heartbeat=HEARTBEAT_SECONDS, max_msg_size=0) as socket:
                    await socket.receive()  # a greeting: from now on nothing is missed
                    if not posted:
                        await self._post(id_, body)
                        posted = True
                    elif not await self._waits(id_):
                        return await self._entry(id_)
                    deaf = None
                    if await self._hear(socket, id_, body["prompt"]):
                        return await self._entry(id_)
            except (aiohttp.ClientError, OSError) as error:
                gone = _why(error)
                if not posted or isinstance(getattr(error, "os_error", None), ConnectionRefusedError):
                    raise EngineLost(f"ComfyUI at {self.address} does not answer: {gone}.") from None
            deaf = deaf or clock()
            if clock() - deaf > BACK_SECONDS:
                raise EngineLost(f"ComfyUI at {self.address} is out of reach: {gone}.")
            await asyncio.sleep(0.5)

    async def _post(self, id_: str, body: dict[str, Any]) -> None:
        posting = asyncio.create_task(self._request("POST", "prompt", json=body))
        try:
            status, said = await asyncio.shield(posting)
        except asyncio.CancelledError:
            with suppress(EngineLost, TimeoutError):
                await asyncio.wait_for(posting, STOP_SECONDS)  # only a run that has arrived can be stopped
            raise
        with self._understood():
            if status == 200:
                json.loads(said)["prompt_id"]
            refusal = _refusal(status, said)
        if refusal:
            if status == 200:  # it would run without what is wrong
                await self.forget(id_)
            raise JobFailed(f"ComfyUI refuses the graph: {refusal}")

    async def _hear(self, socket: aiohttp.ClientWebSocketResponse, id_: str, graph: Mapping[str, Any]) -> bool:
        """Hears events until the run is over, which is True, or no more are heard."""
        begun, ahead = False, 0
        while True:
            try:
                async with asyncio.timeout(SILENT_SECONDS):
                    message = await socket.receive()
            except TimeoutError:
                return False
            if message.type is aiohttp.WSMsgType.BINARY:  # a preview
                continue
            if message.type is not aiohttp.WSMsgType.TEXT:
                return False
            with self._understood():
                event: Any = json.loads(message.data)
            match event:
                case {"type": "status", "data": {"status": {"exec_info": {"queue_remaining": int(waiting)}}}}:
                    # When somebody clears the queue, no event names the runs that were in it.
                    if not begun and waiting < ahead and not await self._waits(id_):
                        return True
                    ahead = waiting
                case {"type": "executing", "data": {"prompt_id": run, "node": None}} if run == id_:
                    return True  # the last event; the history has the run by now
                case {"type": "progress", "data": {"prompt_id": run, "node": id, "value": value, "max": steps}}:
                    if run == id_ and self.progress:
                        with self._understood():
                            self.progress(graph.get(id, {}).get("class_type", ""), int(value), int(steps))
                case {"data": {"prompt_id": run}} if run == id_:
                    begun = True
                case _:  # of other runs, or of a node pack's own
                    pass

    async def _waits(self, id_: str) -> bool:
        """Whether a run is queued or running. Ask this before the history: a run goes from here to there."""
        queue = await self._ask("GET", "queue")
        with self._understood():
            return any(entry[1] == id_ for entry in (*queue["queue_running"], *queue["queue_pending"]))

    async def _entry(self, id_: str) -> dict[str, Any]:
        history = await self._ask("GET", f"history/{id_}")
        with self._understood():
            entry = history.get(id_)
        if entry is None:
            raise EngineLost(
                f"ComfyUI at {self.address} does not know the run any more: somebody cleared its queue or history, or it"
                " was started anew."
            )
        return entry

    async def _ask(self, method: str, path: str, **options: Any) -> Any:
        """What it answers, as JSON; None where it says nothing."""
        status, said = await self._request(method, path, **options)
        if status != 200:
            raise JobFailed(f"ComfyUI at {self.address} refuses {method} /{path} (status {status}): {_sentence(said)}")
        with self._understood():
            return json.loads(said) if said else None

    @contextmanager
    def _understood(self) -> Generator[None]:
        """Reads an answer. Raises EngineLost where it has another form than ComfyUI's: something else sits there by now."""
        try:
            yield
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise EngineLost(f"What answers at {self.address} is no ComfyUI.") from error

    async def _request(self, method: str, path: str | URL, **options: Any) -> tuple[int, bytes]:
        url = self.url.joinpath(*path.split("/")) if isinstance(path, str) else path
        try:
            async with self._http.request(method, url, allow_redirects=False, **options) as answer:
                status, said = answer.status, await answer.read()
        except (aiohttp.ClientError, OSError) as error:
            raise EngineLost(f"ComfyUI at {self.address} does not answer: {_why(error)}.") from None
        if status in (502, 503, 504):
            raise EngineLost(f"ComfyUI at {self.address} does not answer: its proxy says {status}.")
        return status, said

    @property
    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS)
            self._session = aiohttp.ClientSession(timeout=timeout)
        return self._session


class Recipe(Protocol):
    """How a server makes a job."""

    async def make(self, server: Server, job: Job, run: str) -> Made:
        """Raises JobFailed, EngineLost."""
        ...


class OwnGraph:
    """Runs each job's own ``graph``, whose savers name and keep the pictures.

    :attr:`Made.names` are paths below ComfyUI's output folder, or whatever the saver shows as ``subfolder`` and
    ``filename``. Where the saver wrote elsewhere, ComfyUI does not hand the picture out and it is ``b""``.
    """

    async def make(self, server: Server, job: Job, run: str) -> Made:
        assert job.graph is not None
        outputs = await server.run(job.graph, run)
        shown = [entry for output in outputs.values() for entry in _saved(output)]
        pictures = [await server.view(entry) or b"" for entry in shown]
        names = ["/".join(part for part in (entry.get("subfolder"), entry["filename"]) if part) for entry in shown]
        return Made(pictures=tuple(pictures), names=tuple(names))


class ComfyUI:
    """A server as an :class:`.job.Engine`.

    Args:
        patience: how many seconds :meth:`ready` waits for a server that does not answer.
    """

    def __init__(self, server: Server, recipe: Recipe, patience: float = 60.0) -> None:
        self.server, self.recipe, self.patience = server, recipe, patience

    @property
    def name(self) -> str:
        return self.server.address

    async def ready(self) -> None:
        await self.server.ready(self.patience)

    async def make(self, job: Job, run: str) -> Made:
        return await self.recipe.make(self.server, job, run)

    async def forget(self, run: str) -> None:
        await self.server.forget(run)

    async def close(self) -> None:
        await self.server.close()


def _canonical(run: str) -> str:
    """The only spelling of a UUID that ComfyUI takes."""
    return str(uuid.UUID(run))


def _outputs(entry: dict[str, Any]) -> dict[str, dict[str, list[Any]]]:
    """What the nodes of a run showed. Raises JobFailed if it came to no good end."""
    for kind, data in entry["status"]["messages"]:
        if kind == "execution_error":
            reason = reported(data["exception_type"], data["exception_message"])
            raise JobFailed(f"{data['node_type']}: {_line(data['exception_message'])}", reason)
        if kind == "execution_interrupted":
            raise JobFailed("Somebody interrupted the run in ComfyUI.")
    return entry["outputs"]


def _saved(output: Mapping[str, list[Any]]) -> list[dict[str, str]]:
    """The files in the output folder that a node shows."""
    shown = [cast(dict[str, str], each) for values in output.values() for each in values if isinstance(each, dict)]
    return [each for each in shown if each.get("type") == "output" and "filename" in each]


def _refusal(status: int, said: bytes) -> str:
    """ComfyUI's sentences about a graph, on one line; empty if it takes the graph."""
    try:
        answer: dict[str, Any] = json.loads(said)
    except (ValueError, RecursionError):
        return _sentence(said)
    wrong = cast(dict[str, Any], answer.get("node_errors") or {})
    found = [f"{node['class_type']} {id_}: {_told(error)}" for id_, node in wrong.items() for error in node["errors"]]
    if not found and status != 200:
        found = [_told(cast(dict[str, str], answer.get("error") or {})) or f"status {status}"]
    return _line("; ".join(found))


def _told(error: Mapping[str, str]) -> str:
    return ": ".join(error[key].rstrip(".") for key in ("message", "details") if error.get(key))


def _sentence(said: bytes) -> str:
    try:
        return _line(str(json.loads(said)["error"]))
    except (ValueError, LookupError, TypeError, RecursionError):
        return _line(said.decode(errors="replace"))[:300] or "no reason given"


def _line(text: str) -> str:
    return " ".join(text.split())


def _why(error: Exception) -> str:
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return f"it takes no websocket (status {error.status})"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "its answer broke off"
    return _line(str(error).replace(" ssl:default", "")) or type(error).__name__
