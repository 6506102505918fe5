"""Vary in the real ComfyUI: the calls it makes, what it does to pictures, and how it saves them and goes on."""

import hashlib
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from resonance.session import query
from resonance.session.status import NoLedger

from .comfy import Comfy, RunFailed, node
from .conftest import server
from .graphs import output, quick, until
from .test_transform import CHAINED, EVERY, PARALLEL, TABLE, VIDEO
from .varying import (
    ANCHORED,
    LONG,
    Pixels,
    alike,
    apart,
    forget,
    long_chain,
    means,
    pictures,
    put,
    read,
    recorded,
    vary,
)

SEED = 5
CHAIN = {"program": "6@.1 > 7@.12 > 8@.14", "save_middle": True, "loop_to_loop": True}
QUICK = {"image": "small.png", "quick": True}
"""The model is not asked: for what does not depend on it."""


@pytest.fixture(scope="module")
def comfy(tmp_path_factory: pytest.TempPathFactory, families: Path) -> Iterator[Comfy]:
    with server(tmp_path_factory.mktemp("vary"), families, "probe", "patches", "calls") as comfy:
        put(comfy)
        put(comfy, "small.png", (32, 32))
        yield comfy


def made(comfy: Comfy, *args: Any, **kwargs: Any) -> list[Pixels]:
    forget(comfy)
    return pictures(comfy, comfy.run(vary(*args, **kwargs)))


def items(comfy: Comfy, session: str) -> list[dict[str, Any]]:
    """All items, round by round."""
    folder = output(comfy) / session
    rounds = query.read_round(folder)[0].round
    return [item for round_ in range(1, rounds + 1) for item in query.read_round(folder, round_)[1]]


def state(comfy: Comfy, session: str) -> str:
    return query.read_round(output(comfy) / session)[0].state


def done(comfy: Comfy, session: str) -> int:
    try:
        return sum(item["state"] == "done" for item in items(comfy, session))
    except NoLedger:
        return 0


def equal(ones: list[Pixels], others: list[Pixels]) -> bool:
    return len(ones) == len(others) and all(np.array_equal(a, b) for a, b in zip(ones, others, strict=True))


# The calls


def seed_of(loop: int) -> int:
    if loop == 1:
        return SEED
    return int.from_bytes(hashlib.sha256(f"{SEED}/{loop}".encode()).digest()[:8], "big") % 1_000_000_001


def draw(seed: int, number: int, *shape: int) -> str:
    generator = torch.Generator().manual_seed(seed)
    for _ in range(number):
        noise = torch.randn(shape, generator=generator)
    return hashlib.sha256(noise.numpy().tobytes()).hexdigest()


@pytest.mark.parametrize("name", TABLE, ids=lambda name: "-".join(filter(None, name)))
def test_every_transform_makes_the_calls_of_the_batch_cli(comfy: Comfy, name: tuple[str, str | None]):
    scales, strengths, steps, (kept, loops), kind = TABLE[name]
    prompt = vary(name[0], **QUICK)
    if name[1]:
        prompt["transform"]["inputs"]["transform.era"] = name[1]
    forget(comfy)
    results = pictures(comfy, comfy.run(prompt))
    samples = recorded(comfy, "sample")
    assert [(s["cfg"], len(s["sigmas"]) - 1, s["seed"]) for s in samples] == [
        (scale, count, seed_of(loop))
        for loop in range(1, loops + 1)
        for scale, count in zip(scales, steps, strict=True)
    ]
    for sample in samples:
        start = 50 - (len(sample["sigmas"]) - 1)
        assert len(sample["schedule"]) == 51 and sample["sigmas"] == sample["schedule"][start:]
        assert sample["done"] == len(sample["sigmas"]) - 1
    count = len(strengths)
    noises = [s["noise"] for s in samples]
    assert noises == [draw(s["seed"], i % count + 1, *s["shape"]) for i, s in enumerate(samples)]
    assert len(set(noises)) == len(noises)
    assert len(results) == kept * loops

    # What each call starts from.
    given = [e["pixels"] for e in recorded(comfy, "encode")]
    got = [e["pixels"] for e in recorded(comfy, "decode")]
    before: list[str | None] = [None if i % count == 0 or kind == PARALLEL else got[i - 1] for i in range(len(got))]
    if kind == VIDEO:
        before = [None, *got[:-1]]
    assert given == [source or given[0] for source in before]
    assert given[0] == hashlib.sha256(read(comfy.base / "input" / "small.png").tobytes()).hexdigest()


