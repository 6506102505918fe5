"""Requests as graphs of ComfyUI's nodes."""

from dataclasses import replace
from typing import Any

import pytest

from resonance.paint.comfy_graph import SAVER, Graph, Links, sampled, saved, to_graph
from resonance.paint.request import PictureFile, Request
from resonance.roulette import DrawnLora
from resonance.told import Told

PLAIN = Request(
    prompt="a cat",
    negative="blurry",
    seed=5,
    size=(64, 96),
    steps=20,
    cfg=7.0,
    sampler="euler",
    scheduler="normal",
    checkpoint="a.safetensors",
)
VARIED = replace(PLAIN, steps=50, size=None, start=PictureFile("resonance/x.png [temp]"), strength=0.29)


def kinds(graph: Graph) -> list[str]:
    return [node["class_type"] for node in graph.values()]


def one(graph: Graph, kind: str) -> dict[str, Any]:
    [found] = [node["inputs"] for node in graph.values() if node["class_type"] == kind]
    return found


def test_a_plain_request_is_the_graph_that_everybody_knows() -> None:
    assert to_graph(PLAIN, "cats") == {
        "paint load": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}},
        "paint positive": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["paint load", 1], "text": "a cat"}},
        "paint negative": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["paint load", 1], "text": "blurry"}},
        "paint latent": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 96, "batch_size": 1}},
        "paint sampler": {
            "class_type": "KSampler",
            "inputs": {
                "model": ["paint load", 0],
                "positive": ["paint positive", 0],
                "negative": ["paint negative", 0],
                "latent_image": ["paint latent", 0],
                "seed": 5,
                "steps": 20,
                "cfg": 7.0,
                "sampler_name": "euler",
                "scheduler": "normal",
                "denoise": 1.0,
            },
        },
        "paint decode": {"class_type": "VAEDecode", "inputs": {"samples": ["paint sampler", 0], "vae": ["paint load", 2]}},
        SAVER: {"class_type": "SaveImage", "inputs": {"images": ["paint decode", 0], "filename_prefix": "cats"}},
    }  # fmt: skip


def test_every_link_leads_to_a_node() -> None:
    loras = tuple(DrawnLora(name, 0.5, 1.0) for name in ("x", "y"))
    graph = to_graph(
        replace(VARIED, size=(64, 64), mask=PictureFile("m.png"), loras=loras, noise_number=200, strength=1.0)
    )
    links = [value for node in graph.values() for value in node["inputs"].values() if isinstance(value, list)]
    assert {id_ for id_, _ in links} == graph.keys() - {SAVER}
    assert graph["paint lora 2"]["inputs"]["model"] == ["paint lora 1", 0]
    assert graph["paint positive"]["inputs"]["clip"] == ["paint lora 2", 1]
    assert [node["inputs"]["amount"] for node in graph.values() if node["class_type"] == "RepeatLatentBatch"] == [64, 4]
    assert one(graph, "LatentFromBatch")["batch_index"] == 199
    assert one(graph, "KSamplerAdvanced")["start_at_step"] == 0


@pytest.mark.parametrize(("strength", "start"), [(0.29, 36), (0.35, 33), (0.55, 23), (0.57, 22), (0.58, 21), (1.0, 0)])
def test_a_start_picture_begins_the_schedule_late(strength: float, start: int) -> None:
    asked = one(to_graph(replace(VARIED, strength=strength)), "KSamplerAdvanced")
    assert (asked["steps"], asked["start_at_step"], asked["add_noise"]) == (50, start, "enable")


def test_the_first_noise_needs_no_batch_and_no_mask_no_compositing() -> None:
    assert not {"RepeatLatentBatch", "LatentFromBatch", "ImageCompositeMasked", "ImageScale"} & set(
        kinds(to_graph(VARIED))
    )


def test_a_request_goes_onto_the_links_of_another_graph() -> None:
    theirs = {"1": {"class_type": "TheirLoader", "inputs": {}}}
    links = Links(["1", 0], ["1", 2], ["1", 3], ["1", 4])
    graph, image = sampled(theirs, links, replace(VARIED, checkpoint=None))
    asked = one(graph, "KSamplerAdvanced")
    assert (asked["model"], asked["positive"], asked["negative"]) == (["1", 0], ["1", 3], ["1", 4])
    assert "CLIPTextEncode" not in kinds(graph) and image == ["paint decode", 0]
    assert theirs == {"1": {"class_type": "TheirLoader", "inputs": {}}}
    assert one(saved(graph, image), "PreviewImage") == {"images": image}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"checkpoint": None}, "must say checkpoint"),
        ({"size": None}, "must say size"),
        ({"steps": None, "cfg": None}, "must say steps, cfg"),
    ],
)
def test_what_comfyui_does_not_know_is_told(change: dict[str, Any], says: str) -> None:
    with pytest.raises(Told, match=says):
        to_graph(replace(PLAIN, **change))
