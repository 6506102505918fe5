"""Graphs and looks that several tests share."""

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import websocket
from PIL import Image

from resonance.session import query
from resonance.session.status import NoLedger

from .comfy import Comfy, node

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}


def pictures(comfy: Comfy, folder: str, *colours: str, size: tuple[int, int] = (48, 32)) -> None:
    """Puts one plain picture for each colour into a folder of the input folder: ``1-red.png``, ``2-blue.png``."""
    path = comfy.base / "input" / folder
    path.mkdir(parents=True, exist_ok=True)
    for number, colour in enumerate(colours, 1):
        Image.new("RGB", size, COLOURS[colour]).save(path / f"{number}-{colour}.png")


def quick(
    session: str, folder: str, rounds: int = 1, paint: dict[str, Any] | None = None, **settings: Any
) -> dict[str, Any]:
    """Rounds with the probe's own tagger and painter: milliseconds per picture."""
    takes = settings.pop("takes", "first")
    asked = {"rounds": rounds, "seed": 1, "keep_going": True, "words_first": False, **settings}
    return {
        "1": node("ResonanceRoundInput", session=session, first_folder=folder, **asked),
        "2": node("ProbeDescribe", image=["1", 0], lineage=["1", 2], round=["1", 3]),
        "3": node("ResonanceRoundWords", item=["1", 1], tags=["2", 0]),
        "4": node("ProbePaint", text=["3", 0], seed=["1", 5], lineage=["1", 2], **(paint or {})),
        "5": node("ResonanceRoundOutput", images=["4", 0], item=["1", 1], words=["3", 0], next_round_takes=takes),
    }


def items(comfy: Comfy, session: str, round_: int) -> list[dict[str, Any]]:
    return query.read_round(output(comfy) / session, round_)[1]


def output(comfy: Comfy) -> Path:
    if "--output-directory" in comfy.args:
        return Path(comfy.args[comfy.args.index("--output-directory") + 1])
    return comfy.base / "output"


def mean(path: Path) -> tuple[float, float, float]:
    """Mean R, G, B of a picture file, 0..255."""
    with Image.open(path) as image:
        pixels = image.convert("RGB").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    assert isinstance(pixels, tuple)
    return pixels[0], pixels[1], pixels[2]


def check_whole(comfy: Comfy, session: str, rounds: int, count: int) -> None:
    """Every item of every round has exactly one result set, on disk and in the ledger, and nothing lies about."""
    folder = output(comfy) / session
    for round_ in range(1, rounds + 1):
        found = items(comfy, session, round_)
        assert [i["state"] for i in found] == ["done"] * count, (round_, found)
        files = [f for i in found for f in i["files"]]
        assert len(files) == len(set(files)) == count
        assert sorted(files) == sorted(str(p.relative_to(folder)) for p in (folder / f"round-{round_:04d}").iterdir())
        for file in files:
            with Image.open(folder / file) as image:
                image.load()


def claimed(comfy: Comfy, session: str) -> bool:
    """Whether a run works on an item now."""
    try:
        return any(i["state"] == "claimed" for round_ in (1, 2) for i in items(comfy, session, round_))
    except NoLedger:
        return False


def until(ready: Callable[[], bool], timeout: float = 20) -> None:
    end = time.monotonic() + timeout
    while not ready():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


@contextmanager
def listening(comfy: Comfy, event: str = "resonance.rounds") -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A client's id, and the events of a kind that it hears."""
    client, heard = uuid.uuid4().hex, list[dict[str, Any]]()
    connection = websocket.create_connection(f"{comfy.url.replace('http', 'ws')}/ws?clientId={client}", timeout=1)

    def listen() -> None:
        while True:
            try:
                message = connection.recv()
            except websocket.WebSocketTimeoutException:
                continue
            except (websocket.WebSocketException, OSError):
                return
            if isinstance(message, str) and (told := json.loads(message))["type"] == event:
                heard.append(told["data"])

    listener = threading.Thread(target=listen)
    listener.start()
    yield client, heard
    time.sleep(0.3)
    connection.shutdown()
    listener.join()


def said(comfy: Comfy, graph: dict[str, Any]) -> list[dict[str, Any]]:
    """What nodes say until nothing is queued any more."""
    with listening(comfy, "resonance.text") as (client, heard):
        comfy.run(graph, client_id=client)
        comfy.idle()
    return heard
