"""LoRA Stack in the real ComfyUI: it is core's loaders in a row, and hands on the same objects for as long as nothing changes."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from resonance.canvas.canvas import Lora
from resonance.session.item import Item
from resonance.session.payloads import Exploration, Payload, PromptLine

from .comfy import Comfy, RunFailed, node
from .paint import CLIP, MODEL, paint, picture
from .regional import COUPLE, LEFT, OVERLAY, RIGHT, hues, layout, pictures, place, region
from .test_llm import Texts

SWAP, OTHER = "tiny_lora.safetensors", "stacked.safetensors"


@pytest.fixture(scope="module", autouse=True)
def other(models: Path) -> Iterator[Path]:
    """A second LoRA, with metadata, for as long as these tests run."""
    path = models / "loras" / OTHER
    draw = torch.Generator().manual_seed(5)
    weights = {
        name: value if name.endswith("alpha") else value + 0.2 * torch.randn(value.shape, generator=draw).half()
        for name, value in load_file(models / "loras" / SWAP).items()
    }
    tags = {"10_sks dog": {"dog": 20, "grass": 12}, "5_cats": {"cat": 30, "grass": 9}}
    save_file(weights, path, {"ss_tag_frequency": json.dumps(tags)})
    yield path
    path.unlink()


def stack(*rows: tuple[str, float], own: list[float] | None = None, **inputs: Any) -> dict[str, Any]:
    """Rows with a file; ``own``: their strengths in the CLIP."""
    given: dict[str, Any] = {"clip_strengths": "as in the model"}
    for n, (file, strength) in enumerate(rows, 1):
        given |= {f"lora_{n}": file, f"strength_{n}": strength}
    if own:
        given["clip_strengths"] = "their own"
        given |= {f"clip_strengths.clip_{n}": strength for n, strength in enumerate(own, 1)}
    return node("ResonanceLoRAStack", **{**given, **inputs})


def line(options: str, number: int = 0) -> dict[str, Any]:
    """An item of Prompt Lines as a node has it, or of another fill."""
    payload = PromptLine(
        key=f"k{number}", line="l", prompt="p", width=64, height=64, steps=1, scale=1, seed=number, options=options
    )
    return of(payload, number)


def of(payload: Payload, seed: int = 0) -> dict[str, Any]:
    item = Item(session="s", round=1, index=1, lineage="X0001", seed=seed, payload=payload)
    return node("ProbeItem", text=item.to_json())


def painted(nodes: dict[str, Any], model: list[Any], clip: list[Any], **more: Any) -> dict[str, Any]:
    nodes["words"] = node("CLIPTextEncode", clip=clip, text="a red")
    return paint("tiny_sd15", ["words", 0], ["words", 0], model=model, nodes=nodes, steps=1, **more)


def stacked(nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return painted(nodes, ["stack", 0], ["stack", 1], **more)


def objects(comfy: Comfy, nodes: dict[str, Any], of: str = "stack", checkpoint: str = "tiny_sd15") -> list[str]:
    """Which MODEL and CLIP come of a node."""
    graph = {"load": node("LoadSmall", ckpt_name=f"{checkpoint}.safetensors"), **nodes}
    graph |= {f"out{n}": node("ProbeValue", value=[of, n]) for n in range(2)}
    outputs = comfy.run(graph)
    return [json.loads(outputs[f"out{n}"]["value"][0])[0] for n in range(2)]


def test_it_is_cores_loaders_in_a_row(comfy: Comfy):
    """Three files of which the last two share a multiplier; row 2 is empty. What a line gives goes before the widget."""
    rows = {"lora_1": SWAP, "lora_2": "none", "lora_3": OTHER, "lora_4": OTHER, "strength_4": 0.5}
    inputs = {"model": MODEL, "clip": CLIP, **rows, "multipliers": "3", "item": ["item", 0]}
    ours = picture(comfy, stacked({"item": line("--am 0.8,-0.5"), "stack": stack(**inputs)}))
    assert ours.pixels == loaders(comfy, (SWAP, 0.8, 0.8), (OTHER, -0.5, -0.5), (OTHER, -0.25, -0.25))


def loaders(comfy: Comfy, *rows: tuple[str, float, float]) -> str:
    nodes, model, clip = dict[str, Any](), MODEL, CLIP
    for n, (file, strength, in_clip) in enumerate(rows):
        strengths = {"strength_model": strength, "strength_clip": in_clip}
        nodes[f"core {n}"] = node("LoraLoader", model=model, clip=clip, lora_name=file, **strengths)
        model, clip = [f"core {n}", 0], [f"core {n}", 1]
    return picture(comfy, painted(nodes, model, clip)).pixels


def test_strengths_in_clip_may_be_their_own(comfy: Comfy):
    nodes = {"stack": stack((SWAP, 0.5), (OTHER, 1.0), own=[1.0, -0.5], multipliers="1,0.5", model=MODEL, clip=CLIP)}
    ours = picture(comfy, stacked(nodes)).pixels
    assert ours == loaders(comfy, (SWAP, 0.5, 1.0), (OTHER, 0.5, -0.25))


def test_it_hands_on_the_same_objects_until_something_changes(comfy: Comfy, other: Path):
    def after(options: str, number: int = 0, **more: Any) -> list[str]:
        inputs = {"model": MODEL, "clip": CLIP, "item": ["item", 0], **more}
        return objects(comfy, {"item": line(options, number), "stack": stack((SWAP, 1.0), (OTHER, 0.5), **inputs)})

    model, clip = first = after("--am 0.5,2", 1)
    assert after("--am 0.5,2", 2) == after("--am 0.5,2 --dsd1 2", 3) == after("", 4, multipliers="0.5,2") == first
    others = [after("--am 0.5,1", 5), after("", 6), after("--am 0.5,2", 7, own=[1.0, 1.0])]
    assert others[2][0] == model, "only the CLIP's strengths are others"
    assert len({model, others[0][0], others[1][0]}) == 3 and len({clip, *(each[1] for each in others)}) == 4
    assert after("--am 0.5,2", 8) == first
    os.utime(other, ns=(1, 1))
    assert not {model, clip} & {*after("--am 0.5,2", 9)}


def test_without_a_lora_that_acts_model_and_clip_go_through(comfy: Comfy):
    for rows in ([(SWAP, 0.0)], [("none", 1.0)]):
        nodes = {"stack": stack(*rows, model=MODEL, clip=CLIP)}
        assert objects(comfy, nodes) == objects(comfy, nodes, "load")


def test_twelve_lines_with_equal_multipliers_patch_the_weights_once(comfy: Comfy):
    lines = node("ResonancePromptLines", session="equal multipliers", width=32, height=32, keep_going=False)
    rows = stack((SWAP, 1.0), (OTHER, 0.3), model=MODEL, clip=CLIP, item=["lines", 0])
    graph = stacked({"lines": lines, "stack": rows}, size=(32, 32))
    graph["words"] = node("ResonanceEncodeLine", clip=["stack", 1], item=["lines", 0])
    graph["save"] = node("ResonanceRoundOutput", images=["decode", 0], item=["lines", 0], next_round_takes="none")
    graph["patched"] = node("PatchedWeights", after=["decode", 0])

    def patched(text: str) -> dict[str, int]:
        """In the run of the next line."""
        graph["lines"]["inputs"]["lines"] = text
        return json.loads(comfy.run(comfy.complete(graph))["patched"]["patched"][0])

    comfy.run({"patched": node("PatchedWeights")})
    twelve = "\n".join(f"boat {number} --d {number} --am 0.5,-0.25" for number in range(12))
    counts = [patched(twelve) for _ in range(12)]
    assert len(counts[0]) == 2 and all(counts[0].values()), "model and text encoder"
    assert counts[1:] == [{}] * 11
    assert patched("another --am 0.5") == counts[0], "this counts what it should"


def test_items_of_other_fills_say_nothing(comfy: Comfy):
    explored = Exploration(prompt="red", aspect="square", width=64, height=64, scale=1, steps=1, seed=3)
    nodes = {"stack": stack((SWAP, 1.0), model=MODEL, clip=CLIP, multipliers="0.5", item=["item", 0])}
    with_item = objects(comfy, {**nodes, "item": of(explored)})
    del nodes["stack"]["inputs"]["item"]
    assert objects(comfy, nodes) == with_item


METHODS = [COUPLE, pytest.param(OVERLAY, marks=pytest.mark.long)]


@pytest.mark.parametrize("method", METHODS)
def test_as_a_list_it_is_for_a_region(comfy: Comfy, method: str):
    base = {"weight": 1.0, "start": 0.0, "end": 1.0, "name": "", "conditioning": ["red", 0], "place": "box"}
    left = {**base, "place.left": 0.0, "place.top": 0.0, "place.right": 0.5, "place.bottom": 1.0}
    right = {**left, "place.left": 0.5, "place.right": 1.0, "regions": ["left", 0]}
    nodes = place(None, method, regions=["right", 0], positive=["base", 0])
    nodes |= {name: node("CLIPTextEncode", clip=CLIP, text=text) for name, text in (("red", "red"), ("base", "a"))}
    nodes["stack"] = stack((SWAP, 2.0), multipliers="0.5")
    nodes["left"] = node("ResonanceRegionFromConditioning", **left, loras=["stack", 2])
    nodes["right"] = node("ResonanceRegionFromConditioning", **right)
    assert hues(pictures(comfy, nodes)[0]) == ("blue", "red")


DRAW = {
    "checkpoint": "tiny_sd15.safetensors",
    "loras": [{"name": SWAP, "model_strength": -0.1, "clip_strength": 0.0}],
    "triggers": "",
    "neg_triggers": "",
}


@pytest.mark.parametrize(
    ("method", "whole"), [(COUPLE, "stack"), (COUPLE, "drawn"), pytest.param(OVERLAY, "stack", marks=pytest.mark.long)]
)
def test_a_file_that_acts_everywhere_and_in_a_region_is_said_once(comfy: Comfy, method: str, whole: str):
    texts = Texts(comfy)
    canvas = layout(*(region("red", where, loras=(Lora(SWAP, 0.5),)) for where in (LEFT, RIGHT)))
    nodes = place(canvas, method, model=[whole, 0])
    nodes["stack"] = stack((SWAP, -0.1), model=MODEL)
    nodes["item"] = node("ProbeItem", text=json.dumps({"draw": DRAW, "phase": "paint"}))
    nodes["drawn"] = node("ResonanceLoadDrawn", item=["item", 0], vae="from checkpoint")
    prompt = paint("tiny_sd15", ["regions", 1], ["regions", 2], model=["regions", 0], nodes=nodes, steps=1)
    comfy.run(prompt, client_id="texts")
    [said] = texts.on("regions", 1)
    assert said.count(f"{SWAP} acts on the whole model, and once more in a region of it.") == 1


def test_the_node_says_what_acts(comfy: Comfy):
    texts = Texts(comfy)

    def says(**inputs: Any) -> list[str]:
        graph = {"load": node("LoadSmall", ckpt_name="tiny_sd15.safetensors"), "item": line("--am 0.5")}
        graph |= {"stack": stack((SWAP, 0.5), (OTHER, 1.0), **inputs), "out": node("ProbeValue", value=["stack", 2])}
        comfy.run(graph, client_id="texts")
        return texts.on("stack", 1)[0].split("\n")

    assert says(multipliers="1,2,3") == [
        f"{SWAP}: 0.5",
        f"{OTHER}: 2",
        "There are 3 multipliers for 2 LoRAs; the last ones are not used.",
    ]
    assert says(clip=CLIP, item=["item", 0], clip_strengths="their own")[1:] == [
        f"{OTHER}: 0.5",
        "The multipliers are those of the prompt line.",
    ]


def test_what_is_no_lora_for_the_model_is_named(comfy: Comfy, families: Path):
    (families / "loras" / "of_no_model.safetensors").symlink_to(families / "vae" / "tiny_taef1.safetensors")
    refused = {
        "of_no_model.safetensors": "of_no_model.safetensors is no LoRA for this model",
        "tiny_lora_sdxl.safetensors": "tiny_lora_sdxl.safetensors was made for another model",
    }
    try:
        for file, says in refused.items():
            with pytest.raises(RunFailed, match=says):
                objects(comfy, {"stack": stack((file, 1.0), model=MODEL, clip=CLIP)})
    finally:
        (families / "loras" / "of_no_model.safetensors").unlink()


def test_a_model_that_is_not_connected_is_missed_where_it_is_used(comfy: Comfy):
    texts = Texts(comfy)
    comfy.run(stacked({"stack": stack((SWAP, 1.0), clip=CLIP)}), client_id="texts")
    while (message := json.loads(texts.socket.recv()))["type"] != "execution_error":
        pass
    assert message["data"]["node_id"] == "sampler"
    assert message["data"]["exception_message"] == "Execution Blocked: LoRA Stack has no model: connect one to it."


@pytest.mark.long
def test_what_was_made_of_a_checkpoint_goes_with_it(comfy: Comfy):
    def alive(checkpoint: str) -> int:
        objects(comfy, {"stack": stack((SWAP, 1.0), model=MODEL, clip=CLIP)}, checkpoint=checkpoint)
        return comfy.get("/probe/models")

    alive("tiny_sd15_b")  # what other tests have made of the first one goes, too
    assert alive("tiny_sd15") == alive("tiny_sd15_b") >= 7
    for _ in range(40):
        # ComfyUI misses it while it ends a run.
        comfy.post("/free", {"unload_models": True, "free_memory": True})
        time.sleep(0.25)
        if (left := comfy.get("/probe/models")) == 0:
            break
    assert left == 0


def test_metadata_are_read_for_prompts(comfy: Comfy):
    texts = Texts(comfy)

    def read(**inputs: Any) -> tuple[list[Any], str]:
        graph = {"meta": node("ResonanceLoRAMetadata", **inputs)}
        graph |= {f"out{n}": node("ProbeValue", value=["meta", n]) for n in range(3)}
        outputs = comfy.run(comfy.complete(graph), client_id="texts")
        return [json.loads(outputs[f"out{n}"]["value"][0])[0] for n in range(3)], texts.on("meta", 1)[0]

    (metadata, tags, triggers), says = read(lora=OTHER, count=2)
    assert (tags, triggers) == ("cat, grass", "sks dog, cats")
    assert json.loads(metadata)["ss_tag_frequency"]["5_cats"] == {"cat": 30, "grass": 9}
    assert says == f"{OTHER}: 3 tags; trigger words: sks dog, cats."
    assert read(lora=SWAP) == (
        ["{}", "", ""],
        f"{SWAP} holds no metadata: its trainer wrote none, or somebody has taken it out.",
    )