@pytest.mark.parametrize("kind", [PARALLEL, CHAINED, EVERY, VIDEO, (False, False, True)])
def test_own_programs_of_every_kind_make_pictures_from_the_right_ones(comfy: Comfy, kind: tuple[bool, bool, bool]):
    chained, middle, loops = kind
    program = (" > " if chained else " ").join(["6@.06", "7@.08", "8@.1"])
    own = {"program": program, "save_middle": middle, "loop_to_loop": loops}
    results = made(comfy, own, image="small.png", iterations=2)
    given = [e["pixels"] for e in recorded(comfy, "encode")]
    got = [e["pixels"] for e in recorded(comfy, "decode")]
    assert [len(s["sigmas"]) - 1 for s in recorded(comfy, "sample")] == [3, 4, 5] * 2
    start, end = given[0], got[2]
    expected = [start, *got[:2]] if chained else [start] * 3
    second = end if loops else start
    expected += [second, *got[3:5]] if chained else [second] * 3
    assert given == expected
    keeps = range(6) if middle or not chained else (2, 5)
    assert [hashlib.sha256(r.tobytes()).hexdigest() for r in results] == [got[i] for i in keeps]


def test_a_sampler_with_a_longer_schedule_still_runs_its_last_steps(comfy: Comfy):
    made(comfy, {"program": "6@.2"}, image="small.png", iterations=1, sampler_name="dpm_2")
    [sample] = recorded(comfy, "sample")
    assert len(sample["sigmas"]) == 11 and sample["sigmas"][-1] == 0


def test_the_scale_can_be_the_guidance_of_distilled_models(comfy: Comfy):
    made(comfy, {"program": "6@.2 3@.2"}, image="small.png", iterations=1, scale_as="guidance", family="flux")
    assert [(s["cfg"], s["guidance"]) for s in recorded(comfy, "sample")] == [(1, 6), (1, 3)]


# Pictures


@pytest.mark.parametrize("family", ["sd15", pytest.param("sd2", marks=pytest.mark.long), "sdxl", "flux"])
def test_in_every_family_strength_and_words_act(comfy: Comfy, family: str):
    start = read(comfy.base / "input" / "small.png")
    weak, red = made(comfy, {"program": "2@.06 2@.4"}, image="small.png", family=family, iterations=1)
    assert {s["shape"][1] for s in recorded(comfy, "sample")} == {16 if family == "flux" else 4}
    assert apart(start, red) > apart(start, weak) + 10
    # The second draw, too.
    own = {"program": "2@.04 2@.4"}
    _, blue = made(comfy, own, image="small.png", family=family, words="a blue picture", iterations=1)
    assert red[..., 0].mean() > blue[..., 0].mean() + 40
    assert red[..., 2].mean() < blue[..., 2].mean() - 40


def mask(comfy: Comfy, levels: np.ndarray[Any, Any]) -> dict[str, Any]:
    Image.fromarray((levels * 255).astype(np.uint8)).save(comfy.base / "input" / "mask.png")
    return {"mask": node("LoadImageMask", image="mask.png", channel="red")}


