"""Ten graphs that use most of the pack, with the tiny models, for recordings of what they paint."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .comfy import node
from .paint import CLIP, MODEL, VAE, Link

Graph = dict[str, Any]

LATENT: Link = ["latent", 0]

SMALL = {"cell": 64, "columns": 0, "numbers": False, "background": "dark"}
LAYOUT = json.dumps(
    [
        {"rect": [0, 90, 0, 90], "prefixes": ["a"], "suffixes": ["green"], "color": [0, 90, 0], "negative": "gray"},
        {"rect": [0, 90, 0, 45], "prefixes": ["a", "red"], "suffixes": ["boat, red"], "color": [200, 0, 0]},
        {"rect": [30, 90, 50, 90], "prefixes": ["a", "blue"], "suffixes": [], "color": [0, 0, 200], "negative": "red"},
    ]
)
PLAN = """
model.checkpoint = [{ name = "tiny_sd15.safetensors", weight = 2 }, "tiny_sd15_b.safetensors"]
blank = 1

[[lora]]
name = "tiny_lora.safetensors"
strength = 0.8
trigger = "bright"
"""


def put(folder: Path) -> None:
    """Writes the pictures that the graphs load into an input folder."""
    across, down = np.meshgrid(np.arange(64), np.arange(64))
    colours = {"a": (across * 3 + 40, down // 2, down), "b": (down // 3, across, across * 2 + 90)}
    (folder / "two").mkdir()
    for name, channels in colours.items():
        Image.fromarray(np.stack(channels, -1).astype(np.uint8)).save(folder / "two" / f"{name}.png")
    Image.fromarray(((across > 20) * np.minimum(across * 4, 255)).astype(np.uint8)).save(folder / "mask.png")


def checkpoint(name: str = "tiny_sd15") -> dict[str, Any]:
    return node("CheckpointLoaderSimple", ckpt_name=f"{name}.safetensors")


def sampled(positive: Link, negative: Link, latent: Link = LATENT, **more: Any) -> dict[str, Any]:
    """The last step is left out: without noise the tiny models paint nothing but their word's colour."""
    asked = {
        "steps": 4,
        "cfg": 2.0,
        "sampler_name": "euler",
        "scheduler": "simple",
        "start_at_step": 0,
        "noise_seed": 1,
    }
    return node(
        "KSamplerAdvanced",
        model=more.pop("model", MODEL),
        positive=positive,
        negative=negative,
        latent_image=latent,
        add_noise="enable",
        end_at_step=3,
        return_with_leftover_noise="enable",
        **{**asked, **more},
    )


def shown(images: Link) -> dict[str, Any]:
    return node("SaveImage", images=images, filename_prefix="shown")


def rounds() -> Graph:
    """From a tagger's words, with the picture before beside each result."""
    return {
        "input": node("ResonanceRoundInput", session="rounds", first_folder="two", rounds=2, seed=3, words_first=True),
        "tagger": node("ResonanceLoadTagger", model="tiny-torch", engine="torch", device="cpu"),
        "tags": node("ResonanceTagImages", tagger=["tagger", 0], images=["input", 0]),
        "words": node("ResonanceRoundWords", item=["input", 1], tags=["tags", 0]),
        "prompt": node("ResonanceComposePrompt", tags=["words", 0], preamble="a", suffix="bright", negative="gray"),
        "load": checkpoint(),
        "positive": node("CLIPTextEncode", clip=CLIP, text=["prompt", 0]),
        "negative": node("CLIPTextEncode", clip=CLIP, text=["prompt", 1]),
        "latent": node("EmptyLatentImage", width=64, height=64, batch_size=2),
        "sampler": sampled(["positive", 0], ["negative", 0], noise_seed=["input", 5]),
        "decode": node("VAEDecode", samples=["sampler", 0], vae=VAE),
        "output": node(
            "ResonanceRoundOutput",
            images=["decode", 0],
            item=["input", 1],
            words=["prompt", 0],
            before=["input", 0],
            next_round_takes="first",
        ),
    }


def roulette() -> Graph:
    """A checkpoint and a LoRA are drawn for each picture; its size follows from the picture before."""
    graph = rounds()
    graph["plan"] = node("ResonanceModelRoulette", text=PLAN)
    graph["input"]["inputs"] |= {"session": "roulette", "plan": ["plan", 0], "words_first": False}
    graph["load"] = node("ResonanceLoadDrawn", item=["input", 1], vae="from checkpoint")
    graph["prompt"]["inputs"] |= {"triggers": ["load", 3], "neg_triggers": ["load", 4]}
    sides = {
        f"sizes.{shape}_{side}": 64 for shape in ("landscape", "portrait", "square") for side in ("width", "height")
    }
    graph["latent"] = node("ResonanceLatentForImage", sizes="own sizes", **sides, batch_size=1, image=["input", 0])
    del graph["output"]["inputs"]["before"]
    return graph


