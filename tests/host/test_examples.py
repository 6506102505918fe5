"""Example workflows, run with a tiny model on small pictures."""

import json
import re
import shutil
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from examples import EXAMPLES
from examples.characters import FRIENDS, LORAS
from examples.reference import PLUS_SDXL
from models.checkpoint import adapter, build_characters, save, vision
from models.wired.vision import VIT_H
from PIL import Image, ImageStat

from resonance.session import query

from .comfy import Comfy, RunFailed, node
from .conftest import server
from .graphs import output, pictures
from .referring import vision as load_vision
from .varying import put


@pytest.fixture(scope="module")
def comfy(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Comfy]:
    base = tmp_path_factory.mktemp("examples")
    shutil.copytree(models / "vae", base / "models" / "vae")
    (base / "models" / "checkpoints").mkdir()
    (base / "models" / "checkpoints" / "sd_xl_base_1.0.safetensors").symlink_to(
        models / "checkpoints" / "tiny_sd15.safetensors"
    )
    with server(base, models, "probe", "patches") as comfy:
        put(comfy, "example.png", (32, 32))
        yield comfy


def run(comfy: Comfy, name: str, **inputs: Any) -> dict[str, Any]:
    """Runs an example; ``inputs`` go to its node 1."""
    graph = EXAMPLES[name].graph
    graph["1"]["inputs"].update(inputs)
    outputs = comfy.run(comfy.complete(graph))
    comfy.idle()
    return outputs


@pytest.mark.long
def test_one_picture_is_varied_onto_a_sheet(comfy: Comfy) -> None:
    [sheet] = run(comfy, "Vary one picture")["8"]["images"]
    with Image.open(comfy.base / "temp" / sheet["filename"]) as image:
        across, down = image.width // (256 + 16), image.height // (256 + 16)
    assert across * down >= 18 > across * (down - 1)


@pytest.mark.long
def test_a_prompt_is_explored(comfy: Comfy) -> None:
    run(comfy, "Explore a prompt", aspects="64x64, 96x64", scales="1, 2", seeds=2)
    found, items = query.read_round(output(comfy) / "explore", 2)
    assert (found.state, found.round, found.done) == ("finished", 2, 4)
    [folder] = {file.split("/")[0] for item in items for file in item["files"]}
    prompt = (output(comfy) / "explore" / folder / "prompt.txt").read_text()
    assert prompt == "a lighthouse on a cliff, storm, oil painting --n blurry, text\n"
    sizes = {Image.open(path).size for path in (output(comfy) / "explore" / folder).glob("*.png")}
    assert sizes == {(64, 64), (96, 64)}


@pytest.mark.parametrize("count", [5, pytest.param(50, marks=pytest.mark.long)])
def test_fifty_steps_become_a_video(comfy: Comfy, count: int) -> None:
    import av  # comes with ComfyUI

    session = f"{count} steps"
    example = deepcopy(EXAMPLES["Fifty steps without drift"].graph)
    assert example["5"]["inputs"]["iterations"] == 50
    example["5"]["inputs"]["iterations"] = count
    example["6"]["inputs"]["save_as.session"] = session
    [video] = comfy.run(comfy.complete(example))["8"]["images"]
    comfy.idle()
    with av.open(output(comfy) / video["subfolder"] / video["filename"]) as container:
        assert sum(1 for _ in container.decode(video=0)) == count
    found = query.read_round(output(comfy) / session)[0]
    assert (found.state, found.round) == ("finished", count)


def test_a_first_round_without_a_tagger_ends_in_one_sentence(comfy: Comfy) -> None:
    says = r"No tagger is in [^:]*taggers yet: switch on 'download' to fetch wd-vit-tagger-v3 \(0\.4 GB from https://\S+\), or put"
    with pytest.raises(RunFailed, match=says):
        comfy.queue(comfy.complete(EXAMPLES["First round"].graph))
    assert not (output(comfy) / "first round").exists()


