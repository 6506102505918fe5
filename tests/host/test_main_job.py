"""The main job with real parts: a tagger, a checkpoint, and nothing but words between one picture and the next."""

from itertools import product
from typing import Any

import pytest
from PIL import Image

from .comfy import Comfy, node
from .graphs import check_whole, items, mean, output, pictures
from .regional import with_the_rest

STRENGTH = {"red": (0, 2), "green": (1, 0), "blue": (2, 0)}


def main_job(session: str, folder: str, tagger: str, **settings: Any) -> dict[str, Any]:
    """Tag, compose, paint with core nodes, save: the example workflow at 64 x 64."""
    small = {f"sizes.{a}_{s}": 64 for a in ("landscape", "portrait", "square") for s in ("width", "height")}
    return {
        "in": node("ResonanceRoundInput", session=session, first_folder=folder, **settings),
        "tagger": node("ResonanceLoadTagger", model=tagger),
        "tags": node("ResonanceTagImages", tagger=["tagger", 0], images=["in", 0]),
        "words": node("ResonanceRoundWords", item=["in", 1], tags=["tags", 0]),
        "prompt": node("ResonanceComposePrompt", preamble="a photo of", tags=["words", 0]),
        "checkpoint": node("CheckpointLoaderSimple", ckpt_name="tiny_sd15.safetensors"),
        "positive": node("CLIPTextEncode", clip=["checkpoint", 1], text=["prompt", 0]),
        "negative": node("CLIPTextEncode", clip=["checkpoint", 1], text=["prompt", 1]),
        "size": node("ResonanceLatentForImage", image=["in", 0], sizes="own sizes", **small),
        "sampler": node(
            "KSampler",
            model=["checkpoint", 0],
            positive=["positive", 0],
            negative=["negative", 0],
            latent_image=["size", 0],
            seed=["in", 5],
            steps=4,
            cfg=1.0,
        ),
        "picture": node("VAEDecode", samples=["sampler", 0], vae=["checkpoint", 2]),
        "out": node("ResonanceRoundOutput", images=["picture", 0], item=["in", 1], words=["prompt", 0]),
    }


def drawn(graph: dict[str, Any], text: str) -> dict[str, Any]:
    """The same with the model roulette in place of the checkpoint."""
    graph["roulette"] = node("ResonanceModelRoulette", text=text)
    graph["in"]["inputs"]["plan"] = ["roulette", 0]
    graph["checkpoint"] = node("ResonanceLoadDrawn", item=["in", 1])
    graph["prompt"]["inputs"] |= {"triggers": ["checkpoint", 3], "neg_triggers": ["checkpoint", 4]}
    return graph


@pytest.mark.parametrize(
    ("tagger", "words_first"),
    with_the_rest([("tiny-torch", True), ("tiny-onnx", False)], product(["tiny-torch", "tiny-onnx"], [False, True])),
)
def test_a_red_picture_stays_red_through_its_words(comfy: Comfy, tagger: str, words_first: bool):
    name = f"main {tagger} {words_first}"
    pictures(comfy, name, "red", "green", "blue")
    comfy.wait(comfy.queue(comfy.complete(main_job(name, name, tagger, rounds=3, words_first=words_first))))
    comfy.idle()
    check_whole(comfy, name, 3, 3)
    for round_ in (1, 2, 3):
        for item, (colour, (high, low)) in zip(items(comfy, name, round_), STRENGTH.items(), strict=True):
            assert colour in item["words"]["tags"].split(", ")
            assert item["prompt"].startswith("a photo of, ") and colour in item["prompt"]
            pixels = mean(output(comfy) / name / item["files"][0])
            assert pixels[high] > 150 and pixels[low] < 100, (round_, colour, pixels)


def test_items_of_one_checkpoint_load_it_once(comfy: Comfy):
    name = "one checkpoint"
    pictures(comfy, name, *["red"] * 10)
    comfy.post("/free", {"unload_models": True, "free_memory": True})
    text = 'model.checkpoint = ["tiny_sd15.safetensors"]\n[[lora]]\nname = "tiny_lora.safetensors"\n'
    start = len(comfy.read_log())
    comfy.wait(comfy.queue(comfy.complete(drawn(main_job(name, name, "tiny-onnx", rounds=1), text))))
    comfy.idle()
    check_whole(comfy, name, 1, 10)
    assert comfy.read_log()[start:].count("Requested to load SD1ClipModel") <= 2
    assert comfy.read_log()[start:].count("model weight dtype") == 1, "the checkpoint was read once"
    for item in items(comfy, name, 1):
        assert item["draw"]["checkpoint"] == "tiny_sd15.safetensors"
        pixels = mean(output(comfy) / name / item["files"][0])
        assert pixels[2] > pixels[0] + 50, "the LoRA swaps red and blue"


def test_a_round_is_ordered_so_that_models_change_least(comfy: Comfy):
    name = "two checkpoints"
    pictures(comfy, name, *["red"] * 12)
    comfy.post("/free", {"unload_models": True, "free_memory": True})
    text = 'model.checkpoint = ["tiny_sd15.safetensors", "tiny_sd15_b.safetensors"]'
    start = len(comfy.read_log())
    comfy.wait(comfy.queue(comfy.complete(drawn(main_job(name, name, "tiny-onnx", rounds=1, words_first=True), text))))
    comfy.idle()
    check_whole(comfy, name, 1, 12)
    assert {i["draw"]["checkpoint"] for i in items(comfy, name, 1)} == {
        "tiny_sd15.safetensors",
        "tiny_sd15_b.safetensors",
    }
    assert comfy.read_log()[start:].count("model weight dtype") == 2, "each checkpoint was read once"


def test_the_aspect_of_a_picture_is_kept_as_a_class(comfy: Comfy):
    folder = comfy.base / "input" / "aspects"
    folder.mkdir()
    for number, size in enumerate(((60, 40), (40, 60), (50, 50)), 1):
        Image.new("RGB", size, (255, 0, 0)).save(folder / f"{number}.png")
    graph = main_job("aspects", "aspects", "tiny-onnx", rounds=2)
    graph["size"]["inputs"] |= {"sizes.landscape_width": 128, "sizes.portrait_height": 128}
    comfy.wait(comfy.queue(comfy.complete(graph)))
    comfy.idle()
    for round_ in (1, 2):
        sizes = [Image.open(output(comfy) / "aspects" / i["files"][0]).size for i in items(comfy, "aspects", round_)]
        assert sizes == [(128, 64), (64, 128), (64, 64)]
