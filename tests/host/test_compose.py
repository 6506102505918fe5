"""Prompts and latents in the real ComfyUI."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from .comfy import Comfy, RunFailed, node

WORDS = {"preamble": "", "suffix": "", "negative": "", "banned": "", "delimiter": ", "}
RULES = {"duplicates": "keep", "limit": 0, "limit_counts": "tags", "order": "preamble, tags, caption, suffix"}


def compose(**inputs: Any) -> dict[str, Any]:
    return node("ResonanceComposePrompt", **{**WORDS, **RULES, **inputs})


def value(comfy: Comfy, link: tuple[str, int], **graph: dict[str, Any]) -> list[Any]:
    """What flows on a link, one entry per element of a list."""
    return json.loads(comfy.run({**graph, "probe": node("ProbeValue", value=list(link))})["probe"]["value"][0])


def test_words_from_widgets_and_links_become_two_prompts(comfy: Comfy):
    graph = {
        "tags": node("PrimitiveString", value="1girl, solo, red_hair"),
        "trigger": node("PrimitiveString", value="oil style"),
        "compose": compose(
            preamble="masterpiece",
            suffix="4k",
            negative="blurry",
            banned="Red Hair",
            tags=["tags", 0],
            caption=["tags", 0],
            triggers=["trigger", 0],
            neg_triggers=["trigger", 0],
        ),
    }
    positive = "masterpiece, oil style, 1girl, solo, 1girl, solo, red_hair, 4k"
    assert value(comfy, ("compose", 0), **graph) == [positive]
    assert value(comfy, ("compose", 1), **graph) == ["blurry, oil style"]


def test_choices_are_made_in_your_own_words_only_and_only_where_that_is_wanted(comfy: Comfy):
    file = comfy.base / "user" / "__resonance" / "wildcards" / "w.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("old")
    others = "{a|b}, __w__"
    graph = {
        "others": node("PrimitiveString", value=others),
        "compose": compose(
            preamble="__w__ {c|c}",
            suffix="{d|d}",
            negative="{e|e}",
            tags=["others", 0],
            caption=["others", 0],
            wildcard_seed=3,
        ),
    }
    assert value(comfy, ("compose", 0), **graph) == [f"__w__ {{c|c}}, {others}, {others}, {{d|d}}"]
    graph["compose"]["inputs"]["wildcards"] = True
    for word in ("old", "new"):
        file.write_text(word)
        assert value(comfy, ("compose", 0), **graph) == [f"{word} c, {others}, {others}, d"]
        assert value(comfy, ("compose", 1), **graph) == ["e"]
    file.unlink()
    with pytest.raises(RunFailed, match="The preamble cannot be read. Line 1, column 1: There is no wildcard 'w'"):
        value(comfy, ("compose", 0), **graph)


SAID = r"a boat (wooden, 16:9) at dawn (6:30), ((SALE)) \(old\)"
ACTING = {1.0, 1.5, 9.0, 30.0, 1.21}


@pytest.mark.parametrize(
    ("field", "weights"),
    [({"caption_weights": "as text"}, {1.0, 1.5}), ({"caption_weights": "act"}, ACTING), ({}, ACTING)],
    ids=["as text", "act", "an older workflow"],
)
def test_a_captions_parentheses_weigh_in_comfyuis_tokenizer_as_is_chosen(
    comfy: Comfy, field: dict[str, str], weights: set[float]
):
    graph = {
        "said": node("PrimitiveString", value=SAID),
        "words": compose(preamble="(oil:1.5)", caption=["said", 0], **field),
        "clip": node("CheckpointLoaderSimple", ckpt_name="tiny_sd15.safetensors"),
        "tokens": node("ProbeTokens", clip=["clip", 1], text=["words", 0]),
    }
    [tokens] = value(comfy, ("tokens", 0), **graph)
    assert {round(weight, 4) for _, weight in tokens} == weights


def test_a_written_line_break_may_be_the_delimiter(comfy: Comfy):
    assert value(comfy, ("c", 0), c=compose(preamble="a", suffix="b", delimiter=r"\n")) == ["a\nb"]


def test_lists_are_composed_picture_by_picture(comfy: Comfy):
    graph = {
        "one": node("PrimitiveString", value="red"),
        "two": node("PrimitiveString", value="blue"),
        "list": node("CreateList", **{"inputs.input0": ["one", 0], "inputs.input1": ["two", 0]}),
        "compose": compose(preamble="a photo", tags=["list", 0]),
    }
    assert value(comfy, ("compose", 0), **graph) == ["a photo, red", "a photo, blue"]


def test_an_unknown_order_is_refused(comfy: Comfy):
    with pytest.raises(RunFailed, match="not in"):
        value(comfy, ("c", 0), c=compose(order="suffix first"))


@pytest.mark.parametrize(
    ("picture", "sizes", "wanted"),
    [
        ((96, 64), {"sizes": "SDXL"}, (1216, 832)),
        ((64, 96), {"sizes": "SDXL"}, (832, 1216)),
        ((64, 64), {"sizes": "SD1.5"}, (512, 512)),
        ((192, 108), {"sizes": "nearest bucket", "sizes.bucket_side": 512}, (640, 384)),
        ((64, 96), {"sizes": "landscape"}, (768, 448)),
    ],
)
def test_the_latent_has_the_size_for_the_picture(comfy: Comfy, picture, sizes, wanted):
    name = f"size_{picture[0]}x{picture[1]}.png"
    Image.new("RGB", picture).save(Path(comfy.base, "input", name))
    graph = {
        "image": node("LoadImage", image=name),
        "latent": node("ResonanceLatentForImage", image=["image", 0], batch_size=2, **sizes),
        "core": node("EmptyLatentImage", width=wanted[0], height=wanted[1], batch_size=2),
    }
    assert value(comfy, ("latent", 0), **graph) == value(comfy, ("core", 0), **graph)
    assert [value(comfy, ("latent", i), **graph)[0] for i in (1, 2)] == list(wanted)


def test_own_sizes_come_from_the_widgets_of_that_choice(comfy: Comfy):
    own = {f"sizes.{a}_{s}": 64 for a in ("landscape", "portrait", "square") for s in ("width", "height")}
    graph = {
        "aspect": node("PrimitiveString", value="portrait"),
        "latent": node(
            "ResonanceLatentForImage",
            sizes="own sizes",
            **{**own, "sizes.portrait_height": 100},
            batch_size=1,
            aspect=["aspect", 0],
        ),
    }
    assert value(comfy, ("latent", 0), **graph)[0]["samples"]["shape"] == [1, 4, 12, 8]
    assert value(comfy, ("latent", 2), **graph) == [96]


def test_a_size_that_follows_nothing_is_refused(comfy: Comfy):
    with pytest.raises(RunFailed, match="connect image or aspect"):
        value(comfy, ("latent", 0), latent=node("ResonanceLatentForImage", sizes="SDXL", batch_size=1))


def test_an_unknown_choice_of_sizes_is_refused(comfy: Comfy):
    with pytest.raises(RunFailed, match="sizes must be one of SDXL, SD1.5, own sizes, nearest bucket"):
        value(comfy, ("latent", 0), latent=node("ResonanceLatentForImage", sizes="huge", batch_size=1))