@pytest.mark.parametrize(
    "color", ["none", "anchored", *(pytest.param(color, marks=pytest.mark.long) for color in ("S", "adaptive"))]
)
def test_outside_the_mask_the_picture_stays_exactly(comfy: Comfy, color: str):
    levels = np.zeros((64, 64))
    levels[:, 30:] = np.linspace(0, 1, 34)
    start = read(comfy.base / "input" / "start.png")
    nodes = mask(comfy, levels)
    settings = ANCHORED if color == "anchored" else {}
    own = {**CHAIN, "program": "6@.4 > 7@.4"}
    results = made(comfy, own, iterations=1, nodes=nodes, mask=["mask", 0], color=color, **settings)
    for picture in results:
        assert np.array_equal(picture[:, :30], start[:, :30])
        change = np.abs(picture.astype(float) - start)
        assert change[:, 50:].mean() > 15 > change[:, 30:36].mean()


def test_pictures_of_a_batch_are_varied_as_if_each_were_alone(comfy: Comfy):
    put(comfy, "other.png", (64, 32))
    nodes = {
        "small": node("LoadImage", image="small.png"),
        "other": node("ImageScale", image=["raw", 0], upscale_method="bilinear", width=32, height=32, crop="disabled"),
        "raw": node("LoadImage", image="other.png"),
        "both": node("ImageBatch", image1=["small", 0], image2=["other", 0]),
    }
    one, two, both = (
        made(comfy, {"program": "6@.1 7@.1"}, image=[name, 0], nodes=nodes, iterations=1)
        for name in ("small", "other", "both")
    )
    assert equal(both, [*one, *two]) and not equal(one, two)


@pytest.mark.parametrize(
    ("size", "mode", "expected"),
    [
        ((1, 1), "RGB", (32, 32)),
        ((70, 100), "RGB", (64, 96)),
        ((64, 40), "L", (64, 32)),
        ((64, 64), "RGBA", (64, 64)),
        ((33, 500), "P", (32, 480)),
    ],
)
def test_odd_pictures_get_sides_of_32(comfy: Comfy, size: tuple[int, int], mode: str, expected: tuple[int, int]):
    put(comfy, "odd.png", size, mode)
    [picture] = made(comfy, {"program": "6@.04"}, image="odd.png", iterations=1)
    assert picture.shape == (expected[1], expected[0], 3)


def tensor(comfy: Comfy, expression: str) -> dict[str, Any]:
    return {"odd": node("OddImage", kind=expression)}


@pytest.mark.parametrize("kind", ["grey", "transparent"])
def test_odd_tensors_are_varied_too(comfy: Comfy, kind: str):
    [picture] = made(comfy, {"program": "1@.04"}, image=["odd", 0], nodes=tensor(comfy, kind), iterations=1)
    assert abs(float(picture.mean()) - {"grey": 128, "transparent": 255}[kind]) < 30


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("empty", "There is no picture: the image has the shape"),
        ("5 channels", r"got the shape \[1, \d+, \d+, 5\]"),
        ("nan", "holds no numbers"),
    ],
)
def test_what_is_no_picture_is_an_error_in_words(comfy: Comfy, kind: str, said: str):
    with pytest.raises(RunFailed, match=said):
        made(comfy, {"program": "6@.04"}, image=["odd", 0], nodes=tensor(comfy, kind))


def test_masks_of_another_batch_are_an_error(comfy: Comfy):
    nodes = {
        "one": node("EmptyImage", width=8, height=8, batch_size=2, color=0xFFFFFF),
        "two": node("ImageToMask", image=["one", 0], channel="red"),
    }
    with pytest.raises(RunFailed, match="Expected one mask for all pictures or one for each of the 1"):
        made(comfy, {"program": "6@.04"}, nodes=nodes, mask=["two", 0])


def test_a_picture_of_nan_is_an_error_and_never_saved(comfy: Comfy):
    nodes = mask(comfy, np.eye(32)) | {"broken": node("BreakModel", model=["load", 0])}
    prompt = vary({"program": "6@.04"}, image="small.png", nodes=nodes, mask=["mask", 0], save="broken")
    prompt["record"]["inputs"]["model"] = ["broken", 0]
    with pytest.raises(RunFailed, match="holds no numbers"):
        comfy.run(prompt)
    assert items(comfy, "broken") == [] and state(comfy, "broken") == "open"


