"""Explorations in a real ComfyUI, with a quick stand-in for the sampler."""

import json
import re
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image

from resonance.session import query
from resonance.session.naming import prompt_hash
from resonance.session.status import NoLedger
from resonance.vary.transform import seed_of

from .comfy import PACK, Comfy, RunFailed, node
from .graphs import claimed, items, output, pictures, quick, said, until
from .test_llm import Texts

PACKS = tuple(PACK / "tests" / "host" / "packs" / name for name in ("probe", "traps"))
NICE_VIEW = "b5b02a57b27ac4d6e767d5cca3e81e8f"


@pytest.fixture(scope="module")
def comfy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Comfy]:
    with Comfy(tmp_path_factory.mktemp("explore"), PACKS) as comfy:
        yield comfy


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return request.node.name.replace("test_", "")[:60]


def explore(
    session: str, dots: dict[str, Any] | None = None, saved: dict[str, Any] | None = None, **settings: Any
) -> dict[str, Any]:
    """An exploration with the probe's own painter. Small unless told otherwise: one prompt, aspect and scale."""
    asked = {
        "prompts": "Nice view",
        "aspects": "64x48",
        "sizes": "batch CLI",
        "scales": "6",
        "seeds": 1,
        "seed": 7,
        "steps_rule": "S: 10 + 5 x scale",
        "keep_going": True,
        **settings,
    }
    sockets = {"latent": ["1", 3], "scale": ["1", 6], "steps": ["1", 7], "seed": ["1", 8]}
    return {
        "1": node("ResonanceExplore", session=session, **asked),
        "2": node("ProbeDots", **sockets, **(dots or {})),
        "3": node("ResonanceRoundOutput", images=["2", 0], item=["1", 0], next_round_takes="first", **(saved or {})),
    }


def run(comfy: Comfy, graph: dict[str, Any]) -> None:
    comfy.wait(comfy.queue(graph))
    comfy.idle()


def reached(comfy: Comfy, session: str) -> int:
    """The round that is worked on."""
    try:
        return query.read_round(output(comfy) / session)[0].round
    except NoLedger:
        return 0


def made(comfy: Comfy, session: str, round_: int) -> list[tuple[str, str, Any, Any]]:
    """(lineage, state, size, scale) of the items of a round, by lineage."""
    with sqlite3.connect(output(comfy) / session / "ledger.sqlite3") as db:
        rows = db.execute(
            "SELECT lineage, state, payload FROM item WHERE round = ? ORDER BY lineage", (round_,)
        ).fetchall()
    db.close()
    read = [(lineage, state, json.loads(payload)) for lineage, state, payload in rows]
    return [(lineage, state, f"{p['width']}x{p['height']}", p["scale"]) for lineage, state, p in read]


@pytest.mark.long
def test_an_exploration_killed_and_resumed_twice_is_whole(tmp_path: Path):
    """Two aspects, three scales, fifty seeds."""
    session, saved = "explore", {"folder_rule": "prompt hash", "name_rule": "variation"}
    graph = explore(session, saved=saved, aspects="portrait, 3:2", scales="6, 7.5, 9", seeds=50)
    comfy = Comfy(tmp_path, PACKS)
    armed = tmp_path / "armed"
    comfy.env = {"RESONANCE_TRAP": "before commit", "RESONANCE_TRAP_ARMED": str(armed)}
    try:
        armed.write_text("70")
        comfy.start()
        comfy.queue(graph)
        until(lambda: comfy.dead, 60)
        assert comfy.process and comfy.process.returncode == -signal.SIGKILL, "killed between write and commit"
        comfy.start()
        comfy.queue(graph)
        until(lambda: reached(comfy, session) >= 30, 60)
        comfy.stop(signal.SIGKILL)
        comfy.start()
        comfy.queue(graph)
        comfy.idle()
        check_exploration(comfy, session)
    finally:
        comfy.stop()


