"""Prompt lines in a real ComfyUI: sessions with a quick stand-in for the sampler, and pictures of core's own."""

import json
import re
import signal
import sqlite3
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from PIL import Image

from .comfy import PACK, Comfy, RunFailed, node
from .graphs import claimed, items, listening, output, pictures, quick, said, until
from .paint import CLIP, MODEL, VAE, paint

PACKS = (PACK / "tests" / "host" / "packs" / "probe",)
ITEM, POSITIVE, LATENT, NOISE = (["1", place] for place in (0, 1, 3, 13))


@pytest.fixture(scope="module")
def quickly(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Comfy]:
    with Comfy(tmp_path_factory.mktemp("lines"), PACKS) as comfy:
        yield comfy


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return request.node.name.replace("test_", "")[:60]


def lines(session: str, text: str, paint: dict[str, Any] | None = None, **settings: Any) -> dict[str, Any]:
    """Small pictures, grain of the noise that each line's seed gives."""
    asked = {"width": 64, "height": 48, "steps": 4, "scale": 1.0, "seed": 5, **settings}
    return {
        "1": node("ResonancePromptLines", session=session, lines=text, **asked),
        "2": node("ProbeLines", latent=LATENT, noise=NOISE, item=ITEM, **(paint or {})),
        "3": node("ResonanceRoundOutput", images=["2", 0], item=ITEM, next_round_takes="none"),
    }


def run(comfy: Comfy, graph: dict[str, Any]) -> None:
    comfy.wait(comfy.queue(comfy.complete(graph)))
    comfy.idle()


def painted(comfy: Comfy) -> list[str]:
    """The prompts of each run since the last look."""
    log = output(comfy) / "lines.log"
    runs = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return runs


def made(comfy: Comfy, session: str, round_: int = 1) -> list[tuple[str, str]]:
    """(prompt, state) of the items, in the order of their numbers."""
    return [
        (item["prompt"] or _payload(comfy, session, item)["prompt"], item["state"])
        for item in items(comfy, session, round_)
    ]


def _payload(comfy: Comfy, session: str, item: dict[str, Any]) -> dict[str, Any]:
    with sqlite3.connect(output(comfy) / session / "ledger.sqlite3") as db:
        [text] = db.execute("SELECT payload FROM item WHERE id = ?", (item["id"],)).fetchone()
    db.close()
    return json.loads(text)


def test_a_session_that_is_killed_and_changed_makes_every_wanted_shot_once(quickly: Comfy, name: str):
    wildcard = quickly.base / "models" / "wildcards" / "w.txt"
    wildcard.parent.mkdir(parents=True)
    wildcard.write_text("old\n")
    painted(quickly)
    slow = {"seconds": 0.3}

    def done() -> set[str]:
        return {prompt for prompt, state in made(quickly, name) if state == "done"}

    wanted = quickly.complete(lines(name, "four\n__w__ seven\n__w__ five\none\nthree\ntwo\neight", slow))
    try:
        quickly.queue(quickly.complete(lines(name, "one\ntwo\nthree\nfour\n__w__ five\nsix", slow)))
        until(lambda: claimed(quickly, name))
        until(lambda: len(done()) == 2)
        wildcard.write_text("new\n")
        with listening(quickly, "resonance.text") as (client, heard):
            quickly.wait(quickly.queue(wanted, client_id=client))
        assert "goes on with this workflow: 2 came, 1 went." in heard[0]["text"]
        until(lambda: "new seven" in done() and claimed(quickly, name))
        quickly.stop(signal.SIGKILL)
        # What was written and not committed when it was killed is made again.
        kept = [output(quickly) / name / file for item in items(quickly, name, 1) for file in item["files"]]
        before = {path: path.stat().st_mtime_ns for path in kept}
    finally:
        quickly.start()
    run(quickly, wanted)
    finished = made(quickly, name)
    after = {path: path.stat().st_mtime_ns for path in (output(quickly) / name).glob("round-0001/*")}
    order = ["one", "two", "three", "four", "new seven", "old five", "eight"]
    assert sorted(finished) == sorted((prompt, "done") for prompt in order), "six was taken back while it waited"
    assert len(after) == 7 and before.items() <= after.items()
    runs = painted(quickly)
    assert list(dict.fromkeys(runs)) == order and len(runs) <= 8, "only what was killed is painted again"


