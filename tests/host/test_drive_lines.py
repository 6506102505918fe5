"""Prompt lines that a driver hands to a real ComfyUI: batches with pictures that are sent there, and sessions that go on in either."""

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from resonance.drive.comfyui import ComfyUI, Server
from resonance.drive.driver import Ended, drive
from resonance.drive.session import Jobs, opened
from resonance.drive.workflow import ItemWorkflow
from resonance.graph import PROMPT_LINES
from resonance.paint.shots import Widgets
from resonance.session.fill.asked_lines import AskedLines

from .comfy import Comfy, RunFailed, node
from .graphs import items, output, pictures, said
from .paint import VAE
from .test_prompt_lines import batches, lines, painted, runs


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return request.node.name.replace("test_", "")[:60]


def driven(
    comfy: Comfy, graph: dict[str, Any], session: str, text: str, batch_size: int, tell: Any = None, **more: Any
) -> Ended:
    """Drives a session in ComfyUI's output folder."""
    recipe, folder, inputs = (
        ItemWorkflow(comfy.complete(graph), kind=PROMPT_LINES),
        output(comfy) / session,
        graph["1"]["inputs"],
    )
    sizes = {key: inputs[key] for key in ("width", "height", "steps", "scale")}
    fill = AskedLines(
        text=text,
        folder=folder,
        widgets=Widgets(**sizes, strength=0.75 if more.get("pictures") else None),
        roots={root: comfy.base / root for root in ("input", "output")},
        text_roots={},
        wildcard_roots=[],
        nodes=recipe.lines.takers(),
        note=lambda text: None,
        **more,
    )

    async def work() -> Ended:
        engine = ComfyUI(Server(comfy.url), recipe, patience=5)
        try:
            return await drive(chain, Jobs(chain), [engine], tell or (lambda *_, **__: None), batch_size=batch_size)
        finally:
            await engine.close()

    chain = opened(folder, fill, 5)
    try:
        return asyncio.run(work())
    finally:
        chain.close()


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_a_batch_with_its_pictures_is_what_each_line_is_alone(comfy: Comfy, name: str):
    pictures(comfy, f"{name} p", "red", "blue", "green")
    mask = Image.new("L", (64, 64))
    mask.paste(255, (0, 0, 32, 64))
    (comfy.base / "input" / f"{name} m").mkdir()
    mask.save(comfy.base / "input" / f"{name} m" / "left.png")
    text = "red --d 11\n(blue:1.3) --d 12 --n green\na BREAK green --d 13\nblue --d 14\nred --w 96 --t 0.5"
    folders = {"pictures": f"{name} p", "masks": f"{name} m", "guides": f"{name} p"}
    for session, size in (("together", 4), ("alone", 1)):
        graph = batches("", "", "euler_ancestral")
        graph |= {
            "start": node("VAEEncode", pixels=["1", 10], vae=VAE),
            "masked": node("SetLatentNoiseMask", samples=["start", 0], mask=["1", 11]),
            "guides": node("PreviewImage", images=["1", 12]),
        }
        graph["sampler"]["inputs"]["latent_image"] = ["masked", 0]
        graph["3"]["inputs"] |= {"steps": ["1", 7], "before": ["1", 10]}
        assert driven(comfy, graph, f"{name} {session}", text, size, **folders) == Ended("finished", "", 5)
    assert [runs(comfy, f"{name} {session}") for session in ("together", "alone")] == [2, 5]
    both = [items(comfy, f"{name} {session}", 1) for session in ("together", "alone")]
    for a, b in zip(*both, strict=True):
        assert a["files"] == b["files"] and len(a["files"]) == 2, "its picture, and what it began with"
        ours, theirs = (output(comfy) / f"{name} {session}" / a["files"][0] for session in ("together", "alone"))
        assert np.abs(pixels(ours) - pixels(theirs)).max() <= 1, a["prompt"]
        before = pixels(output(comfy) / f"{name} together" / a["files"][1])
        changed = np.abs(pixels(ours) - before).mean((0, 2))
        width = changed.size
        assert changed[: width // 2 - 8].mean() > 4 * changed[width // 2 + 8 :].mean(), "the mask is white on the left"
    with Image.open(output(comfy) / f"{name} together" / both[0][1]["files"][0]) as image:
        known, prompt = json.loads(image.text["resonance"]), json.loads(image.text["prompt"])
    assert (known["seed"], known["source"]) == (12, f"{name} p/2-blue.png [input]")
    assert (known["payload"]["steps"], known["payload"]["mask"]) == (4, f"{name} m/left.png [input]")
    assert "item" not in prompt["1"]["inputs"]


def test_lines_of_too_different_lengths_are_asked_for_again(comfy: Comfy, name: str):
    long = " BREAK ".join(["red"] * 5)
    graph = batches("", "", "euler")
    graph["words"]["inputs"]["chunks"] = 5
    told: list[str] = []
    ended = driven(comfy, graph, name, f"red\nblue\n{long}\n{long}", 4, lambda event, **_: told.append(event))
    assert ended.done == 4 and not {"apart", "failed"} & {*told}
    assert {item["attempts"] for item in items(comfy, name, 1)} == {0} and runs(comfy, name) == 2


def test_one_of_a_batch_that_fails_costs_the_others_nothing_and_the_session_goes_on_in_comfyui(comfy: Comfy, name: str):
    painted(comfy)
    graph = lines("", "", {"fail": "bad"})
    assert driven(comfy, graph, name, "a\nb\nbad\nc", 4).done == 3
    assert painted(comfy) == ["a + b + bad + c", "a", "b", "bad", "c", "bad", "bad"]
    assert [(item["state"], item["attempts"]) for item in items(comfy, name, 1)] == [
        ("done", 0),
        ("done", 0),
        ("failed", 3),
        ("done", 0),
    ]
    request = ItemWorkflow(comfy.complete(graph), {"nodes": []}, PROMPT_LINES).request(
        session=name, lines="a\nb\nc\nd\ne", batch_size=2
    )
    assert request["extra_data"]["extra_pnginfo"]["workflow"] == {"nodes": []}
    comfy.wait(comfy.queue(request["prompt"]))
    comfy.idle()
    assert painted(comfy) == ["d + e"]
    assert driven(comfy, graph, name, "a\nb\nc\nd\ne\nf", 2).done == 1


def test_a_graph_that_paints_one_at_a_time_takes_the_first_of_a_list(comfy: Comfy, name: str):
    painted(comfy)
    graph = comfy.complete(lines("", ""))
    graph["4"] = node("ProbeValue", value=["1", 1])
    recipe = ItemWorkflow(graph, kind=PROMPT_LINES)
    assert recipe.lines.alone().startswith("One picture is painted in each run.") and recipe.lines.takers() == []
    assert driven(comfy, graph, name, "a\nb\nc", 3).done == 3
    assert painted(comfy) == ["a", "b", "c"]
    with Image.open(output(comfy) / name / items(comfy, name, 1)[0]["files"][0]) as image:
        pasted = image.text["resonance"]
    graph["1"]["inputs"]["item"] = f"[{pasted}, {pasted}]"
    [text] = said(comfy, graph)
    assert text["text"].startswith("1 of 2 items is painted. One picture is painted in each run.")
    for wrong, message in {
        f"[{pasted}, {pasted.replace('64', '72', 1)}]": "differ in more than words and seeds",
        "[]": "works on 1 to 64 items, and this list has 0",
        f"[{', '.join([pasted] * 65)}]": "this list has 65",
        f"[{pasted}, 3]": "is not a JSON object",
    }.items():
        graph["1"]["inputs"]["item"] = wrong
        with pytest.raises(RunFailed, match=message):
            comfy.run(graph)
