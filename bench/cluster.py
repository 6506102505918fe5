"""How much faster more workers of a Ray cluster are, with an engine of fixed simulated generation time.

    python bench/cluster.py [--items 200] [--seconds 0.5]

Needs Ray (requirements-cluster.txt). The real driver, a real ledger in a temporary folder, and one machine, on which Ray and
its workers start before the clock does. The engine waits and returns a picture of 200 kB, which like the job passes through
Ray; the driver writes and commits it. The yardstick of the last line's ``ratio`` is one worker.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from resonance.drive import cluster  # noqa: E402
from resonance.drive.driver import Ended, drive  # noqa: E402
from resonance.drive.job import Job  # noqa: E402
from resonance.drive.session import Jobs, opened  # noqa: E402
from resonance.files import store  # noqa: E402
from resonance.session.chain import Chain  # noqa: E402
from resonance.session.fill.pictures import Pictures  # noqa: E402
from resonance.session.item import Words  # noqa: E402
from resonance.session.made import Made  # noqa: E402
from resonance.session.query import read_round  # noqa: E402

WORKERS = (1, 2, 4)


class Waiting:
    """Waits for as long as a picture takes, and returns the job's."""

    name = "waiting"

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    async def ready(self) -> None: ...

    async def make(self, job: Job, run: str) -> Made:
        await asyncio.sleep(self.seconds)
        assert job.picture
        return Made(pictures=(job.picture,), words=Words("noise"), prompt="noise")

    async def forget(self, run: str) -> None: ...

    async def close(self) -> None: ...


def pictures(folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    noise = np.random.default_rng(1).integers(0, 256, (256, 256, 3), np.uint8)
    data = store.encode_png(Image.fromarray(noise), {})
    for number in range(count):
        (folder / f"{number}.png").write_bytes(data)


async def timed(session: Chain, workers: int, seconds: float) -> float:
    """Seconds for all items of a session with so many workers."""
    told = list[str]()
    engines = cluster.workers([partial(Waiting, seconds)] * workers)
    try:
        await asyncio.gather(*(engine.ready() for engine in engines))
        start = time.perf_counter()
        ended = await drive(session, Jobs(session), engines, lambda event, **facts: told.append(event))
        took = time.perf_counter() - start
    finally:
        await asyncio.gather(*(engine.close() for engine in engines))
    assert ended == Ended("finished", "", told.count("done")), ended
    assert told.count("begun") == told.count("done"), "an item was made twice"
    return took


def check_once(session: Path, count: int) -> None:
    """Every item has one result, on disk and in the ledger."""
    items = read_round(session, 1)[1]
    assert [item["state"] for item in items] == ["done"] * count
    files = sorted(file for item in items for file in item["files"])
    assert files == sorted(str(path.relative_to(session)) for path in (session / "round-0001").iterdir())
    assert len(files) == count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=0.5)
    asked = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder, cluster.connect("local"):
        base = Path(folder)
        pictures(base / "input" / "first", asked.items)
        for workers in WORKERS:
            fill = Pictures("first", 1, {"input": base / "input"})
            session = opened(base / "output" / str(workers), fill, 1)
            try:
                seconds = asyncio.run(timed(session, workers, asked.seconds))
            finally:
                session.close()
            check_once(base / "output" / str(workers), asked.items)
            rows.append(
                {
                    "workers": workers,
                    "seconds": round(seconds, 1),
                    "items_per_s": round(asked.items / seconds, 2),
                    "speedup": round((rows[0]["exact"] if rows else seconds) / seconds, 2),
                    "efficiency": round(asked.items * asked.seconds / workers / seconds, 3),
                    "overhead_ms": round((workers * seconds / asked.items - asked.seconds) * 1e3, 1),
                    "driver_mb": round(psutil.Process().memory_info().rss / 2**20),
                    "exact": seconds,
                }
            )

    print("workers   seconds   items/s   speed-up   efficiency   overhead per item   driver's memory")
    for row in rows:
        row.pop("exact")
        print(
            f"{row['workers']:7} {row['seconds']:9.1f} {row['items_per_s']:9.2f} {row['speedup']:10.2f}"
            f" {row['efficiency']:12.3f} {row['overhead_ms']:16.1f} ms {row['driver_mb']:14} MB"
        )
    ratio = rows[-1]["speedup"]
    print(f"speed-up with {WORKERS[-1]} workers: {ratio} (asked: at least 3.6)")
    print(json.dumps({"name": "cluster", "ratio": ratio, "items": asked.items, "seconds": asked.seconds, "runs": rows}))


if __name__ == "__main__":
    main()