def test_neighbours_that_agree_are_painted_together_and_count_one_by_one(quickly: Comfy, name: str):
    painted(quickly)
    text = "a --d 11 --f first.png\nb --d 12\nc --w 96 --d 13\nd --w 96 --n fog\ne --w 96\nf"
    run(quickly, lines(name, text, batch_size=2))
    assert painted(quickly) == ["a + b", "c + d", "e", "f"]
    found = items(quickly, name, 1)
    assert [(item["state"], len(item["files"]), item["prompt"]) for item in found] == [("done", 1, p) for p in "abcdef"]
    assert [item["files"][0] for item in found[:2]] == ["round-0001/first.png", "round-0001/X0002_r0001_12.png"]
    together = [Image.open(output(quickly) / name / item["files"][0]) for item in found]
    known = [json.loads(image.text["resonance"]) for image in together]
    assert [each["payload"]["prompt"] for each in known] == [*"abcdef"] and known[1]["seed"] == 12
    assert [image.size for image in together] == [(8, 6)] * 2 + [(12, 6)] * 3 + [(8, 6)]
    run(quickly, lines(f"{name} 1", text))
    alone = [Image.open(output(quickly) / f"{name} 1" / item["files"][0]) for item in items(quickly, f"{name} 1", 1)]
    assert all(np.array_equal(a, b) for a, b in zip(together, alone, strict=True))


def test_names_count_the_pictures_of_a_session_and_say_their_place_in_a_batch(quickly: Comfy, name: str):
    text = "a\nb --f sea.webp\nc\nd --w 96 --d 13\ne --w 96 --d 14"

    def names(rule: str, **settings: Any) -> list[list[str]]:
        graph = lines(f"{name} {rule}", text, batch_size=2, **settings)
        graph["3"]["inputs"] |= {"name_rule": rule, "before": ["2", 0]}
        run(quickly, graph)
        return [item["files"] for item in items(quickly, f"{name} {rule}", 1)]

    assert names("sequential") == [
        [f"round-0001/{stem}{suffix}", f"round-0001/{stem}_before{suffix}"]
        for stem, suffix in [("im_000001", ".png"), ("sea", ".webp"), *((f"im_{n:06}", ".png") for n in (3, 4, 5))]
    ]
    with Image.open(output(quickly) / f"{name} sequential" / "round-0001" / "sea.webp") as image:
        assert image.format == "WEBP"
    *_, fourth, fifth = names("gen_img", highres_scale=0.5)
    for files, place, seed in ((fourth, 0, 13), (fifth, 1, 14)):
        stems = [re.sub(r"im_\d{14}_", "", file.split("/")[1]) for file in files]
        assert stems == [f"{stage}00{place}_{seed}.png" for stage in (1, 0)]


def test_one_of_a_batch_that_fails_costs_the_others_nothing(quickly: Comfy, name: str):
    painted(quickly)
    graph = lines(name, "a\nb\nbad\nc", {"fail": "bad"}, batch_size=4)
    quickly.queue(quickly.complete(graph))
    quickly.idle()
    assert painted(quickly) == ["a + b + bad + c", "a", "b", "bad", "c", "bad", "bad"]
    assert [(item["state"], item["attempts"]) for item in items(quickly, name, 1)] == [
        ("done", 0),
        ("done", 0),
        ("failed", 3),
        ("done", 0),
    ]
    run(quickly, lines(name, "a\nb\nbetter\nc\nd", batch_size=4))
    assert painted(quickly) == ["better + d"], "what is done stays done"


def test_pictures_that_are_not_those_of_the_lines_are_refused(quickly: Comfy, name: str):
    graph = lines(name, "a\nb", batch_size=2, keep_going=False)
    graph["more"] = node("RepeatImageBatch", image=["2", 0], amount=2)
    graph["3"]["inputs"]["images"] = ["more", 0]
    with pytest.raises(RunFailed, match="works on 2 prompt lines, so 2 pictures must come, but there are 4"):
        run(quickly, graph)
    graph["1"]["inputs"]["batch_size"] = 1
    run(quickly, graph)
    assert [len(item["files"]) for item in items(quickly, name, 1)] == [2, 0], "of one line there may be several"


def test_where_words_or_seed_are_connected_one_picture_a_run_is_painted_and_that_is_said_once(
    quickly: Comfy, name: str
):
    painted(quickly)
    graph = quickly.complete(lines(name, "a\nb\nc", batch_size=4))
    graph["4"] = node("ProbeValue", value=POSITIVE)
    texts = [each["text"] for each in said(quickly, graph)]
    assert painted(quickly) == ["a", "b", "c"]
    assert sum("One picture is painted in each run." in text for text in texts) == 1


def test_a_file_counts_as_it_was_when_run_was_pressed(quickly: Comfy, name: str):
    painted(quickly)
    file = quickly.base / "user" / "__resonance" / "lines" / "night.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("a\nb\nc\n")
    graph = quickly.complete(lines(name, "not these", {"seconds": 0.1}, file="night.txt"))
    quickly.queue(graph)
    until(lambda: claimed(quickly, name))
    file.write_text("{ cannot be read")
    quickly.idle()
    assert painted(quickly) == ["a", "b", "c"]
    with pytest.raises(RunFailed, match=r"Line 1, column 1: this \{ is not closed"):
        run(quickly, graph)
    file.unlink()
    [text] = said(quickly, graph)
    assert "is finished: 1 round, 3 pictures" in text["text"], "the session's own copy is read"