def explore() -> Graph:
    return {
        "explore": node(
            "ResonanceExplore",
            session="explore",
            prompts="a red picture|blue\n---\na blue picture",
            aspects="64x96, 96x64",
            scales="1.5",
            seeds=1,
            seed=7,
            steps_rule="fixed",
            **{"steps_rule.steps": 4},
        ),
        "load": checkpoint(),
        "positive": node("CLIPTextEncode", clip=CLIP, text=["explore", 1]),
        "negative": node("CLIPTextEncode", clip=CLIP, text=["explore", 2]),
        "sampler": sampled(
            ["positive", 0],
            ["negative", 0],
            ["explore", 3],
            cfg=["explore", 6],
            steps=["explore", 7],
            noise_seed=["explore", 8],
        ),
        "decode": node("VAEDecode", samples=["sampler", 0], vae=VAE),
        "output": node(
            "ResonanceRoundOutput",
            images=["decode", 0],
            item=["explore", 0],
            folder_rule="prompt hash",
            name_rule="variation",
        ),
    }


def vary(transform: dict[str, Any], **inputs: Any) -> Graph:
    return {
        "load": checkpoint(),
        "positive": node("CLIPTextEncode", clip=CLIP, text="a red picture"),
        "negative": node("CLIPTextEncode", clip=CLIP, text="gray"),
        "image": node("LoadImage", image="two/a.png"),
        "transform": node("ResonanceTransform", **transform),
        "vary": node(
            "ResonanceVary",
            model=MODEL,
            vae=VAE,
            positive=["positive", 0],
            negative=["negative", 0],
            image=["image", 0],
            transform=["transform", 0],
            seed=5,
            **inputs,
        ),
    }


def own(program: str, chained: bool, **more: Any) -> dict[str, Any]:
    settings = {"program": program, "save_middle": chained, "loop_to_loop": chained}
    return {"transform": "own program", **{f"transform.{key}": value for key, value in settings.items()}, **more}


def chain() -> Graph:
    """Two loops, each transform from the result before, its colours held by the first picture."""
    saving = {
        "save_as": "on",
        "save_as.session": "chain",
        "save_as.folder_rule": "round",
        "save_as.name_rule": "lineage",
    }
    anchored = {"color": "anchored", "color.anchor": 0.3, "color.smoothing": 0.8, "color.blend": 0.35}
    asked = {**saving, "save_as.returns": "all", **anchored, "color.repeats": 2, "reference_through_vae": True}
    return vary(own("6@.1 > 3@.14", chained=True, iterations=2), **asked)


def parallel() -> Graph:
    """Two pictures at once, inside of a mask, corrected as two commits of the batch CLI did."""
    graph = vary(
        own("6@.1 3@.16", chained=False, iterations=1),
        color="85deaf5",
        **{"color.transforms": 1, "color.correct": "after every transform"},
        mask=["mask", 0],
    )
    graph["other"] = node("LoadImage", image="two/b.png")
    graph["both"] = node("ImageBatch", image1=["image", 0], image2=["other", 0])
    graph["vary"]["inputs"]["image"] = ["both", 0]
    graph["mask"] = node("LoadImageMask", image="mask.png", channel="red")
    graph["alone"] = {**graph["vary"], "inputs": {**graph["vary"]["inputs"], "image": ["image", 0], "color": "S"}}
    return graph | {"shown": shown(["vary", 0]), "shown alone": shown(["alone", 0])}


def regions(method: str, **settings: Any) -> Graph:
    """A canvas bound to its places."""
    nodes = {
        "canvas": node("ResonanceCanvas", canvas_text=LAYOUT, width=64, height=64),
        "regions": node(
            "ResonanceRegions",
            model=MODEL,
            clip=CLIP,
            canvas=["canvas", 0],
            method=method,
            **{f"method.{key}": value for key, value in settings.items()},
        ),
    }
    return placed(["regions", 1], ["regions", 2], nodes, model=["regions", 0])


def placed(positive: Link, negative: Link, nodes: Graph, model: Link = MODEL) -> Graph:
    return {
        "load": checkpoint(),
        **nodes,
        "latent": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "sampler": sampled(positive, negative, model=model),
        "decode": node("VAEDecode", samples=["sampler", 0], vae=VAE),
        "shown": shown(["decode", 0]),
    }


def couple() -> Graph:
    graph = regions("attention couple", base_weight=0.3, feather=6.0, capture="16")
    graph["heat"] = node("ResonanceRegionHeat", model=["regions", 0], image=["decode", 0])
    return graph | {"shown heat": shown(["heat", 0])}