def check_exploration(comfy: Comfy, session: str) -> None:
    folder = output(comfy) / session / NICE_VIEW
    assert (folder / "prompt.txt").read_text() == "Nice view\n"
    assert sorted(p.name for p in folder.parent.iterdir() if p.is_dir()) == [NICE_VIEW]
    seen: set[bytes] = set()
    names: list[str] = []
    stems: Counter[str] = Counter()
    for round_ in range(1, 51):
        found = items(comfy, session, round_)
        assert [i["state"] for i in found] == ["done"] * 6 and [i["number"] for i in found] == [1, 2, 3, 4, 5, 6]
        assert [i["lineage"] for i in found] == [f"X{n:04d}" for n in range(1, 7)]
        for item, (size, scale) in zip(
            found, [(s, c) for s in ((448, 768), (704, 448)) for c in (6.0, 7.5, 9.0)], strict=True
        ):
            (file,) = item["files"]
            seed, steps = seed_of(7, round_), 10 + int(5 * scale)
            facts = re.fullmatch(
                rf"({NICE_VIEW}/\d{{4}}-\d\d-\d\dT\d\d-\d\d-\d\d_scale-{scale}_steps-{steps}_seed-{seed})(_\d+)?\.png",
                file,
            )
            assert facts, file
            stems[facts[1]] += 1
            assert facts[2] == (None if stems[facts[1]] == 1 else f"_{stems[facts[1]]}"), (
                "numbers only where names meet"
            )
            names.append(Path(file).name)
            with Image.open(folder.parent / file) as image:
                known = json.loads(image.text["resonance"])
                assert (known["lineage"], known["round"], known["seed"]) == (item["lineage"], round_, seed)
                assert known["payload"] == {
                    "prompt": "Nice view",
                    "aspect": "portrait" if size == (448, 768) else "3:2",
                    "width": size[0],
                    "height": size[1],
                    "scale": scale,
                    "steps": steps,
                    "seed": seed,
                }
                assert image.size == (size[0] // 8, size[1] // 8)
                seen.add(np.asarray(image).tobytes())
    assert len(seen) == len(set(names)) == 300
    assert sorted(p.name for p in folder.iterdir()) == sorted([*names, "prompt.txt"])


def test_a_session_grows_by_aspects_scales_and_seeds_and_repeats_nothing(comfy: Comfy, name: str):
    run(comfy, explore(name, scales="6, 9", seeds=2))
    before = {p: p.stat().st_mtime_ns for p in (output(comfy) / name).glob("*/*.png")}
    run(comfy, explore(name, scales="9, 6, 12", aspects="64x48, 48x64", seeds=3))
    for round_ in (1, 2, 3):
        assert made(comfy, name, round_) == [
            ("X0001", "done", "64x48", 6.0),
            ("X0002", "done", "64x48", 9.0),
            ("X0003", "done", "64x48", 12.0),
            ("X0004", "done", "48x64", 9.0),
            ("X0005", "done", "48x64", 6.0),
            ("X0006", "done", "48x64", 12.0),
        ]
        assert {i["number"] for i in items(comfy, name, round_)} == {1, 2, 3, 4, 5, 6}
    after = {p: p.stat().st_mtime_ns for p in (output(comfy) / name).glob("*/*.png")}
    assert len(after) == 18 and before.items() <= after.items()
    for again in (
        explore(name, scales="9, 6, 12", aspects="64x48, 48x64", seeds=3),
        explore(name, scales="6", seeds=3, seed=8),
    ):
        [text] = said(comfy, again)
        assert "is finished: 3 rounds" in text["text"] and "Raise the number of seeds, add aspects" in text["text"]


def test_what_is_not_asked_for_any_more_is_not_made(comfy: Comfy, name: str):
    wide = explore(name, scales="6, 9, 12", seeds=4, keep_going=False)
    run(comfy, wide)
    run(comfy, wide)
    assert [state for _, state, *_ in made(comfy, name, 1)] == ["done", "done", "pending"]
    run(comfy, explore(name, scales="6", seeds=2))
    assert made(comfy, name, 1) == [("X0001", "done", "64x48", 6.0), ("X0002", "done", "64x48", 9.0)]
    assert made(comfy, name, 2) == [("X0001", "done", "64x48", 6.0)] and made(comfy, name, 3) == []
    run(comfy, explore(name, scales="6, 12", seeds=2))
    assert [scale for *_, scale in made(comfy, name, 2)] == [6.0, 12.0]


def test_without_an_end_it_goes_on_until_it_is_paused_and_resumes(comfy: Comfy, name: str):
    comfy.queue(explore(name, scales="6, 9", seeds=0))
    for rounds in (4, 8):
        try:
            until(lambda rounds=rounds: reached(comfy, name) >= rounds)
        finally:
            assert comfy.post(f"/resonance/rounds/{name}/pause").status_code == 200
            comfy.idle()
        assert comfy.get(f"/resonance/rounds/{name}")["state"] == "paused"
        assert {state for r in range(1, rounds) for _, state, *_ in made(comfy, name, r)} == {"done"}, "seed after seed"
        if rounds == 4:
            assert comfy.post(f"/resonance/rounds/{name}/resume").status_code == 200


def test_failures_interrupts_and_retries_are_those_of_every_session(comfy: Comfy, name: str):
    comfy.queue(explore(name, {"fail": "9.0"}, scales="6, 9", seeds=2))
    comfy.idle()
    assert [state for _, state, *_ in made(comfy, name, 1) + made(comfy, name, 2)] == ["done", "failed"] * 2
    assert "no dots for 9.0" in items(comfy, name, 1)[1]["error"]
    [text] = said(comfy, explore(name, {"seconds": 30.0}, scales="6, 9", seeds=2))
    assert "2 failed" in text["text"]
    comfy.post(f"/resonance/rounds/{name}/retry")
    until(lambda: claimed(comfy, name))
    started = time.monotonic()
    comfy.post("/interrupt")
    comfy.idle(5)
    assert time.monotonic() - started < 2
    run(comfy, explore(name, scales="6, 9", seeds=2))
    assert {state for _, state, *_ in made(comfy, name, 1) + made(comfy, name, 2)} == {"done"}


def test_prompts_have_folders_of_their_own_and_a_negative_part(comfy: Comfy, name: str):
    graph = explore(
        name,
        saved={"folder_rule": "prompt hash", "name_rule": "variation (strenght)", "strength": 0.35},
        prompts="a red\n  house | fog\n---\nNice view",
        steps_rule="H: 20 + 7 x scale",
        scales="6.5",
    )
    graph["3"]["inputs"]["strength"] = ["4", 0]
    graph["4"] = node("PrimitiveFloat", value=0.35)
    graph["5"] = node("ProbeValue", value=["1", 1])
    graph["6"] = node("ProbeValue", value=["1", 2])
    first = comfy.run(graph)
    assert [json.loads(first[n]["value"][0]) for n in ("5", "6")] == [["a red house"], ["fog"]]
    comfy.idle()
    whole = "a red house | fog"
    (one,), (two,) = (i["files"] for i in items(comfy, name, 1))
    assert one.startswith(prompt_hash(whole)) and two.startswith(NICE_VIEW)
    assert one.split("/")[1][19:] == "_scale-6.5_steps-65_strenght-0.35_seed-7.png"
    assert (output(comfy) / name / prompt_hash(whole) / "prompt.txt").read_text() == whole + "\n"
    assert [i["prompt"] for i in items(comfy, name, 1)] == [whole, "Nice view"]


def test_choices_are_made_where_that_is_wanted_and_the_folder_goes_by_what_was_written(comfy: Comfy, name: str):
    prompt = "{a|b|c|d} {e|f|g|h} view"
    graph = explore(name, saved={"folder_rule": "prompt hash"}, prompts=prompt, scales="2, 3", wildcards=True)
    graph["4"] = node("ProbeValue", value=["1", 1])
    comfy.run(graph)
    comfy.idle()
    one, two = items(comfy, name, 1)
    assert re.fullmatch("[abcd] [efgh] view", one["prompt"]) and one["prompt"] == two["prompt"]
    folder = output(comfy) / name / prompt_hash(prompt)
    assert (folder / "prompt.txt").read_text() == prompt + "\n" and len(list(folder.glob("*.png"))) == 2
    with Image.open(output(comfy) / name / one["files"][0]) as image:
        graph["1"]["inputs"] |= {"item": image.text["resonance"], "wildcards": False}
    assert json.loads(comfy.run(graph)["4"]["value"][0]) == [one["prompt"]]
    with pytest.raises(RunFailed, match="The prompt cannot be read. Line 1, column 1"):
        comfy.run(explore(f"{name} 2", prompts="__none__", wildcards=True))


def test_names_that_meet_get_a_number(comfy: Comfy, name: str):
    aspects = ", ".join(f"{n * 8}x64" for n in range(2, 12))
    run(comfy, explore(name, saved={"folder_rule": "scratch", "name_rule": "variation"}, aspects=aspects))
    files = [i["files"][0] for i in items(comfy, name, 1)]
    assert len(set(files)) == 10 and all(file.startswith("scratch/") for file in files)
    assert any(file.endswith("seed-7_2.png") for file in files)
    widths = [Image.open(output(comfy) / name / file).size[0] for file in files]
    assert widths == list(range(2, 12)), "each has its own picture"


def test_the_prompt_is_found_again_from_any_picture(comfy: Comfy, name: str):
    run(comfy, explore(name, saved={"folder_rule": "prompt hash"}, prompts="Nice view|fog"))
    run(comfy, explore(name + " flat", prompts="Nice view|fog"))
    folder = f"{name}/{prompt_hash('Nice view|fog')}"
    named = f"{name}/{items(comfy, name, 1)[0]['files'][0]}"
    flat = f"{name} flat/{items(comfy, name + ' flat', 1)[0]['files'][0]}"
    for picture in (named, f"{folder}/prompt.txt", f"{folder}/gone.png", folder, flat):
        graph = {"1": node("ResonanceExplorationPrompt", picture=f"{picture} [output]", addition=", in space")}
        graph |= {str(n): node("ProbeValue", value=["1", n - 2]) for n in (2, 3, 4, 5)}
        told = comfy.run(graph)
        said = [json.loads(told[str(n)]["value"][0])[0] for n in (2, 3, 4, 5)]
        whole = "Nice view|fog, in space"
        assert said == ["Nice view", "fog, in space", whole, prompt_hash(whole)], picture
    further = explore(name + " on", like_picture=f"{named} [output]", prompts=" at night\n---\n")
    run(comfy, further)
    assert [i["prompt"] for i in items(comfy, name + " on", 1)] == ["Nice view|fog at night", "Nice view|fog"]


def test_a_negative_behind_a_bar_is_read_as_before_and_said_once(comfy: Comfy):
    texts = Texts(comfy)
    comfy.run(
        comfy.complete(explore("bar", prompts="boat|blurry\n---\nboat, |_| --n blurry", scales="2, 3")),
        client_id="texts",
    )
    said = [text for text in texts.on("1") if "--n" in text]
    assert said == [
        "The words behind | are read as the negative prompt, as before. Write it behind --n instead: boat --n blurry"
    ]


def test_a_list_in_front_of_explore_claims_one_item(comfy: Comfy):
    graph = explore("listed", scales="2, 3", keep_going=False) | {
        "word": node("PrimitiveString", value="ready"),
        "ready": node("CreateList", **{f"inputs.input{n}": ["word", 0] for n in range(3)}),
    }
    graph["1"]["inputs"]["after"] = ["ready", 0]
    for _ in range(2):
        run(comfy, graph)
    found = items(comfy, "listed", 1)
    assert [(item["state"], item["attempts"], len(item["files"])) for item in found] == [("done", 0, 1)] * 2


@pytest.mark.parametrize(
    ("picture", "says"),
    [
        ("nowhere/x.png [output]", "There is no folder nowhere in"),
        ("nowhere/x.png", r"write nowhere/x.png \[output\]"),
        ("../x.png [output]", "is not a path below"),
        ("", "Name a picture"),
        ("blank/a.png [output]", "is empty"),
        ("plain/a.png [output]", "carries no prompt"),
        ("plain/b.png [output]", "is not a picture that can be read"),
        ("plain/c.png [output]", "is not there"),
        ("plain/d.png [output]", "not JSON"),
    ],
)
def test_where_no_prompt_is_found_a_sentence_says_so(comfy: Comfy, picture: str, says: str):
    from PIL.PngImagePlugin import PngInfo

    (output(comfy) / "blank").mkdir(exist_ok=True)
    (output(comfy) / "blank" / "prompt.txt").write_text(" \n")
    plain = output(comfy) / "plain"
    plain.mkdir(exist_ok=True)
    Image.new("RGB", (8, 8)).save(plain / "a.png")
    (plain / "b.png").write_bytes(b"\x89PNG no")
    info = PngInfo()
    info.add_text("resonance", "{")
    Image.new("RGB", (8, 8)).save(plain / "d.png", pnginfo=info)
    prompt = node("ResonanceExplorationPrompt", picture=picture, addition="")
    with pytest.raises(RunFailed, match=says):
        comfy.run({"1": prompt, "2": node("ProbeValue", value=["1", 0])})


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"aspects": "tall"}, "'tall' is not an aspect"),
        ({"aspects": " , "}, "There is no aspect"),
        ({"aspects": "4x4"}, "sides must be from 16"),
        ({"scales": "six"}, "'six' is not a scale"),
        ({"scales": ""}, "There is no scale"),
        ({"scales": "nan"}, "'nan' is not a scale"),
        ({"prompts": "\n---\n"}, "There is no prompt"),
        ({"session": "a/b"}, "session name"),
        ({"sizes": "huge"}, "Value not in list"),
        ({"item": "{}"}, "lacks session"),
    ],
)
def test_what_cannot_be_read_is_refused(comfy: Comfy, wrong: dict[str, Any], says: str):
    """In the run, not when it is queued: the front end does not show what is said there."""
    session = wrong.pop("session", "wrong")
    with pytest.raises(RunFailed, match=says):
        comfy.run(explore(session, **wrong))
    assert not (output(comfy) / "wrong").exists()