def test_labels_say_what_each_picture_is(comfy: Comfy):
    prompt = vary({"program": "6@.04 7.5@.06"}, image="small.png", iterations=1)
    prompt["labels"] = node("ProbeValue", value=["vary", 1])
    [text] = comfy.run(prompt)["labels"]["value"]
    assert "scale 6, strength 0.04, seed 5\\nscale 7.5, strength 0.06, seed 5" in text


def test_without_save_as_nothing_is_written(comfy: Comfy):
    before = set(output(comfy).rglob("*"))
    prompt = vary({"program": "6@.04"}, image="small.png")
    prompt["save"] = node("Stats", images=["vary", 0])
    comfy.run(prompt)
    assert set(output(comfy).rglob("*")) == before


def test_without_save_as_the_same_again_comes_from_comfyuis_cache(comfy: Comfy):
    prompt = vary({"program": "6@.08"}, **QUICK)
    comfy.run(prompt)
    forget(comfy)
    comfy.run(prompt)
    assert recorded(comfy) == []


# Colour


@pytest.mark.long
def test_fifty_transforms_drift_unless_they_are_anchored(comfy: Comfy):
    start = read(comfy.base / "input" / "start.png")
    drifts = {}
    for color in ("none", "anchored"):
        found = pictures(comfy, comfy.run(long_chain(color)))[:LONG]
        drifts[color] = np.abs(means(found[-1]) - means(start))
        # The picture still changes: another one at the end, and on the way.
        assert apart(found[-1], start) > 20 and apart(found[-1], found[-2]) > 3
        assert alike(found[-1], start) < 0.8
    assert drifts["none"][1:].max() > 20
    assert drifts["anchored"][1:].max() < 2 and drifts["anchored"][0] < 3


def test_the_reference_can_take_the_vaes_round_trip(comfy: Comfy):
    """With colours wholly matched a picture has those of the reference, with the VAE's cast or without it."""
    start = read(comfy.base / "input" / "start.png")
    greens = []
    for through in (False, True):
        prompt = long_chain("85deaf5")
        prompt["transform"]["inputs"].update({"transform.program": "6@.06", "iterations": 1})
        prompt["vary"]["inputs"]["reference_through_vae"] = through
        [picture] = pictures(comfy, comfy.run(prompt))
        greens.append(means(picture)[1] - means(start)[1])
    assert abs(greens[0]) < 1.5 and greens[1] > greens[0] + 1.5


# Sessions


def whole(comfy: Comfy, session: str, count: int) -> list[dict[str, Any]]:
    """Every item is done and has one file, and nothing lies about."""
    found = items(comfy, session)
    assert [item["state"] for item in found] == ["done"] * count
    files = [file for item in found for file in item["files"]]
    folder = output(comfy) / session
    there = {str(path.relative_to(folder)) for path in folder.glob("*/*") if path.parent.name != "start"}
    assert len(set(files)) == count and there - {"thumbs"} == set(files)
    assert state(comfy, session) == "finished"
    return found


def test_a_chain_is_a_row_of_its_session_and_knows_its_parents(comfy: Comfy):
    results = made(comfy, CHAIN, **QUICK, iterations=2, save="chain")
    assert equal(results, made(comfy, CHAIN, **QUICK, iterations=2))
    found = whole(comfy, "chain", 6)
    assert {item["lineage"] for item in found} == {"X0001"}
    files = [item["files"][0] for item in found]
    assert files == [f"round-{n:04d}/X0001_r{n:04d}_{seed_of(1 if n < 4 else 2)}.png" for n in range(1, 7)]
    sources = [item["source"] for item in found]
    assert sources[1:] == [f"chain/{file} [output]" for file in files[:-1]]
    start = sources[0].removesuffix(" [output]")
    assert np.array_equal(read(output(comfy) / start), read(comfy.base / "input" / "small.png"))
    middle = comfy.get(f"/resonance/rounds/chain/items/{found[3]['id']}")
    assert (middle["parent"], middle["children"]) == (found[2]["id"], [found[4]["id"]])
    assert json.loads(middle["json"])["seed"] == seed_of(2)