def test_a_first_round_takes_the_samples_and_the_tagger_that_is_there(comfy: Comfy, models: Path) -> None:
    shutil.copytree(models / "taggers" / "tiny-onnx", comfy.base / "models" / "taggers" / "tiny-onnx")
    graph = comfy.complete(EXAMPLES["First round"].graph)
    graph["1"]["inputs"]["rounds"] = 1
    graph["9"]["inputs"]["sizes.bucket_side"] = 256
    graph["14"]["inputs"]["steps"] = 2
    comfy.run(graph)
    comfy.idle()
    found, items = query.read_round(output(comfy) / "first round", 1)
    assert (found.state, found.done) == ("finished", 3)
    assert [item["source"] for item in items] == [
        f"{name}.jpg [samples]" for name in ("balloon", "lighthouse", "winter")
    ]
    sizes = [Image.open(output(comfy) / "first round" / item["files"][0]).size for item in items]
    assert [(width > height) - (width < height) for width, height in sizes] == [-1, 1, 0]


def test_rounds_remember_the_picture_as_far_as_the_slider_says(comfy: Comfy, models: Path) -> None:
    """A red picture, and other words: 0 is what was said, and 1 what was seen."""
    shutil.copytree(
        models / "taggers" / "tiny-onnx", comfy.base / "models" / "taggers" / "tiny-onnx", dirs_exist_ok=True
    )
    save(comfy.base / "models" / "clip_vision" / "tiny.safetensors", vision(VIT_H))
    save(comfy.base / "models" / "ipadapter" / PLUS_SDXL, adapter("tiny_plus_sd15"))
    pictures(comfy, "remembered", "red")

    def painted(words: str, slider: float, **changed: Any) -> Image.Image:
        graph = deepcopy(comfy.complete(EXAMPLES["Rounds that remember the picture"].graph))
        session = f"{words} {slider} {len(changed)}"
        graph["1"]["inputs"] |= {"session": session, "first_folder": "remembered", "rounds": 1}
        graph["7"]["inputs"]["text"] = words
        graph["9"]["inputs"]["value"] = slider
        graph["13"] = load_vision("tiny")
        graph["15"] = node("EmptyLatentImage", width=64, height=64, batch_size=1)
        graph["16"]["inputs"] |= {"steps": 4, "cfg": 1.0, **changed}
        comfy.run(graph)
        comfy.idle()
        [item] = query.read_round(output(comfy) / session, 1)[1]
        return Image.open(output(comfy) / session / item["files"][0]).convert("RGB")

    said, plain = painted("blue", 0.0), painted("blue", 0.0, model=["6", 0], positive=["7", 0])
    assert said.tobytes() == plain.tobytes()
    seen = painted("blue", 1.0)
    assert seen.tobytes() == painted("green", 1.0).tobytes()
    red, _, blue = ImageStat.Stat(seen).mean
    assert red > 150 and blue < 100
    assert ImageStat.Stat(said).mean[0] < ImageStat.Stat(painted("blue", 0.4)).mean[0] < red


def test_two_characters_have_a_lora_each(comfy: Comfy) -> None:
    """Both are red, which one LoRA makes blue and the other green."""
    graph = comfy.complete(EXAMPLES["Two characters, two LoRAs"].graph)
    red = [{**one, "prefixes": ["a"], "suffixes": ["red" if "lora" in one else "gray"], "tags": 0} for one in FRIENDS]
    graph["2"]["inputs"]["canvas_text"] = json.dumps(red)
    graph["12"]["inputs"] |= {"width": 64, "height": 64}
    # Words that the tiny encoder does not know become colours once a LoRA of random numbers acts on it.
    graph["11"]["inputs"]["text"] = ""
    graph["14"]["inputs"]["steps"] = 8
    with pytest.raises(
        RunFailed, match="There is no LoRA 'left character.safetensors' in .*: put the file there, or take it out"
    ):
        comfy.run(graph)
    build_characters(comfy.base / "models", *LORAS)
    [picture] = comfy.run(graph)["16"]["images"]
    with Image.open(output(comfy) / picture["filename"]) as image:
        for half, name in ((image.crop((8, 24, 24, 56)), "blue"), (image.crop((40, 24, 56, 56)), "green")):
            colors = dict(zip(("red", "green", "blue"), ImageStat.Stat(half).mean, strict=True))
            assert max(colors, key=colors.__getitem__) == name, colors