def test_start_pictures_are_scaled_and_what_is_connected_must_be_there(quickly: Comfy, name: str):
    pictures(quickly, f"{name} p", "red", "blue")
    pictures(quickly, f"{name} m", "green")
    (quickly.base / "input" / f"{name} p" / "3-bad.png").write_bytes(b"no picture")
    graph = lines(
        name,
        "a --t 0.5 --s 9\nb --d 3\nc\nd",
        start_pictures=f"{name} p",
        masks=f"{name} m",
        strength=0.25,
        batch_size=3,
        keep_going=False,
    )
    places = {"steps": 7, "strength": 9, "image": 10, "mask": 11, "width": 4, "first_width": 14, "latent": 3}
    graph |= {key: node("ProbeValue", value=["1", place]) for key, place in places.items()}

    def once() -> dict[str, Any]:
        outputs = quickly.run(quickly.complete(graph))
        quickly.idle()
        return {key: json.loads(outputs[key]["value"][0])[0] for key in places}

    first = once()
    assert (first["steps"], first["strength"], first["width"], first["first_width"]) == (4, 0.5, 64, 64)
    assert first["image"] == {"shape": [1, 48, 64, 3], "mean": [1, 0, 0]}
    assert first["mask"]["shape"] == [1, 48, 64] and sum(first["mask"]["mean"]) / 64 == pytest.approx(1 / 3)
    graph["1"]["inputs"]["highres_scale"] = 0.5
    second = once()
    assert (second["steps"], second["strength"], second["width"], second["first_width"]) == (1, 0.25, 64, 32)
    assert second["image"] == {"shape": [2, 32, 32, 3], "mean": [0.5, 0, 0.5]}, "c's is skipped"
    assert second["latent"]["samples"]["shape"] == [2, 4, 4, 4]
    assert [state for _, state in made(quickly, name)] == ["done", "done", "skipped", "done"]
    graph["1"]["inputs"] |= {"masks": "", "session": f"{name} 2"}
    with pytest.raises(RunFailed, match="Something is connected to mask, but there is none: name a folder in masks"):
        once()
    assert not (output(quickly) / f"{name} 2").exists()


def test_a_pasted_item_and_one_of_another_node(quickly: Comfy, name: str):
    run(quickly, lines(name, "a {red|blue} b --s 9 --n fog", iterations=2))
    [first, second] = (output(quickly) / name / items(quickly, name, round_)[0]["files"][0] for round_ in (1, 2))
    with Image.open(second) as image:
        text, graph, pixels = image.text["resonance"], json.loads(image.text["prompt"]), np.asarray(image)
    assert not np.array_equal(pixels, np.asarray(Image.open(first)))
    graph["1"]["inputs"] |= {"item": text, "session": "never opened", "lines": "{"}
    [again] = quickly.run(graph)["3"]["images"]
    assert np.array_equal(
        np.asarray(Image.open(quickly.base / "temp" / again["subfolder"] / again["filename"])), pixels
    )
    assert not (output(quickly) / "never opened").exists()
    pictures(quickly, name, "red")
    run(quickly, quick(f"{name} r", name))
    elsewhere = quick(f"{name} r", name)
    elsewhere["1"]["inputs"]["item"] = text
    with pytest.raises(RunFailed, match="starts from no picture. Paste it into Prompt Lines"):
        quickly.run(elsewhere)
    with Image.open(output(quickly) / f"{name} r" / items(quickly, f"{name} r", 1)[0]["files"][0]) as image:
        graph["1"]["inputs"]["item"] = image.text["resonance"]
    with pytest.raises(RunFailed, match="is not of Prompt Lines"):
        quickly.run(graph)


TWELVE = "\n".join(
    f"{words}{size} --d {seed}"
    for seed, (words, size) in enumerate(
        product(
            ("red", "(blue:1.3) the --n green", "a BREAK green", "the --n blue"), ("", " --w 96", " --w 64 --h 80")
        ),
        1,
    )
)
"""Lines of three sizes, by turns."""
SAMPLERS = ("euler_ancestral", "dpmpp_2m_sde")
MORE = ("euler", "dpmpp_sde", "dpmpp_3m_sde", "lcm", "sa_solver", "ddim")


