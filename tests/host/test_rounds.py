"""Rounds in a real ComfyUI, with quick stand-ins for tagger and sampler."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

from resonance.drive.workflow import load
from resonance.files import formats
from resonance.files.settings import FORMAT, SUFFIXES, Format
from resonance.session import query
from resonance.session.naming import prompt_hash

from .comfy import PACK, Comfy, RunFailed, node
from .graphs import check_whole, claimed, items, listening, mean, output, pictures, quick, said, until
from .test_llm import Texts

FEW: tuple[Format, ...] = ("webp", "jpeg")
"""Formats in the suite: tests/unit/test_formats.py has all of them without a server."""
PROBE = PACK / "tests" / "host" / "packs" / "probe"


@pytest.fixture(scope="module")
def comfy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Comfy]:
    base = tmp_path_factory.mktemp("rounds")
    extra = base / "pictures elsewhere"
    extra.mkdir()
    config = base / "paths.yaml"
    config.write_text(
        f"resonance:\n    base_path: {json.dumps(str(base))}\n    resonance_pictures: pictures elsewhere\n"
    )
    with Comfy(base, (PROBE,), ("--extra-model-paths-config", str(config))) as comfy:
        yield comfy


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return request.node.name.replace("test_", "")[:60]


def run(comfy: Comfy, graph: dict[str, Any], **kwargs: Any) -> None:
    comfy.wait(comfy.queue(graph, **kwargs))
    comfy.idle()


def test_three_rounds_over_a_mixed_folder(comfy: Comfy, name: str):
    folder = comfy.base / "input" / name
    (folder / "sub").mkdir(parents=True)
    Image.new("RGB", (60, 40), (255, 0, 0)).save(folder / "1.png")
    Image.new("RGB", (40, 60), (0, 255, 0)).save(folder / "2.JPG")
    Image.new("RGB", (40, 40), (0, 0, 255)).save(folder / "3.webp", lossless=True)
    Image.new("RGBA", (40, 40), (255, 0, 0, 255)).save(folder / "4.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (60, 40), (0, 255, 0)).save(folder / "sub" / "5.jpeg", exif=exif, quality=95)
    Image.new("RGB", (1, 1), (0, 0, 255)).save(folder / "6.png")
    Image.new("P", (9, 9), 0).save(folder / "X0042_7.gif")
    (folder / "8-corrupt.png").write_bytes((folder / "1.png").read_bytes()[:60])
    (folder / "9-text.png").write_text("not a picture")
    (folder / "notes.txt").write_text("ignored")
    workflow = {"nodes": [{"id": 1, "title": "ü €"}], "extra": {"a": [1, 2.5, None]}}
    graph = quick(name, name, rounds=3)
    run(comfy, graph, workflow=workflow)

    first = items(comfy, name, 1)
    assert [(i["lineage"], i["state"]) for i in first] == [
        ("X0001", "done"),
        ("X0002", "done"),
        ("X0003", "done"),
        ("X0004", "done"),
        ("X0005", "done"),
        ("X0006", "skipped"),
        ("X0007", "skipped"),
        ("X0008", "done"),
        ("X0042", "done"),
    ]
    assert all("not a picture that can be read" in i["error"] for i in first if i["state"] == "skipped")
    assert "8-corrupt.png" in comfy.read_log()
    done = {i["lineage"] for i in first if i["state"] == "done"}
    for round_ in (2, 3):
        assert {i["lineage"] for i in items(comfy, name, round_)} == done
        assert all(i["state"] == "done" for i in items(comfy, name, round_))
    assert not (output(comfy) / name / "round-0004").exists()

    words = {i["lineage"]: i["words"]["tags"] for i in first if i["words"]}
    for round_ in (1, 2, 3):
        for item in items(comfy, name, round_):
            if item["state"] == "done":
                assert item["words"]["tags"] == item["prompt"] == words[item["lineage"]]
                (file,) = item["files"]
                assert Path(file).name.startswith(item["lineage"] + "_")
                with Image.open(output(comfy) / name / file) as image:
                    assert json.loads(image.text["workflow"]) == workflow
                    assert json.loads(image.text["prompt"]) == graph
                    assert json.loads(image.text["resonance"])["lineage"] == item["lineage"]
    with Image.open(output(comfy) / name / file) as image:
        assert comfy.run(json.loads(image.text["prompt"])) == {}, "it is finished, which is no failure"


def test_a_picture_that_is_cut_off_is_taken_with_a_note_on_the_node(comfy: Comfy, name: str):
    pictures(comfy, name, "red")
    [file] = (comfy.base / "input" / name).iterdir()
    Image.effect_noise((64, 64), 80).save(file.with_suffix(".bmp"))
    file.unlink()
    file.with_suffix(".bmp").write_bytes(file.with_suffix(".bmp").read_bytes()[:3000])
    note = "1-red.bmp is damaged: its pixels are taken as far as they go, and the rest is grey or black."
    texts = Texts(comfy)
    run(comfy, quick(name, name), client_id="texts")
    assert [text for text in texts.on("1", 1) if text.endswith(f"\n\n{note}")], "said beside how far the session is"
    assert note in comfy.read_log()
    [item] = items(comfy, name, 1)
    with Image.open(output(comfy) / name / item["files"][0]) as image:
        graph = quick(name, name)
        graph["1"]["inputs"]["item"] = image.text["resonance"]
    comfy.run(graph, client_id="texts")
    assert texts.on("1", 2)[-1] == note


def test_words_carry_the_colour_from_round_to_round(comfy: Comfy, name: str):
    pictures(comfy, name, "red", "green", "blue")
    run(comfy, quick(name, name, rounds=3))
    for round_ in (1, 2, 3):
        for item, channel in zip(items(comfy, name, round_), range(3), strict=True):
            colour = mean(output(comfy) / name / item["files"][0])
            assert colour[channel] > 200 and max(c for i, c in enumerate(colour) if i != channel) < 60


def test_words_first_describes_a_round_before_it_paints(comfy: Comfy, name: str):
    pictures(comfy, name, "red", "green", "blue")
    started = len(log(comfy))
    run(comfy, quick(name, name, rounds=2, words_first=True))
    check_whole(comfy, name, 2, 3)
    assert log(comfy)[started:] == [
        f"X000{n} {r} {c}" for r in (1, 2) for n, c in ((1, "red"), (2, "green"), (3, "blue"))
    ]


@pytest.mark.parametrize(
    "format", [pytest.param(each, marks=[] if each in FEW else pytest.mark.long) for each in FORMAT.choices]
)
def test_rounds_in_every_format_under_names_by_a_pattern(comfy: Comfy, name: str, format: Format):
    session = f"formats {format}"
    pictures(comfy, session, "red", "blue")
    workflow = {"nodes": [{"title": "ü"}], "extra": {}}
    graph = quick(session, session, rounds=2)
    more = {"format": format, "name_pattern": "{source}/{lineage}", "parameters": True, "captions": True}
    graph["5"]["inputs"] |= more
    run(comfy, graph, workflow=workflow)
    for round_ in (1, 2):
        for item, channel in zip(items(comfy, session, round_), (0, 2), strict=True):
            [file] = item["files"]
            folder, _, stem = file.removesuffix(SUFFIXES[format]).rpartition("/")
            assert stem == item["lineage"]
            assert folder.startswith(f"round-000{round_}/") and folder.endswith(
                ("red", "blue") if round_ == 1 else stem
            )
            path = output(comfy) / session / file
            assert mean(path)[channel] > 200
            assert load(path).graph == graph
            assert json.loads(formats.texts(path)["resonance"])["lineage"] == item["lineage"]
            assert formats.texts(path)["parameters"] == item["prompt"]
            assert path.with_suffix(".txt").read_text() == f"{item['prompt']}\n"
            [shown] = comfy.get(f"/resonance/rounds/{quote(session)}/items/{item['id']}")["pictures"]
            assert (output(comfy) / shown["subfolder"] / shown["filename"]) == path
            asked = comfy.get(f"/resonance/rounds/{quote(session)}/items/{item['id']}/result/1/workflow")
            assert json.loads(asked["workflow"]) == workflow
            assert json.loads(asked["prompt"]) == graph


def test_a_wrong_name_pattern_is_one_error_at_its_input(comfy: Comfy, name: str):
    pictures(comfy, name, "red")
    graph = quick(name, name)
    graph["5"]["inputs"]["name_pattern"] = "../{seed}"
    answer = comfy.post("/prompt", {"prompt": comfy.complete(graph)})
    errors = answer.json()["node_errors"]["5"]["errors"]
    assert answer.status_code == 400 and [error["extra_info"]["input_name"] for error in errors] == ["name_pattern"]
    assert "leads elsewhere" in errors[0]["details"]


def log(comfy: Comfy) -> list[str]:
    path = output(comfy) / "described.log"
    return path.read_text().splitlines() if path.exists() else []


def test_an_error_in_the_graph_fails_that_item_after_three_attempts(comfy: Comfy, name: str):
    pictures(comfy, name, "red", "green", "blue")
    comfy.queue(quick(name, name, rounds=2, paint={"fail": "X0002"}))
    comfy.idle()
    found = items(comfy, name, 1)
    assert [(i["state"], i["attempts"]) for i in found] == [("done", 0), ("failed", 3), ("done", 0)]
    assert found[1]["error"] == "ProbePaint: no paint for X0002"
    assert [i["lineage"] for i in items(comfy, name, 2)] == ["X0001", "X0003"]
    assert comfy.post(f"/resonance/rounds/{name}/retry").json() == {"items": 1}
    comfy.idle()
    assert items(comfy, name, 1)[1]["state"] == "failed"
    [text] = said(comfy, quick(name, name, rounds=2))
    assert "is finished" in text["text"] and "1 failed (Retry gives them new attempts)" in text["text"]


def test_retried_items_pass_through_the_later_rounds(comfy: Comfy, name: str):
    pictures(comfy, name, "red", "green")
    comfy.queue(quick(name, name, rounds=2, paint={"fail": "X0002"}))
    comfy.idle()
    [text] = said(comfy, quick(name, name, rounds=2))
    assert "is finished" in text["text"] and "1 failed (Retry gives them new attempts)" in text["text"]
    comfy.post(f"/resonance/rounds/{name}/retry")
    comfy.idle()
    assert items(comfy, name, 1)[1]["state"] == "done", "Run had recorded the mended graph"
    check_whole(comfy, name, 2, 2)


def test_the_same_error_three_times_in_a_row_pauses(comfy: Comfy, name: str):
    pictures(comfy, name, "red", "green", "blue", "red")
    comfy.queue(quick(name, name, paint={"fail": "all"}))
    comfy.idle()
    status = comfy.get(f"/resonance/rounds/{name}")
    assert status["state"] == "paused" and "the paint is out" in status["reason"]
    assert [(i["state"], i["attempts"]) for i in status["items"]] == [("pending", 0)] * 4
    assert "is paused: 3 items in a row failed with: ProbePaint: the paint is out" in comfy.read_log()
    run(comfy, quick(name, name))
    check_whole(comfy, name, 1, 4)


def test_an_interrupt_ends_the_chain_and_costs_nothing(comfy: Comfy, name: str):
    pictures(comfy, name, "red", "green", "blue")
    prompt = comfy.queue(quick(name, name, paint={"seconds": 30.0}))
    until(lambda: claimed(comfy, name))
    started = time.monotonic()
    comfy.post("/interrupt")
    with pytest.raises(RunFailed, match="interrupted"):
        comfy.wait(prompt, timeout=5)
    assert time.monotonic() - started < 1.5
    comfy.idle(20)
    assert [(i["state"], i["attempts"]) for i in items(comfy, name, 1)] == [("pending", 0)] * 3
    run(comfy, quick(name, name))
    check_whole(comfy, name, 1, 3)


def test_a_deleted_queue_entry_ends_the_chain_and_run_goes_on(comfy: Comfy, name: str):
    pictures(comfy, name, "red", "green", "blue")
    first = comfy.queue(quick(name, name, paint={"seconds": 1.0}))
    until(lambda: claimed(comfy, name) and comfy.get("/queue")["queue_pending"])
    (entry,) = comfy.get("/queue")["queue_pending"]
    comfy.post("/queue", {"delete": [entry[1]]})
    comfy.wait(first)
    comfy.idle()
    assert [i["state"] for i in items(comfy, name, 1)] == ["done", "pending", "pending"]
    run(comfy, quick(name, name))
    check_whole(comfy, name, 1, 3)


def made(comfy: Comfy, *ids: str) -> list[bool]:
    """Whether these runs have made a picture."""
    return ["5" in comfy.wait(id_)["outputs"] for id_ in ids]


def test_run_pressed_twice_makes_nothing_twice_and_the_chain_goes_on(comfy: Comfy, name: str):
    pictures(comfy, name, "red", "green", "blue")
    graph = quick(name, name, paint={"seconds": 0.2})
    first, second = comfy.queue(graph), comfy.queue(graph)
    assert made(comfy, first, second) == [True, False]
    comfy.idle()
    check_whole(comfy, name, 1, 3)


def test_a_second_run_brings_new_pictures_and_its_workflow_from_the_next_one_on(comfy: Comfy, name: str):
    pictures(comfy, name, "red", "green")
    first = comfy.queue(quick(name, name, paint={"seconds": 1.0}))
    until(lambda: claimed(comfy, name))
    pictures(comfy, name, "red", "green", "blue")
    second = comfy.queue(quick(name, name, rounds=2, takes="none", paint={"seconds": 0.1}))
    assert made(comfy, first, second) == [True, False]
    comfy.idle()
    check_whole(comfy, name, 1, 3)
    assert [i["lineage"] for i in items(comfy, name, 2)] == ["X0001", "X0002"], "their runs were queued before"


def test_a_second_run_with_another_seed_is_refused(comfy: Comfy, name: str):
    pictures(comfy, name, "red", "green")
    first = comfy.queue(quick(name, name, paint={"seconds": 0.5}))
    other = comfy.queue(quick(name, name, seed=2))
    comfy.wait(first)
    with pytest.raises(RunFailed, match=r"its seed is 1, and this Run asks for 2\. Pause or interrupt it first"):
        comfy.wait(other)
    comfy.idle()
    check_whole(comfy, name, 1, 2)


def test_run_instant_neither_doubles_nor_stops_the_chain(comfy: Comfy, name: str):
    pictures(comfy, name, "red", "green", "blue")
    graph = quick(name, name, rounds=2, paint={"seconds": 0.1})
    assert made(comfy, comfy.queue(graph)) == [True]
    pressed = 0
    with pytest.raises(RunFailed, match=r"is finished: 2 rounds.*Run \(Instant\) ends here"):
        while pressed < 500:
            comfy.wait(comfy.queue(graph))
            pressed += 1
    assert pressed >= 4
    check_whole(comfy, name, 2, 3)


def test_what_comes_between_two_answers_of_run_instant_is_not_lost(comfy: Comfy, name: str):
    pictures(comfy, name, "red", "green")
    graph = quick(name, name, paint={"seconds": 0.6})
    _, second = comfy.queue(graph), comfy.queue(graph)
    comfy.wait(second)
    pictures(comfy, name, "red", "green", "blue")
    comfy.queue(graph)
    comfy.idle()
    check_whole(comfy, name, 1, 3)


def test_a_graph_changed_between_runs_is_taken_over(comfy: Comfy, name: str):
    pictures(comfy, name, "red", "green")
    run(comfy, quick(name, name, keep_going=False))
    assert [i["state"] for i in items(comfy, name, 1)] == ["done", "pending"], "one picture per press of Run"
    run(comfy, quick(name, name, takes="none", rounds=2))
    check_whole(comfy, name, 1, 2)
    assert [i["lineage"] for i in items(comfy, name, 2)] == ["X0001"]


def test_new_pictures_in_the_first_folder_join_on_run(comfy: Comfy, name: str):
    pictures(comfy, name, "red")
    run(comfy, quick(name, name, rounds=2))
    pictures(comfy, name, "red", "blue")
    run(comfy, quick(name, name, rounds=2))
    check_whole(comfy, name, 2, 2)


def test_pictures_thrown_away_between_rounds_stay_away(comfy: Comfy, name: str):
    pictures(comfy, name, "red", "green", "blue")
    run(comfy, quick(name, name, rounds=1))
    (output(comfy) / name / items(comfy, name, 1)[1]["files"][0]).unlink()
    run(comfy, quick(name, name, rounds=2))
    assert [i["lineage"] for i in items(comfy, name, 2)] == ["X0001", "X0003"]


def test_a_batch_may_enter_the_next_round_whole_and_a_second_picture_never(comfy: Comfy, name: str):
    pictures(comfy, name, "red")
    graph = quick(name, name, rounds=2, paint={"batch": 2}, takes="all")
    graph["5"]["inputs"]["before"] = ["1", 0]
    run(comfy, graph)
    (item,) = items(comfy, name, 1)
    assert [Path(f).name.removeprefix("X0001_r0001_").split("_", 1)[1] for f in item["files"]] == [
        "01.png",
        "02.png",
        "before.png",
    ]
    assert [i["lineage"] for i in items(comfy, name, 2)] == ["X0001.1", "X0001.2"]
    assert all(i["state"] == "done" for i in items(comfy, name, 2))


def listed(*links: list[Any]) -> dict[str, Any]:
    return node("CreateList", **{f"inputs.input{n}": link for n, link in enumerate(links)})


def test_a_list_of_pictures_is_one_batch_of_its_item(comfy: Comfy, name: str):
    pictures(comfy, name, "red", "blue")
    graph = quick(name, name, rounds=2, takes="all") | {
        "wide": node("EmptyImage", width=48, height=32, batch_size=2, color=0),
        "all": listed(["4", 0], ["wide", 0]),
        "word": node("PrimitiveString", value="wide"),
        "words": listed(["3", 0], ["word", 0]),
        "seen": node("ProbeValue", value=["5", 0]),
    }
    graph["5"]["inputs"] |= {"images": ["all", 0], "words": ["words", 0], "before": ["all", 0]}
    first = comfy.run(graph)
    comfy.idle()
    assert [each["shape"][:3] for each in json.loads(first["seen"]["value"][0])] == [[1, 64, 64], [2, 32, 48]]
    for item, word in zip(items(comfy, name, 1), ("red", "blue"), strict=True):
        assert (item["state"], item["attempts"], item["prompt"]) == ("done", 0, f"{word}\nwide")
        sizes = [Image.open(output(comfy) / name / file).size for file in item["files"]]
        assert sizes == [(64, 64), (48, 32), (48, 32)] * 2
    assert [i["lineage"] for i in items(comfy, name, 2)] == [f"X000{n}.{k}" for n in (1, 2) for k in (1, 2, 3)]
    assert {i["state"] for i in items(comfy, name, 2)} == {"done"}


@pytest.mark.parametrize("keep_going", [True, False])
def test_a_list_in_front_of_round_input_claims_one_item(comfy: Comfy, name: str, keep_going: bool):
    pictures(comfy, name, "red", "blue")
    graph = quick(name, name, keep_going=keep_going)
    graph |= {"word": node("PrimitiveString", value="ready"), "ready": listed(["word", 0], ["word", 0], ["word", 0])}
    graph["1"]["inputs"]["after"] = ["ready", 0]
    for _ in range(1 if keep_going else 2):
        run(comfy, graph)
    check_whole(comfy, name, 1, 2)
    assert {i["attempts"] for i in items(comfy, name, 1)} == {0}


def test_words_that_come_as_lists_are_those_of_one_item(comfy: Comfy, name: str):
    pictures(comfy, name, "red")
    graph = quick(name, name) | {
        "word": node("PrimitiveString", value="tall"),
        "words": listed(["2", 0], ["word", 0], ["2", 0]),
    }
    graph["3"]["inputs"] |= {"tags": ["words", 0], "caption": ["words", 0]}
    run(comfy, graph)
    [item] = items(comfy, name, 1)
    assert item["words"] == {"tags": "red, tall", "caption": "red tall"}
    check_whole(comfy, name, 1, 1)


def test_half_a_letter_in_words_is_mended_before_anything_is_painted(comfy: Comfy, name: str):
    pictures(comfy, name, "red")
    graph = quick(name, name) | {"word": node("PrimitiveString", value="tall \ud83d red")}
    graph["3"]["inputs"]["caption"] = ["word", 0]
    run(comfy, graph)
    [item] = items(comfy, name, 1)
    assert item["state"] == "done" and item["words"]["caption"] == "tall \ufffd red"


def test_several_pasted_items_have_their_own_pictures(comfy: Comfy, name: str):
    pictures(comfy, name, "red", "blue")
    run(comfy, quick(name, name))
    texts = [Image.open(output(comfy) / name / i["files"][0]).text["resonance"] for i in items(comfy, name, 1)]
    graph = quick(name, name) | {
        **{f"text {n}": node("PrimitiveStringMultiline", value=text) for n, text in enumerate(texts)},
        "both": listed(["text 0", 0], ["text 1", 0]),
    }
    graph["1"]["inputs"]["item"] = ["both", 0]
    again = [each["filename"] for each in comfy.run(graph)["5"]["images"]]
    assert [file.split("_")[0] for file in again] == ["X0001", "X0002"]
    means = [mean(comfy.base / "temp" / "resonance" / file) for file in again]
    assert [max(range(3), key=each.__getitem__) for each in means] == [0, 2]


def test_without_round_output_nothing_is_claimed(comfy: Comfy, name: str):
    pictures(comfy, name, "green", "red")
    graph = {
        "1": quick(name, name)["1"],
        "2": node("PreviewImage", images=["1", 0]),
        "3": node("ProbeValue", value=["1", 1]),
    }
    comfy.run(graph)
    assert not (output(comfy) / name).exists()
    run(comfy, quick(name, name, keep_going=False))
    before = items(comfy, name, 1)
    shown = comfy.run({**graph, "4": node("ProbeValue", value=["1", 2])})
    assert json.loads(shown["4"]["value"][0]) == ["X0002"], "the next item is shown"
    assert items(comfy, name, 1) == before
    assert comfy.get("/prompt")["exec_info"]["queue_remaining"] == 0


def test_a_pasted_item_makes_the_same_picture_again_and_opens_no_ledger(comfy: Comfy, name: str):
    pictures(comfy, name, "red", "blue")
    run(comfy, quick(name, name))
    before, described = items(comfy, name, 1), len(log(comfy))
    saved = output(comfy) / name / before[1]["files"][0]
    with Image.open(saved) as image:
        graph, item = json.loads(image.text["prompt"]), image.text["resonance"]
        pixels = np.asarray(image)
    graph["1"]["inputs"] |= {"item": item, "session": "never opened"}
    (again,) = comfy.run(graph)["5"]["images"]
    assert again["type"] == "temp"
    with Image.open(comfy.base / "temp" / again["subfolder"] / again["filename"]) as image:
        assert np.array_equal(np.asarray(image), pixels)
    assert items(comfy, name, 1) == before and len(log(comfy)) == described
    assert not (output(comfy) / "never opened").exists()


def test_the_first_picture_of_a_lineage_comes_along(comfy: Comfy, name: str):
    pictures(comfy, name, "red", "blue", size=(40, 24))
    graph = quick(name, name, rounds=3)
    graph["6"] = node("ProbeShape", images=["1", 7], lineage=["1", 2])
    graph["5"]["inputs"]["images"] = ["6", 0]
    run(comfy, graph)
    shapes = (output(comfy) / "shapes.log").read_text().splitlines()
    assert shapes == [f"X000{n} 40x24 {c}" for _ in range(3) for n, c in ((1, "1 0 0"), (2, "0 0 1"))]
    with Image.open(output(comfy) / name / items(comfy, name, 3)[1]["files"][0]) as image:
        item = image.text["resonance"]
    look = {"1": quick(name, name)["1"], "2": node("ProbeValue", value=["1", 7])}
    look["1"]["inputs"]["item"] = item
    assert json.loads(comfy.run(look)["2"]["value"][0])[0]["shape"] == [1, 24, 40, 3], (
        "pasted, and its session is there"
    )
    look["1"]["inputs"]["item"] = item.replace(f'"session": "{name}"', '"session": "never opened"')
    assert json.loads(comfy.run(look)["2"]["value"][0])[0]["shape"] == [1, 24, 40, 3]
    (comfy.base / "input" / name / "2-blue.png").unlink()
    look["1"]["inputs"]["item"] = item
    with pytest.raises(RunFailed, match=r"The first picture of lineage X0002, .*2-blue.png \[input\]', cannot be read"):
        comfy.run(look)
    unused = comfy.run({**look, "2": node("ProbeValue", value=["1", 2])})
    assert json.loads(unused["2"]["value"][0]) == ["X0002"], "not connected, not missed"


def test_rounds_go_on_with_every_rule_for_folders_and_names(comfy: Comfy, name: str):
    pictures(comfy, name, "red", "blue")
    for folder_rule in ("prompt hash", "scratch"):
        for name_rule in ("lineage", "variation"):
            session = f"{name[:30]} {folder_rule} {name_rule}"
            graph = quick(session, name, rounds=3)
            graph["5"]["inputs"] |= {
                "folder_rule": folder_rule,
                "name_rule": name_rule,
                "scale": ["6", 0],
                "steps": ["7", 0],
            }
            graph |= {"6": node("PrimitiveFloat", value=6.5), "7": node("PrimitiveInt", value=20)}
            run(comfy, graph)
            found = [item for round_ in (1, 2, 3) for item in items(comfy, session, round_)]
            assert [(i["lineage"], i["state"]) for i in found] == [("X0001", "done"), ("X0002", "done")] * 3
            files = [item["files"][0] for item in found]
            assert len(set(files)) == len(list((output(comfy) / session).glob("*/*.png"))) == 6
            folders = {item["prompt"]: Path(item["files"][0]).parent.name for item in found}
            wanted = {
                word: prompt_hash(word) if folder_rule == "prompt hash" else "scratch" for word in ("red", "blue")
            }
            assert folders == wanted
            assert all(("_scale-6.5_steps-20_seed-" in file) == (name_rule == "variation") for file in files)
            told = comfy.get(f"/resonance/rounds/{session}/items/{found[-1]['id']}")
            assert told["parent"] == found[3]["id"] and told["source"] == f"{session}/{found[3]['files'][0]} [output]"
            assert len(comfy.get(f"/resonance/rounds/{session}/items/{found[-1]['id']}/drift")["points"]) == 4
            with Image.open(output(comfy) / session / files[-1]) as image:
                known = json.loads(image.text["resonance"])
            assert known["source"] == told["source"] and known["payload"] == {"scale": 6.5, "steps": 20}


def test_the_folder_of_a_prompt_needs_a_prompt(comfy: Comfy, name: str):
    pictures(comfy, name, "red")
    graph = quick(name, name)
    graph["5"]["inputs"]["folder_rule"] = "prompt hash"
    del graph["5"]["inputs"]["words"]
    with pytest.raises(RunFailed, match="'prompt hash' needs the prompt .* connect it to words"):
        comfy.run(graph)
    comfy.idle()


def test_pause_and_resume_by_route(comfy: Comfy, name: str):
    pictures(comfy, name, "red", "green", "blue")
    comfy.queue(quick(name, name, paint={"seconds": 0.5}))
    until(lambda: claimed(comfy, name))
    assert comfy.post(f"/resonance/rounds/{name}/pause").status_code == 200
    comfy.idle()
    status = comfy.get(f"/resonance/rounds/{name}")
    assert (status["state"], status["done"], status["total"]) == ("paused", 1, 3)
    assert comfy.post(f"/resonance/rounds/{name}/resume").status_code == 200
    comfy.idle()
    check_whole(comfy, name, 1, 3)
    assert name in [s["session"] for s in comfy.get("/resonance/rounds")]


@pytest.mark.parametrize("path", ["nothing", "..%2Fx", "%00", "con", "a%2Fb"])
def test_routes_know_no_other_folders(comfy: Comfy, path: str):
    for answer in (comfy.post(f"/resonance/rounds/{path}/pause"), comfy.post(f"/resonance/rounds/{path}/retry")):
        assert answer.status_code in (400, 404), answer.text


@pytest.mark.parametrize("session", ["../x", "/tmp/x", "a/b", "a\x00b", "x" * 200, "CON", ".", "..", ""])
def test_sessions_that_are_no_plain_name_are_refused_when_queued(comfy: Comfy, session: str):
    with pytest.raises(RunFailed, match="session name"):
        comfy.queue(quick(session, "."))


@pytest.mark.parametrize("folder", ["..", "../output", "/etc", "a/../../b", "x\x00", "y" * 300, "a [disk]"])
def test_folders_outside_are_refused_before_a_session_is_opened(comfy: Comfy, folder: str):
    with pytest.raises(RunFailed, match="is not a path below|longer than 255|no root"):
        comfy.run(quick("outside", folder))
    assert not (output(comfy) / "outside").exists()


def test_a_session_that_is_known_does_not_go_on_without_its_folder_when_that_lies_outside(comfy: Comfy, name: str):
    pictures(comfy, name, "red")
    run(comfy, quick(name, name))
    with pytest.raises(RunFailed, match="is not a path below"):
        comfy.run(quick(name, "../output", rounds=2))
    assert query.read_round(output(comfy) / name)[0].round == 1


def test_links_out_of_the_folders_are_refused(comfy: Comfy, tmp_path: Path, name: str):
    Image.new("RGB", (8, 8)).save(tmp_path / "secret.png")
    (comfy.base / "input" / "out").symlink_to(tmp_path)
    with pytest.raises(RunFailed, match="through a link"):
        comfy.run(quick(name, "out"))
    (output(comfy) / name).symlink_to(tmp_path)
    pictures(comfy, name, "red")
    with pytest.raises(RunFailed, match="is a link"):
        comfy.run(quick(name, name))
    item = {"session": "s", "round": 1, "index": 1, "lineage": "X1", "seed": 1, "source": "../x.png [input]"}
    graph = quick(name, name)
    graph["1"]["inputs"]["item"] = json.dumps(item)
    with pytest.raises(RunFailed, match="not a path below"):
        comfy.run(graph)
    graph["1"]["inputs"]["item"] = json.dumps(
        {**item, "lineage": "../../../escaped", "source": f"{name}/1-red.png [input]"}
    )
    with pytest.raises(RunFailed, match="lineage name"):
        comfy.run(graph)
    graph["1"]["inputs"]["session"] = ""  # of no use to a picture that is made again
    with pytest.raises(RunFailed, match="lineage name"):
        comfy.run(graph)


def test_further_roots_come_from_the_paths_file(comfy: Comfy, name: str):
    Image.new("RGB", (8, 8), (255, 0, 0)).save(comfy.base / "pictures elsewhere" / "a.png")
    run(comfy, quick(name, "[pictures]"))
    assert items(comfy, name, 1)[0]["source"] == "a.png [pictures]"
    check_whole(comfy, name, 1, 1)


def test_an_empty_or_missing_folder_is_answered_in_words(comfy: Comfy, name: str):
    (comfy.base / "input" / name).mkdir()
    with pytest.raises(RunFailed, match="There are no pictures in"):
        comfy.run(quick(name, name))
    with pytest.raises(RunFailed, match="There is no folder 'nowhere'. Folders in"):
        comfy.run(quick(name, "nowhere"))
    assert not (output(comfy) / name).exists()


def test_inside_a_loop_each_pass_claims_and_commits_and_nothing_is_queued(comfy: Comfy, name: str):
    pictures(comfy, name, "red", "green", "blue")
    comfy.run({"1": node("ProbeRepeat", session=name, folder=name, count=2)})
    assert comfy.get("/prompt")["exec_info"]["queue_remaining"] == 0
    assert [i["state"] for i in items(comfy, name, 1)] == ["done", "done", "pending"]
    comfy.run({"1": node("ProbeRepeat", session=name, folder=name, count=2)})
    check_whole(comfy, name, 1, 3)


def test_inside_a_loop_the_first_picture_is_read_only_when_it_is_connected(comfy: Comfy, name: str):
    pictures(comfy, name, "red")
    for rounds in (1, 2):
        comfy.run({"1": node("ProbeRepeat", session=name, folder=name, count=1, rounds=rounds)})
        check_whole(comfy, name, rounds, 1)
        (comfy.base / "input" / name / "1-red.png").unlink(missing_ok=True)


def test_two_round_inputs_in_one_run_are_refused(comfy: Comfy, name: str):
    pictures(comfy, name, "red")
    graph = quick(name + " a", name)
    second = {f"x{id_}": part for id_, part in quick(name + " b", name).items()}
    for part in second.values():
        for key, value in part["inputs"].items():
            if isinstance(value, list):
                part["inputs"][key] = ["x" + value[0], value[1]]
    with pytest.raises(RunFailed, match="two sessions in this run"):
        comfy.run(graph | second)
    assert comfy.get("/prompt")["exec_info"]["queue_remaining"] == 0


def test_the_browser_hears_of_every_change(comfy: Comfy, name: str):
    pictures(comfy, name, "red", "green")
    with listening(comfy) as (client, heard):
        run(comfy, quick(name, name), client_id=client)
    assert {e["session"] for e in heard} == {name}
    assert [(e["done"], e["item"]) for e in heard if e["item"]] == [
        (0, "X0001"),
        (1, "X0001"),
        (1, "X0002"),
        (2, "X0002"),
    ]
    assert heard[-1]["state"] == "finished" and heard[-1]["total"] == 2


def test_the_chain_leaves_twenty_of_its_runs_in_the_history(comfy: Comfy, name: str):
    pictures(comfy, name, *["red"] * 30)
    comfy.post("/history", {"clear": True})
    run(comfy, quick(name, name))
    assert len(comfy.get("/history")) <= 22
    check_whole(comfy, name, 1, 30)


def test_the_same_session_and_seed_make_the_same_pictures(comfy: Comfy, name: str):
    pictures(comfy, name, "red", "blue")
    for session in (name + " a", name + " b"):
        run(comfy, quick(session, name, rounds=2))
    for round_ in (1, 2):
        for a, b in zip(items(comfy, name + " a", round_), items(comfy, name + " b", round_), strict=True):
            one, other = (
                Image.open(output(comfy) / s / i["files"][0]) for s, i in ((name + " a", a), (name + " b", b))
            )
            assert np.array_equal(np.asarray(one), np.asarray(other))