def test_the_same_again_makes_nothing_new_and_what_was_deleted_or_damaged_is_made_again(comfy: Comfy):
    first = made(comfy, CHAIN, **QUICK, iterations=2, save="again")
    before = whole(comfy, "again", 6)
    assert equal(made(comfy, CHAIN, **QUICK, iterations=2, save="again"), first)
    assert recorded(comfy, "sample") == []
    (output(comfy) / "again" / before[3]["files"][0]).unlink()
    damaged = output(comfy) / "again" / before[1]["files"][0]
    damaged.write_bytes(damaged.read_bytes()[:-40])
    assert equal(made(comfy, CHAIN, **QUICK, iterations=2, save="again"), first)
    assert len(recorded(comfy, "sample")) == 2
    assert [i["files"] for i in whole(comfy, "again", 6)] == [i["files"] for i in before]


def test_more_iterations_make_a_looped_chain_longer(comfy: Comfy):
    expected = made(comfy, CHAIN, **QUICK, iterations=3)
    made(comfy, CHAIN, **QUICK, iterations=1, save="longer")
    forget(comfy)
    assert equal(made(comfy, CHAIN, **QUICK, iterations=3, save="longer"), expected)
    assert len(recorded(comfy, "sample")) == 6
    assert {item["lineage"] for item in whole(comfy, "longer", 9)} == {"X0001"}


def test_a_saved_run_can_return_the_last_picture_only(comfy: Comfy):
    prompt = vary(CHAIN, **QUICK, iterations=2, save="returns", **{"save_as.returns": "last"})
    prompt["look"] = node("SaveImage", images=["vary", 0], filename_prefix="last")
    outputs = comfy.run(prompt)
    [last] = [read(output(comfy) / entry["filename"]) for entry in outputs["look"]["images"]]
    assert equal([last], pictures(comfy, {"vary": outputs["vary"]})[-1:])
    assert len(whole(comfy, "returns", 6)) == 6


def test_more_pictures_than_fit_into_memory_are_refused_before_the_first(comfy: Comfy):
    put(comfy, "large.png", (2048, 2048))
    forget(comfy)
    with pytest.raises(RunFailed, match=r"2673 pictures of 2048 x 2048 pixels need .* GB of memory together"):
        comfy.run(vary({"program": " ".join(["6@.1"] * 99)}, image="large.png", iterations=27))
    assert recorded(comfy, "sample") == []


def test_another_job_gets_rows_of_its_own(comfy: Comfy):
    own = {"program": "6@.04 7@.06"}
    made(comfy, own, **QUICK, iterations=2, save="two")
    made(comfy, own, **QUICK, iterations=1, save="two", words="a blue picture")
    found = whole(comfy, "two", 6)
    assert [i["lineage"] for i in found] == [f"X{n:04d}" for n in range(1, 7)]
    made(comfy, own, quick=True, iterations=1, save="two")
    assert [i["lineage"] for i in whole(comfy, "two", 8)][6:] == ["X0007", "X0008"]


def test_pictures_count_by_their_pixels_and_not_by_where_they_come_from(comfy: Comfy):
    own = {"program": "6@.04 7@.06"}
    made(comfy, own, **QUICK, iterations=1, save="pixels")
    put(comfy, "same.png", (32, 32))
    made(comfy, own, image="same.png", quick=True, iterations=1, save="pixels")
    assert recorded(comfy, "sample") == []