def batches(session: str, text: str, sampler: str, cfg: Any = 2.0, apart: bool = True) -> dict[str, Any]:
    """A graph that paints lines in batches of four.

    Args:
        apart: whether each picture has its own noise on the way too.
    """
    graph = lines(session, text, height=64, batch_size=4)
    words = {"positive": "", "negative": "", "emb_normalize_mode": "original", "chunks": 3, "clip_skip": 0}
    graph |= {
        "load": node("LoadSmall", ckpt_name="tiny_sd15.safetensors"),
        "words": node("ResonanceEncodeLine", clip=CLIP, item=ITEM, **words),
        "guider": node("CFGGuider", model=MODEL, positive=["words", 0], negative=["words", 1], cfg=cfg),
        "chosen": node("KSamplerSelect", sampler_name=sampler),
        "noise": node("ResonancePerPictureNoise", sampler=["chosen", 0], seed=0, item=ITEM),
        "sigmas": node("BasicScheduler", model=MODEL, scheduler="normal", steps=["1", 7], denoise=["1", 9]),
        "sampler": node(
            "SamplerCustomAdvanced",
            noise=["noise", 0] if apart else NOISE,
            guider=["guider", 0],
            sampler=["noise", 1] if apart else ["chosen", 0],
            sigmas=["sigmas", 0],
            latent_image=LATENT,
        ),
        "decode": node("VAEDecode", samples=["sampler", 0], vae=VAE),
    }
    del graph["2"]
    if not apart:
        del graph["noise"]
    graph["3"]["inputs"]["images"] = ["decode", 0]
    return graph


@pytest.mark.parametrize("sampler", [*SAMPLERS, *(pytest.param(each, marks=pytest.mark.long) for each in MORE)])
def test_twelve_lines_of_three_sizes_are_what_core_paints_one_by_one(comfy: Comfy, sampler: str):
    name = f"twelve {sampler}"
    run(comfy, batches(name, "\n".join(sorted(TWELVE.split("\n"), key=size_of)), sampler))
    found = items(comfy, name, 1)
    assert [item["state"] for item in found] == ["done"] * 12 and runs(comfy, name) == 3
    for item in found:
        line = _payload(comfy, name, item)
        words = node(
            "ResonanceEncodeLine",
            clip=CLIP,
            positive=line["prompt"],
            negative=line.get("negative") or "",
            emb_normalize_mode="original",
            chunks=3,
            clip_skip=0,
        )
        plain = paint(
            "tiny_sd15",
            ["words", 0],
            ["words", 1],
            nodes={"words": words},
            steps=4,
            cfg=2.0,
            seed=line["seed"],
            size=(line["width"], line["height"]),
            sampler=sampler,
        )
        del plain["look"]
        plain["save"] = node("SaveImage", images=["decode", 0], filename_prefix=f"{sampler} {line['seed']}")
        [saved] = comfy.run(plain)["save"]["images"]
        ours, theirs = (
            np.asarray(Image.open(path)).astype(int)
            for path in (output(comfy) / name / item["files"][0], output(comfy) / saved["filename"])
        )
        assert np.abs(ours - theirs).max() <= 1, item["prompt"]


def test_lines_of_too_different_lengths_are_painted_in_batches_of_their_own(comfy: Comfy, name: str):
    long = " BREAK ".join(["red"] * 5)
    graph = batches(name, f"red --d 1\nblue --d 2\n{long} --d 3\n{long} --d 4", "euler")
    graph["words"]["inputs"]["chunks"] = 5
    run(comfy, graph)
    assert [(item["state"], item["attempts"]) for item in items(comfy, name, 1)] == [("done", 0)] * 4
    assert runs(comfy, name) == 2


def runs(comfy: Comfy, session: str) -> int:
    """How many runs have made its pictures."""
    with sqlite3.connect(output(comfy) / session / "ledger.sqlite3") as db:
        [count] = db.execute("SELECT count(DISTINCT run) FROM item").fetchone()
    db.close()
    return count


def size_of(line: str) -> str:
    return line.split("--w")[-1].split("--d")[0] if "--w" in line else ""


@pytest.mark.parametrize(("sampler", "together"), [("euler", True), ("euler_ancestral", False)])
def test_a_sampler_that_draws_for_all_of_a_batch_paints_one_picture_a_run(comfy: Comfy, sampler: str, together: bool):
    name = f"draws {sampler}"
    with listening(comfy, "resonance.text") as (client, heard):
        graph = comfy.complete(batches(name, "red --d 1\nblue --d 2", sampler, apart=False))
        comfy.wait(comfy.queue(graph, client_id=client))
        comfy.idle()
    found = items(comfy, name, 1)
    assert [item["state"] for item in found] == ["done", "done"]
    assert runs(comfy, name) == (1 if together else 2)
    alone = "One picture is painted in each run: euler_ancestral may add noise at every step."
    assert (alone in heard[0]["text"]) != together