def dense() -> Graph:
    """As in Omost, and as in the paper."""
    graph = regions("dense diffusion (omost)", capture="off")
    paper = regions("dense diffusion (paper)", creg=1.0, sreg=0.3, sizereg=1.0, steps=1.0, fade=2.0, capture="off")
    names = ("regions", "sampler", "decode", "shown")
    for name in names:
        inputs = {
            key: [f"{value[0]} paper", value[1]] if isinstance(value, list) and value[0] in names else value
            for key, value in paper[name]["inputs"].items()
        }
        graph[f"{name} paper"] = node(paper[name]["class_type"], **inputs)
    return graph


def average() -> Graph:
    """Conditionings of other nodes, one in a box and one in a mask, beside those of a canvas."""
    graph = regions("area average", global_strength=0.3, region_strength=0.7)
    more = {
        "blue": node("CLIPTextEncode", clip=CLIP, text="a blue picture"),
        "no": node("CLIPTextEncode", clip=CLIP, text="green"),
        "box": node(
            "ResonanceRegionFromConditioning", conditioning=["blue", 0], place="box", negative=["no", 0], end=0.8
        ),
        "mask": node("LoadImageMask", image="mask.png", channel="red"),
        "masked": node(
            "ResonanceRegionFromConditioning",
            conditioning=["blue", 0],
            place="mask",
            **{"place.mask": ["mask", 0]},
            regions=["box", 0],
            weight=0.5,
        ),
    }
    graph["regions"]["inputs"] |= {"regions": ["masked", 0], "negative": ["no", 0]}
    return graph | more


def encode() -> Graph:
    """One conditioning of a layout that starts from its own colours; and the same by nodes of old workflows."""
    nodes = {
        "canvas": node("ResonanceCanvas", canvas_text=LAYOUT, width=64, height=64),
        "encode": node("ResonanceEncodeCanvas", clip=CLIP, canvas=["canvas", 0]),
        "render": node("ResonanceRenderCanvas", canvas=["canvas", 0], width=64, height=64, blur=9, vae=VAE),
        "masks": node("ResonanceRegionMasks", canvas=["canvas", 0], width=64, height=64),
        "mask pictures": node("MaskToImage", mask=["masks", 0]),
        "old canvas": node("OmostLoadCanvasConditioningNode", json_str=LAYOUT),
        "old layout": node("OmostLayoutCondNode", canvas_conds=["old canvas", 0], clip=CLIP),
        "negative": node("CLIPTextEncode", clip=CLIP, text="gray"),
        "old sampler": sampled(["old layout", 0], ["negative", 0], ["render", 2]),
        "old decode": node("VAEDecode", samples=["old sampler", 0], vae=VAE),
    }
    graph = placed(["encode", 0], ["negative", 0], nodes)
    graph["sampler"]["inputs"] |= {"latent_image": ["render", 2], "start_at_step": 1}
    for name, link in {"render": ["render", 0], "masks": ["mask pictures", 0], "old": ["old decode", 0]}.items():
        graph[f"shown {name}"] = shown(link)
    return graph


def sheet() -> Graph:
    """Colours of one picture for another in every mode, on one sheet."""
    modes: dict[str, dict[str, Any]] = {
        "adaptive": {"strength": 0.4, "transforms": 3},
        "anchored": {"anchor": 0.5, "smoothing": 0.6, "blend": 0.3, "repeats": 1},
        "S": {},
        "85deaf5": {"transforms": 4},
        "20ed20c": {"transforms": 2},
        "own": {"l_boost": -4.0, "l_blend": 0.5, "blend": 0.25, "repeats": 3},
    }
    graph: Graph = {
        "a": node("LoadImage", image="two/a.png"),
        "b": node("LoadImage", image="two/b.png"),
        "mask": node("LoadImageMask", image="mask.png", channel="red"),
    }
    for mode, numbers in modes.items():
        settings = {f"mode.{name}": value for name, value in numbers.items()}
        graph[mode] = node("ResonanceColorMatch", image=["a", 0], reference=["b", 0], mode=mode, **settings)
    graph["own"]["inputs"]["mask"] = ["mask", 0]
    graph["all"] = node("CreateList", **{f"inputs.input{n}": [mode, 0] for n, mode in enumerate(modes)})
    graph["sheet"] = node("ResonanceContactSheet", images=["all", 0], **SMALL)
    return graph | {"shown": shown(["sheet", 0])}


RUNS = (rounds, roulette, explore, chain, parallel, couple, dense, average, encode, sheet)
SESSIONS = ("rounds", "roulette", "explore", "chain")
"""Runs that save their pictures in a session of their name."""
