"""Fit to Latent: picture, mask and what is painted lie on one another."""

import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from .comfy import Comfy, RunFailed, node
from .graphs import output

SIZE = (96, 64)
FITS = ("crop", "pad", "squash")


def fit(image: list[Any], latent: list[Any], how: str = "crop", **mask: Any) -> dict[str, Any]:
    return node("ResonanceFitToLatent", image=image, latent=latent, fit=how, **mask)


def latent(kind: str = "EmptyLatentImage", **more: Any) -> dict[str, Any]:
    return node(kind, **{"width": SIZE[0], "height": SIZE[1], "batch_size": 1, **more})


def seen(comfy: Comfy, nodes: dict[str, Any], **links: list[Any]) -> dict[str, Any]:
    """What is on links, tensors as shape and mean."""
    asked = {f"see {name}": node("ProbeValue", value=link) for name, link in links.items()}
    outputs = comfy.run(nodes | asked)
    return {name: json.loads(outputs[f"see {name}"]["value"][0])[0] for name in links}


def test_a_picture_of_any_size_is_encoded_whole_and_lies_on_its_mask(comfy: Comfy) -> None:
    """A red spot, which is transparent, so that Load Image's mask has it, too."""
    pixels = np.full((75, 101, 4), (0, 0, 255, 255), np.uint8)
    pixels[30:36, 60:66] = 255, 0, 0, 0
    Image.fromarray(pixels).save(comfy.base / "input" / "spot.png")
    graph: dict[str, Any] = {
        "load": node("LoadSmall", ckpt_name="tiny_sd15.safetensors"),
        "spot": node("LoadImage", image="spot.png"),
        "two": node("RepeatImageBatch", image=["spot", 0], amount=2),
        "latent": latent(),
    }
    for how in FITS:
        graph[how] = fit(["two", 0], ["latent", 0], how, mask=["spot", 1])
        graph[f"{how} encoded"] = node("VAEEncode", pixels=[how, 0], vae=["load", 2])
        graph[f"{how} again"] = fit(["two", 0], [f"{how} encoded", 0], how)
        graph[f"{how} mask"] = node("MaskToImage", mask=[how, 1])
        graph[f"{how} picture"] = node("ImageFromBatch", image=[how, 0], batch_index=1, length=1)
        for what in ("mask", "picture"):
            name = f"{how} {what}"
            graph[f"save {name}"] = node("SaveImage", images=[name, 0], filename_prefix=f"fitted {name}")
    links = {how: [how, 0] for how in FITS}
    encoded = {f"{how} {what}": [f"{how} {what}", 0] for how in FITS for what in ("encoded", "again")}
    found = seen(comfy, graph, **links, **encoded)
    for how in FITS:
        assert found[how]["shape"] == found[f"{how} again"]["shape"] == [2, 64, 96, 3]
        assert found[f"{how} encoded"]["samples"]["shape"] == [2, 4, 8, 12]
        picture, mask = (
            np.asarray(Image.open(output(comfy) / f"fitted {how} {what}_00001_.png").convert("RGB"), float)
            for what in ("picture", "mask")
        )
        spots = (picture[..., 0] > 128, mask[..., 0] > 128)
        assert (spots[0] == spots[1]).mean() > 0.999 and spots[0].sum() > 16


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("EmptySD3LatentImage", {}),
        ("EmptyFlux2LatentImage", {}),
        ("EmptyHunyuanImageLatent", {}),
        ("EmptyHunyuanLatentVideo", {"length": 5}),
        ("EmptyLTXVLatentVideo", {"length": 9}),
    ],
)
def test_what_a_value_of_a_latent_stands_for_is_known(comfy: Comfy, kind: str, settings: dict[str, int]) -> None:
    """Also where the latent does not say it, as Flux.2's and Hunyuan Image's do not."""
    nodes = {
        "picture": node("EmptyImage", width=101, height=75, batch_size=1, color=0),
        "latent": latent(kind, **settings),
        "fit": fit(["picture", 0], ["latent", 0], "pad"),
    }
    found = seen(comfy, nodes, image=["fit", 0], mask=["fit", 1])
    assert found["image"]["shape"] == [1, 64, 96, 3]
    assert found["mask"]["shape"] == [1, 64, 96]


def test_a_latent_of_sound_is_refused(comfy: Comfy) -> None:
    nodes = {
        "picture": node("EmptyImage", width=101, height=75, batch_size=1, color=0),
        "latent": node("EmptyLatentAudio", seconds=2.0, batch_size=1),
        "fit": fit(["picture", 0], ["latent", 0]),
    }
    with pytest.raises(RunFailed, match=r"Expected the latent of a picture or a video, got one of the shape \[1, 64, "):
        seen(comfy, nodes, image=["fit", 0])