def test_too_many_and_rules_that_are_none_are_refused(comfy: Comfy, name: str):
    many = explore(
        name, scales=" ".join(str(n / 10) for n in range(1, 1000)), prompts="\n---\n".join(map(str, range(101)))
    )
    with pytest.raises(RunFailed, match="100,899 combinations are more than the 100,000"):
        comfy.run(many)
    with pytest.raises(RunFailed, match="steps_rule must be one of"):
        comfy.run(explore(name, steps_rule="twelve"))
    assert not (output(comfy) / name).exists()
    run(comfy, explore(name, steps_rule="fixed", **{"steps_rule.steps": 12}))
    item = comfy.get(f"/resonance/rounds/{name}/items/1")
    assert (item["state"], json.loads(item["json"])["payload"]["steps"]) == ("done", 12)


def test_sessions_of_another_kind_are_refused(comfy: Comfy, name: str):
    pictures(comfy, name, "red")
    run(comfy, explore(name + " e"))
    run(comfy, quick(name + " r", name))
    for graph in (quick(name + " e", name), explore(name + " r")):
        with pytest.raises(RunFailed, match=r"belongs to (Explore|Round Input), whose pictures"):
            comfy.run(graph)
        peek = {"1": graph["1"], "2": node("ProbeValue", value=["1", 0])}
        with pytest.raises(RunFailed, match="belongs to"):
            comfy.run(peek)
    assert comfy.get("/prompt")["exec_info"]["queue_remaining"] == 0


