"""What a long text of prompt lines costs beside a short one, and what a batch saves.

    python bench/lines.py [--lines 10000] [--shown 40000]

Needs a ComfyUI (see the README). Claims are seconds of CPU of the node Prompt Lines in runs that go on by themselves; the yardstick of
"Run again" is reading the text alone, that of the gallery a session of 400 items. ``ratio`` is how much faster four pictures of a tiny
model are painted in one batch than one by one. Each figure is the median of five.
"""

import argparse
import json
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from host.comfy import Comfy, node  # noqa: E402
from host.graphs import until  # noqa: E402
from models import checkpoint  # noqa: E402
from places import PACK  # noqa: E402

from resonance.paint.lines import read_lines  # noqa: E402
from resonance.paint.wildcards import WildcardFiles  # noqa: E402
from resonance.session.ledger import Ledger  # noqa: E402

PACKS = (PACK / "tests/host/packs/probe", PACK / "bench/packs/meter")
TIMES, EACH = 5, 12
SHORT = 10
FEW = 400


def text(count: int) -> str:
    """Lines as people write them: half of them with options, each fifth with a choice."""
    more = (" --w 256 --h 256 --d {n}", "", " --n blurry --l 5", "", ", {{red|blue}} sky --s 12")
    return "\n".join(f"a harbour in the fog, boat {n}{more[n % 5].format(n=n)}" for n in range(count))


def quick(session: str, **asked: Any) -> dict[str, Any]:
    """Pictures of noise instead of a model's."""
    return {
        "1": node("ResonancePromptLines", session=session, width=64, height=64, **asked),
        "2": node("ProbeLines", latent=["1", 3], noise=["1", 13], item=["1", 0]),
        "3": node("ResonanceRoundOutput", images=["2", 0], item=["1", 0], next_round_takes="none"),
    }


def done(comfy: Comfy, session: str) -> int:
    if not (comfy.base / "output" / session / "ledger.sqlite3").is_file():
        return 0
    with sqlite3.connect(comfy.base / "output" / session / "ledger.sqlite3") as db:
        [count] = db.execute("SELECT count(*) FROM item WHERE state = 'done'").fetchone()
    db.close()
    return count