def test_a_file_above_the_conditioning_that_became_another_makes_another_job(comfy: Comfy):
    nodes = {
        "hint": node("LoadImage", image="hint.png"),
        "latent": node("VAEEncode", pixels=["hint", 0], vae=["load", 2]),
        "referred": node("ReferenceLatent", conditioning=["positive", 0], latent=["latent", 0]),
    }
    made_of = {"nodes": nodes, "positive": ["referred", 0], "iterations": 1, "save": "hints", **QUICK}
    for size, lineages in (((32, 32), ["X0001"]), ((32, 32), ["X0001"]), ((64, 32), ["X0001", "X0002"])):
        put(comfy, "hint.png", size)
        made(comfy, {"program": "6@.04"}, **made_of)
        assert [i["lineage"] for i in items(comfy, "hints")] == lineages


def test_the_pictures_of_a_batch_are_saved_in_rows_of_their_own_and_equal_ones_once(comfy: Comfy):
    nodes = {
        "small": node("LoadImage", image="small.png"),
        "grey": node("EmptyImage", width=32, height=32, batch_size=1, color=0x808080),
        "two": node("ImageBatch", image1=["small", 0], image2=["grey", 0]),
        "three": node("ImageBatch", image1=["two", 0], image2=["small", 0]),
    }
    own = {"program": "6@.04 7@.06"}
    found = made(comfy, own, image=["three", 0], nodes=nodes, quick=True, iterations=1, save="batch")
    assert equal(found[:2], found[4:]) and not equal(found[:2], found[2:4])
    assert [i["lineage"] for i in whole(comfy, "batch", 4)] == ["X0001", "X0002", "X0003", "X0004"]


def test_a_job_that_was_stopped_keeps_its_rows(comfy: Comfy):
    own = {"program": "6@.04 7@.06 8@.06"}
    stopped = vary(own, **QUICK, iterations=1, save="rows", seconds=0.15)
    run = comfy.queue(stopped)
    until(lambda: done(comfy, "rows") == 1)
    comfy.post("/interrupt")
    with pytest.raises(RunFailed, match="interrupted"):
        comfy.wait(run)
    assert state(comfy, "rows") == "open"
    made(comfy, own, quick=True, iterations=1, save="rows")
    assert [i["lineage"] for i in items(comfy, "rows")] == ["X0001", "X0004", "X0005", "X0006"]
    comfy.run(stopped)
    assert sorted(i["lineage"] for i in whole(comfy, "rows", 6)) == [f"X{n:04d}" for n in range(1, 7)]


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (VIDEO, {"color": "anchored", **ANCHORED}),
        ((True, False, True), {"color": "adaptive", "color.correct": "when kept"}),
        ((True, False, True), {"color": "S"}),
        pytest.param((False, False, True), {"color": "anchored", **ANCHORED}, marks=pytest.mark.long),
        pytest.param(VIDEO, {"color": "none"}, marks=pytest.mark.long),
        pytest.param(VIDEO, {"color": "S"}, marks=pytest.mark.long),
    ],
)
def test_an_interrupted_run_goes_on_to_the_same_pixels(
    comfy: Comfy, kind: tuple[bool, bool, bool], settings: dict[str, Any]
):
    chained, middle, loops = kind
    name = f"stop-{settings['color']}-{chained}-{middle}"
    own = {
        "program": (" > " if chained else " ").join(["6@.06", "7@.06"]),
        "save_middle": middle,
        "loop_to_loop": loops,
    }
    expected = made(comfy, own, **QUICK, iterations=3, **settings)
    prompt = vary(own, **QUICK, iterations=3, save=name, seconds=0.05, **settings)
    run = comfy.queue(prompt)
    until(lambda: done(comfy, name) >= 1)
    comfy.post("/interrupt")
    with pytest.raises(RunFailed, match="interrupted"):
        comfy.wait(run)
    there = done(comfy, name)
    assert there < len(expected)
    forget(comfy)
    assert equal(pictures(comfy, comfy.run(prompt)), expected)
    assert len(recorded(comfy, "sample")) <= 6 - (settings["color"] != "S")
    whole(comfy, name, len(expected))