def test_explore_beside_round_input_is_refused(comfy: Comfy, name: str):
    pictures(comfy, name, "red")
    second = {f"x{id_}": part for id_, part in quick(name + " b", name).items()}
    for part in second.values():
        for key, value in part["inputs"].items():
            if isinstance(value, list):
                part["inputs"][key] = ["x" + value[0], value[1]]
    with pytest.raises(RunFailed, match="two sessions in this run"):
        comfy.run(explore(name + " a") | second)


def test_without_round_output_the_next_combination_is_shown(comfy: Comfy, name: str):
    graph = explore(name, scales="6, 9", seeds=2)
    peek = {"1": graph["1"], **{str(n): node("ProbeValue", value=["1", n]) for n in (4, 6, 7, 8)}}
    told = comfy.run(peek)
    assert [json.loads(told[str(n)]["value"][0]) for n in (4, 6, 7, 8)] == [[64], [6.0], [40], [7]]
    assert not (output(comfy) / name).exists()
    graph["1"]["inputs"]["keep_going"] = False
    run(comfy, graph)
    told = comfy.run({**peek, "9": node("ProbeValue", value=["1", 3])})
    assert json.loads(told["6"]["value"][0]) == [9.0]


def test_a_pasted_item_makes_the_same_picture_again(comfy: Comfy, name: str):
    run(comfy, explore(name, scales="6, 9"))
    with Image.open(output(comfy) / name / items(comfy, name, 1)[1]["files"][0]) as image:
        graph, item, pixels = json.loads(image.text["prompt"]), image.text["resonance"], np.asarray(image)
    graph["1"]["inputs"] |= {"item": item, "session": "never opened"}
    (again,) = comfy.run(graph)["3"]["images"]
    with Image.open(comfy.base / "temp" / again["subfolder"] / again["filename"]) as image:
        assert np.array_equal(np.asarray(image), pixels)
    assert not (output(comfy) / "never opened").exists()
    pictures(comfy, name, "red")
    wrong = quick(name + " r", name)
    wrong["1"]["inputs"]["item"] = item
    with pytest.raises(RunFailed, match="starts from no picture. Paste it into Explore"):
        comfy.run(wrong)