def test_lines_become_pictures_two_at_a_time(comfy: Comfy) -> None:
    graph = comfy.complete(EXAMPLES["Prompt lines"].graph)
    text = graph["1"]["inputs"]["lines"].replace("1216", "96").replace("832", "64").replace("--s 20", "--s 2")
    graph["1"]["inputs"] |= {"lines": text, "width": 64, "height": 64, "steps": 2}
    comfy.run(graph)
    comfy.idle()
    found, items = query.read_round(output(comfy) / "prompt lines", 1)
    assert (found.state, found.done) == ("finished", 10)
    runs = [run for run in comfy.get("/history").values() if run["prompt"][2] == graph]
    assert sum("10" in run["outputs"] for run in runs) == 5
    made = [Image.open(output(comfy) / "prompt lines" / item["files"][0]) for item in items]
    assert [each.size for each in made] == [(96, 64)] * 2 + [(64, 64)] * 2 + [(64, 96)] * 2 + [(64, 64)] * 4
    assert [json.loads(each.text["resonance"])["seed"] for each in made[2:4]] == [11, 12]
    for item in items[2:4]:
        assert re.fullmatch(
            "a sailing boat at (dawn|full moon), (seagulls|dolphins|distant rain)( and .*)?", item["prompt"]
        )
    assert [item["prompt"].split()[0] for item in items[6:]] == ["spring", "summer", "autumn", "winter"]


def test_two_passes_are_saved_beside_one_another(comfy: Comfy) -> None:
    graph = comfy.complete(EXAMPLES["Highres fix"].graph)
    text = graph["1"]["inputs"]["lines"].replace("1152", "96").replace("1536", "128")
    graph["1"]["inputs"] |= {"lines": text, "width": 128, "height": 128, "steps": 4, "highres_scale": 0.5}
    comfy.run(graph)
    comfy.idle()
    _, items = query.read_round(output(comfy) / "highres fix", 1)
    made = [[Image.open(output(comfy) / "highres fix" / file).size for file in item["files"]] for item in items]
    assert made == [[(128, 128), (64, 64)], [(96, 128), (32, 64)]]


def test_a_picture_grows(comfy: Comfy) -> None:
    graph = comfy.complete(EXAMPLES["Gradual latent"].graph)
    graph["4"]["inputs"] |= {"width": 72, "height": 64}
    [made] = comfy.run(graph)["11"]["images"]
    with Image.open(output(comfy) / made["filename"]) as image:
        assert image.size == (72, 64)


@pytest.mark.long
def test_rounds_choose_for_each_picture(comfy: Comfy, models: Path) -> None:
    shutil.copytree(
        models / "taggers" / "tiny-onnx", comfy.base / "models" / "taggers" / "tiny-onnx", dirs_exist_ok=True
    )
    graph = comfy.complete(EXAMPLES["Wildcards in rounds"].graph)
    graph["1"]["inputs"]["rounds"] = 1
    graph["9"] = node(
        "ResonanceLatentForImage", image=["1", 0], batch_size=1, **{"sizes": "nearest bucket", "sizes.bucket_side": 256}
    )
    graph["10"]["inputs"]["steps"] = 2
    comfy.run(comfy.complete(graph))
    comfy.idle()
    found, items = query.read_round(output(comfy) / "wildcards in rounds", 1)
    assert (found.state, found.done) == ("finished", 3)
    for item in items:
        assert re.match("(oil painting|woodcut|watercolour), (low sun|fog|moonlight), ", item["prompt"]), item["prompt"]