def claims(comfy: Comfy, count: int) -> tuple[float, int]:
    """Seconds of CPU from a run's claim to its sampler, and bytes of the texts in a picture, where the text has so many lines."""
    session = f"claims {count}"
    (comfy.base / "input" / f"{count}.txt").write_text(text(count))
    asked = {"file": f"{count}.txt", "iterations": 1 + (TIMES + 2) * EACH // count}
    comfy.queue(comfy.complete(quick(session, **asked)))
    until(lambda: done(comfy, session) > 0, 120)
    made, before, spent = done(comfy, session), comfy.get("/meter")["next_work"], list[float]()
    for _ in range(TIMES):
        until(lambda enough=made + EACH: done(comfy, session) >= enough, 120)
        now, seconds = done(comfy, session), comfy.get("/meter")["next_work"]
        spent.append((seconds - before) / (now - made))
        made, before = now, seconds
    comfy.post(f"/resonance/rounds/{session}/pause")
    comfy.idle()
    picture = max((comfy.base / "output" / session).glob("round-*/*.png"))
    return median(spent), sum(len(value) for value in Image.open(picture).text.values())


def pressed(comfy: Comfy, count: int) -> tuple[float, float]:
    """Seconds of CPU of the node when Run is pressed again on a session of so many lines, and of reading them."""
    again, alone = list[float](), list[float]()
    graph = comfy.complete(quick(f"claims {count}", file=f"{count}.txt", keep_going=False))
    for _ in range(TIMES):
        before = comfy.get("/meter")["next_work"]
        comfy.run(graph)
        again.append(comfy.get("/meter")["next_work"] - before)
        start = time.process_time()
        read_lines(text(count), WildcardFiles([]))
        alone.append(time.process_time() - start)
    return median(again), median(alone)


def first_page(comfy: Comfy, count: int) -> tuple[float, int]:
    """Seconds until the gallery's first answer on a session of so many items, half of them done, and its bytes."""
    folder = comfy.base / "output" / f"shown {count}"
    ledger = Ledger(folder, 1, kind="lines")
    with ledger.transaction():
        ledger.add(1, [(None, f"X{number:04d}") for number in range(1, count + 1)])
    ledger.close()
    with sqlite3.connect(folder / "ledger.sqlite3") as db:
        db.execute("UPDATE item SET state = 'done', committed = 1e9 + id WHERE number <= ?", (count // 2,))
        db.execute(
            "INSERT INTO result (item, number, file, lineage) SELECT id, 1, id || '.png', lineage FROM item WHERE state = 'done'"
        )
    db.close()
    times, size = list[float](), 0
    for _ in range(TIMES + 1):
        start = time.perf_counter()
        size = len(json.dumps(comfy.get(f"/resonance/rounds/{folder.name}/grid?first=1")))
        times.append(time.perf_counter() - start)
    return median(times[1:]), size


def painted(comfy: Comfy, batch: int) -> float:
    """Seconds for four pictures of a tiny model."""

    def once(number: int) -> float:
        graph = {
            "1": node(
                "ResonancePromptLines",
                session=f"batch {batch} {number}",
                lines="\n".join(["a red boat", "a blue boat", "a green boat", "a grey boat"]),
                width=128,
                height=128,
                steps=4,
                batch_size=batch,
                seed=number,
            ),
            "model": node("CheckpointLoaderSimple", ckpt_name="tiny_sd15.safetensors"),
            "words": node("ResonanceEncodeLine", clip=["model", 1], item=["1", 0]),
            "guider": node("CFGGuider", model=["model", 0], positive=["words", 0], negative=["words", 1], cfg=["1", 6]),
            "sampler": node("KSamplerSelect", sampler_name="euler"),
            "sigmas": node("BasicScheduler", model=["model", 0], scheduler="normal", steps=["1", 7], denoise=["1", 9]),
            "sample": node(
                "SamplerCustomAdvanced",
                noise=["1", 13],
                guider=["guider", 0],
                sampler=["sampler", 0],
                sigmas=["sigmas", 0],
                latent_image=["1", 3],
            ),
            "picture": node("VAEDecode", samples=["sample", 0], vae=["model", 2]),
            "3": node("ResonanceRoundOutput", images=["picture", 0], item=["1", 0], next_round_takes="none"),
        }
        start = time.perf_counter()
        comfy.wait(comfy.queue(comfy.complete(graph)))
        comfy.idle()
        assert done(comfy, f"batch {batch} {number}") == 4
        return time.perf_counter() - start

    return median([once(number) for number in range(TIMES + 1)][1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--shown", type=int, default=40_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        checkpoint.build(base / "models")
        with Comfy(base, PACKS) as comfy:
            (short, its_bytes), (long, bytes_) = claims(comfy, SHORT), claims(comfy, asked.lines)
            again, alone = pressed(comfy, asked.lines)
            (few, few_bytes), (many, many_bytes) = first_page(comfy, FEW), first_page(comfy, asked.shown)
            one, four = painted(comfy, 1), painted(comfy, 4)
    rows = [
        ("from claim to sampler", f"{long * 1e3:.2f} ms", f"{SHORT} lines: {short * 1e3:.2f} ms", long / short, 1.2),
        ("texts in a picture", f"{bytes_} B", f"{SHORT} lines: {its_bytes} B", bytes_ / its_bytes, 1.2),
        ("Run pressed again", f"{again:.2f} s", f"reading the text: {alone:.2f} s", again / alone, 3),
        ("the gallery's first page", f"{many * 1e3:.1f} ms", f"{FEW} items: {few * 1e3:.1f} ms", many / few, 1.5),
        ("its bytes", f"{many_bytes}", f"{FEW} items: {few_bytes}", many_bytes / few_bytes, 1.5),
        ("a batch of four", f"{four:.2f} s", f"one by one: {one:.2f} s", four / one, 1),
    ]
    for what, figure, beside, ratio, limit in rows:
        print(f"{what:28} {figure:>12}   {beside:32} {ratio:5.2f}   (at most {limit})")
    print(
        json.dumps(
            {
                "name": "lines",
                "ratio": round(one / four, 2),
                "lines": asked.lines,
                "claim_ms": round(long * 1e3, 2),
                "claim_short_ms": round(short * 1e3, 2),
                "again_s": round(again, 3),
                "reading_s": round(alone, 3),
                "shown": asked.shown,
                "first_page_ms": round(many * 1e3, 1),
                "first_page_few_ms": round(few * 1e3, 1),
                "texts_bytes": [bytes_, its_bytes],
            }
        )
    )


if __name__ == "__main__":
    main()