def test_the_gallery_shows_items_without_a_source(comfy: Comfy, name: str):
    run(comfy, explore(name, scales="6, 9", seeds=2, saved={"folder_rule": "prompt hash", "name_rule": "variation"}))
    address = f"{comfy.url}/resonance/rounds/{name}"
    grid = requests.get(f"{address}/grid", timeout=60).json()
    assert (grid["rounds"], grid["lineages"], len(grid["items"])) == ([1, 2], ["X0001", "X0002"], 4)
    item = requests.get(f"{address}/items/1", timeout=60).json()
    assert (item["source"], item["parent"], item["children"], item["prompt"]) == (None, None, [], "Nice view")
    assert requests.get(f"{comfy.url}/view", params=item["pictures"][0], timeout=60).status_code == 200
    for path in ("source", "source?full=1"):
        refused = requests.get(f"{address}/items/1/{path}", timeout=60)
        assert (refused.status_code, refused.json()["error"]) == (404, "Item 1 starts from no picture.")
    assert requests.get(f"{address}/items/1/result/1", timeout=60).headers["Content-Type"] == "image/webp"
    assert len(requests.get(f"{address}/items/1/drift", timeout=60).json()["points"]) == 2


def test_models_are_drawn_ordered_within_a_round_and_kept_from_one_to_the_next(comfy: Comfy, name: str):
    for model in ("a", "b"):
        (comfy.base / "models" / "checkpoints").mkdir(parents=True, exist_ok=True)
        (comfy.base / "models" / "checkpoints" / f"{model}.safetensors").write_bytes(b"")
    graph = explore(name, plan=["9", 0], scales=" ".join(map(str, range(1, 9))), seeds=2)
    graph["9"] = node("ResonanceModelRoulette", text='model.checkpoint = ["a.safetensors", "b.safetensors"]')
    run(comfy, graph)
    models = [
        [item["draw"]["checkpoint"] for item in sorted(items(comfy, name, round_), key=lambda item: item["committed"])]
        for round_ in (1, 2)
    ]
    assert models[0] == sorted(models[0]) and len(set(models[0])) == 2
    assert models[1] == sorted(models[1], reverse=True), "the second round begins with what the first has left loaded"