def test_an_interrupt_stops_within_a_step(comfy: Comfy):
    forget(comfy)
    run = comfy.queue(vary({"program": "6@.4"}, **QUICK, seconds=0.2))
    until(lambda: bool(recorded(comfy, "sample")) and recorded(comfy, "sample")[0]["done"] >= 2)
    comfy.post("/interrupt")
    with pytest.raises(RunFailed, match="interrupted"):
        comfy.wait(run)
    [sample] = recorded(comfy, "sample")
    assert sample["done"] <= 4


def test_pause_stops_after_the_picture_and_resume_goes_on(comfy: Comfy):
    expected = made(comfy, CHAIN, **QUICK, iterations=2)
    run = comfy.queue(vary(CHAIN, **QUICK, iterations=2, save="pause", seconds=0.05))
    until(lambda: done(comfy, "pause") >= 1)
    assert comfy.post("/resonance/rounds/pause/pause").ok
    with pytest.raises(RunFailed, match="interrupted"):
        comfy.wait(run)
    assert state(comfy, "pause") == "paused" and 1 <= done(comfy, "pause") < 6
    assert {i["state"] for i in items(comfy, "pause")} == {"done"}
    assert comfy.post("/resonance/rounds/pause/resume").ok
    comfy.idle()
    found = whole(comfy, "pause", 6)
    assert equal([read(output(comfy) / "pause" / item["files"][0]) for item in found], expected)


def test_kill_9_in_the_middle_loses_and_repeats_nothing(comfy: Comfy):
    settings = {"color": "anchored", **ANCHORED}
    expected = made(comfy, CHAIN, image="small.png", iterations=3, **settings)
    prompt = vary(CHAIN, image="small.png", iterations=3, save="killed", seconds=0.05, **settings)
    prompt["vary"]["inputs"]["save_as.name_rule"] = "variation"
    comfy.queue(prompt)
    until(lambda: done(comfy, "killed") >= 4)
    comfy.stop(signal.SIGKILL)
    there = done(comfy, "killed")
    comfy.start()
    assert equal(pictures(comfy, comfy.run(prompt)), expected)
    assert len(recorded(comfy, "sample")) == 9 - there
    found = whole(comfy, "killed", 9)
    names = [item["files"][0].split("/")[1] for item in found]
    assert all("_scale-" in name and "_steps-50_strength-" in name for name in names)


def test_the_prompt_names_the_folder(comfy: Comfy):
    rules = {"save_as.folder_rule": "prompt hash", "save_as.name_rule": "variation (strenght)"}
    nodes = {"words": node("PrimitiveString", value="Nice view")}
    prompt = vary({"program": "6@.04"}, **QUICK, save="hash", nodes=nodes, **rules)
    with pytest.raises(RunFailed, match="needs the prompt"):
        comfy.run(prompt)
    prompt["vary"]["inputs"]["words"] = ["words", 0]
    comfy.run(prompt)
    folder = output(comfy) / "hash" / "b5b02a57b27ac4d6e767d5cca3e81e8f"
    assert (folder / "prompt.txt").read_text() == "Nice view\n"
    assert len(list(folder.glob("*_scale-6.0_steps-50_strenght-0.04_seed-*.png"))) == 3


def test_a_session_of_rounds_is_not_varied_into(comfy: Comfy):
    made(comfy, {"program": "6@.04"}, **QUICK, save="mine", iterations=1)
    (comfy.base / "input" / "few").mkdir()
    Image.new("RGB", (32, 32)).save(comfy.base / "input" / "few" / "a.png")
    with pytest.raises(RunFailed, match="belongs to Vary"):
        comfy.run(quick("mine", "few"))
