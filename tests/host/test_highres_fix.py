"""Highres Fix in a real ComfyUI: two passes against core's own nodes, batches against single pictures, what is saved, what is refused."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from infotext import a1111
from models.checkpoint import build_upscaler
from PIL import Image

from .comfy import Comfy, RunFailed, node
from .graphs import items, output
from .paint import MODEL, VAE
from .test_per_picture_noise import LEVEL, apart, base, compared, custom, sampling
from .test_prompt_lines import ITEM, batches, run
from .test_shell_paint import paint

SEED, STEPS, STRENGTH = 7, 8, 0.5
UPSCALER = "tiny_upscaler.safetensors"
CORE = {"lanczos": "lanczos", "latent bicubic": "bicubic", "latent bilinear": "bilinear"}


@pytest.fixture(scope="module", autouse=True)
def upscaler(models: Path) -> Iterator[None]:
    """One file that is an upscaler, and one that is something else."""
    build_upscaler(models)
    folder = models / "latent_upscale_models"
    shutil.copy(models / "loras" / "tiny_lora.safetensors", folder / "other.safetensors")
    yield
    for file in folder.iterdir():  # without the folder itself ComfyUI could not list its files any more
        file.unlink()


def fix(samples: str, method: str = "lanczos", **inputs: Any) -> dict[str, Any]:
    size = {"width": 64, "height": 96, "steps": STEPS, "strength": STRENGTH, "seed": SEED}
    more = {"upscaler": UPSCALER, "model": MODEL} if method == "latent upscaler" else {}
    return node("ResonanceHighresFix", samples=[samples, 0], vae=VAE, method=method, **{**size, **more, **inputs})


def second(fixed: str, sampler: list[Any]) -> dict[str, Any]:
    """The second pass of ours."""
    sigmas = node("BasicScheduler", model=MODEL, scheduler="normal", steps=[fixed, 2], denoise=[fixed, 3])
    return {
        f"{fixed} sigmas": sigmas,
        f"{fixed} second": node(
            "SamplerCustomAdvanced",
            noise=[fixed, 5],
            guider=["guider", 0],
            sampler=sampler,
            sigmas=[f"{fixed} sigmas", 0],
            latent_image=[fixed, 0],
        ),
    }


@pytest.mark.parametrize("method", [*CORE, "latent upscaler"])
def test_each_picture_of_a_batch_is_what_two_samplers_of_core_paint_alone(comfy: Comfy, method: str):
    name, steps = "euler_ancestral", 4
    graph = {**base(steps=steps), **sampling(name)}
    for size in ("one", "many"):
        graph[size]["inputs"] |= {"width": 32, "height": 48}
    graph |= {"first": custom("many", [f"{name} ours", 0], [f"{name} ours", 1]), "fixed": fix("first", method)}
    graph |= second("fixed", [f"{name} ours", 1])
    graph["both"] = node("LatentBatch", samples1=["fixed", 0], samples2=["fixed second", 0])
    starts, alone = list[str](), list[str]()
    for seed in (SEED, SEED + 1):
        how = {"model": MODEL, "positive": ["positive", 0], "negative": ["negative", 0], "cfg": 1.0}
        how |= {"sampler_name": name, "scheduler": "normal"}
        first, scaled, last = f"first {seed}", f"scaled {seed}", f"last {seed}"
        graph[first] = node("KSampler", latent_image=["one", 0], seed=seed, steps=steps, denoise=1.0, **how)
        if method in ("lanczos", "latent upscaler"):
            graph[f"picture {seed}"] = node("VAEDecode", samples=[first, 0], vae=VAE)
            graph[f"large {seed}"] = node(
                "ImageScale",
                image=[f"picture {seed}", 0],
                upscale_method="lanczos",
                width=64,
                height=96,
                crop="disabled",
            )
            graph[scaled] = node("VAEEncode", pixels=[f"large {seed}", 0], vae=VAE)
            if method == "latent upscaler":
                graph[scaled] = fix(first, method, seed=seed)
        else:
            graph[scaled] = node(
                "LatentUpscale", samples=[first, 0], upscale_method=CORE[method], width=64, height=96, crop="disabled"
            )
        # KSampler's steps are those that are run.
        graph[last] = node(
            "KSampler", latent_image=[scaled, 0], seed=seed + 1, steps=STEPS // 2, denoise=STRENGTH, **how
        )
        starts.append(scaled)
        alone.append(last)
    graph |= compared("both", [*starts, *alone])
    graph["seen"] = node("ProbeValue", value=["fixed", 1])
    outputs = comfy.run(graph)
    assert apart(outputs) <= (2 if method == "lanczos" else 1) * LEVEL
    assert json.loads(outputs["seen"]["value"][0])[0]["shape"] == [2, 48, 32, 3]


def test_the_network_refines_the_latents_and_is_for_sd15_and_sd2(comfy: Comfy, families: Path):
    graph = {
        "load": node("LoadSmall", ckpt_name="tiny_sd2.safetensors"),
        "small": node("EmptyLatentImage", width=32, height=48, batch_size=2),
        **{method: fix("small", method) for method in ("lanczos", "latent upscaler")},
        **compared("latent upscaler", ["lanczos"]),
    }
    assert apart(comfy.run(graph)) > LEVEL
    graph["load"] = node("LoadSmall", ckpt_name="tiny_sdxl.safetensors")
    with pytest.raises(
        RunFailed, match="for SD1.5 and SD2 only, and the latents of this model are SDXL: choose lanczos"
    ):
        comfy.run(graph)


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        (
            {"upscaler": "other.safetensors"},
            "other.safetensors is no latent upscaler of sd-scripts .*: it lacks conv1.weight",
        ),
        (
            {"upscaler": "gone.safetensors"},
            r"There is no latent upscaler 'gone.safetensors' in .*latent_upscale_models: put",
        ),
        ({"upscaler": "none"}, "latent upscaler needs a file of models/latent_upscale_models"),
        ({"model": None}, "is for SD1.5 and SD2 only: connect model"),
    ],
)
def test_what_is_no_upscaler_is_refused_by_name_before_anything_is_painted(
    comfy: Comfy, inputs: dict[str, Any], says: str
):
    graph = {**base(), "fixed": fix("one", "latent upscaler", **inputs)}
    graph["fixed"]["inputs"] = {key: value for key, value in graph["fixed"]["inputs"].items() if value is not None}
    with pytest.raises(RunFailed, match=says):
        comfy.queue(graph | {"end": node("PreviewAny", source=["fixed", 0])})


@pytest.mark.parametrize("held", [[1, 2], {"a": torch.zeros(1), "b": torch.zeros(1)}], ids=["a list", "other tensors"])
def test_files_without_a_header_are_refused_when_they_are_read(comfy: Comfy, models: Path, held: Any):
    torch.save(held, models / "latent_upscale_models" / "other.pt")
    graph = {**base(), "fixed": fix("one", "latent upscaler", upscaler="other.pt")}
    with pytest.raises(RunFailed, match="other.pt is no latent upscaler of sd-scripts .*: it lacks conv1.weight"):
        comfy.run(graph | {"end": node("PreviewAny", source=["fixed", 0])})


def test_latents_under_a_mask_are_refused(comfy: Comfy):
    graph = {**base(), "mask": node("SolidMask", value=1.0, width=64, height=64)}
    graph["masked"] = node("SetLatentNoiseMask", samples=["one", 0], mask=["mask", 0])
    graph |= {"fixed": fix("masked"), "end": node("PreviewAny", source=["fixed", 0])}
    with pytest.raises(RunFailed, match="samples have a mask .*, and a second pass makes the whole picture anew"):
        comfy.run(graph)


def in_two_passes(session: str, text: str, **settings: Any) -> dict[str, Any]:
    """A graph that paints lines in two passes, with the pictures of both."""
    graph = batches(session, text, "euler_ancestral")
    graph["1"]["inputs"] |= {"highres_scale": 0.5, "highres_steps": 3, "strength": 0.5, **settings}
    graph["sigmas"]["inputs"] |= {"steps": ["1", 16], "denoise": ["1", 17]}
    graph["fixed"] = fix("sampler", item=ITEM)
    graph |= second("fixed", ["noise", 1])
    graph["decode"]["inputs"]["samples"] = ["fixed second", 0]
    graph["3"]["inputs"] |= {"before": ["fixed", 1], "name_rule": "gen_img", "parameters": True}
    return graph


def saved(comfy: Comfy, session: str) -> list[list[Image.Image]]:
    """The pictures of each item, that of the last pass first."""
    return [[Image.open(output(comfy) / session / file) for file in item["files"]] for item in items(comfy, session, 1)]


def test_both_passes_are_saved_each_with_its_own_seed_and_size(comfy: Comfy):
    text = "red --d 11\nblue --d 20 --n green"
    run(comfy, in_two_passes("two passes", text, batch_size=2))
    run(comfy, in_two_passes("one by one", text, batch_size=1))
    together, alone = saved(comfy, "two passes"), saved(comfy, "one by one")
    for seed, pictures, single in zip((11, 20), together, alone, strict=True):
        names = [Path(str(each.filename)).name for each in pictures]  # pyright: ignore[reportAttributeAccessIssue]
        assert [name.split("_", 2)[2] for name in names] == [f"{stage}00{seed // 20}_{seed}.png" for stage in (1, 0)]
        texts = [each.text for each in pictures]
        for own, size, steps, strength, said in ((seed + 1, 64, "4", "0.5", texts[0]), (seed, 32, "3", None, texts[1])):
            facts = a1111(said["parameters"])[2]
            assert (facts["Seed"], facts["Size"], facts["Steps"]) == (str(own), f"{size}x{size}", steps)
            assert facts.get("Denoising strength") == strength
            assert (said["seed"], said["sampler"]) == (str(own), "euler_a")
            assert json.loads(said["resonance"])["seed"] == seed, "by which both are made again"
        assert [each.size for each in pictures] == [(64, 64), (32, 32)]
        for a, b in zip(pictures, single, strict=True):
            assert np.abs(np.asarray(a, int) - np.asarray(b, int)).max() <= 1
    assert together[0][0].text["kohya-prompt"] == "red"
    assert together[1][1].text["negative-prompt"] == "green"


README = (
    "--ckpt tiny_sd15 --n_iter 1 --scale 7.5 --W 64 --H 96 --batch_size 1 --steps 8 --sampler ddim --fp16 --xformers"
    " --images_per_prompt 1 --interactive --highres_fix_scale 0.5 --highres_fix_steps 4 --strength 0.5"
)
"""gen_img's own, with smaller sizes."""


def test_gen_imgs_own_command_line(comfy: Comfy, tmp_path: Path):
    out = tmp_path / "txt2img"
    paint(comfy, README, "--outdir", out, typed="red --d 5\n\nblue --d 6\n")
    found = sorted(out.rglob("im_*.png"))
    assert [path.name.split("_", 2)[2] for path in found] == ["1000_5.png", "1000_6.png"]
    facts = [a1111(Image.open(path).text["parameters"])[2] for path in found]
    assert [(each["Seed"], each["Size"], each["Steps"], each["Denoising strength"]) for each in facts] == [
        (seed, "64x96", "8", "0.5") for seed in ("6", "7")
    ]


@pytest.mark.parametrize(
    ("more", "method"),
    [
        ("", "lanczos"),
        ("--highres_fix_latents_upscaling", "latent bicubic"),
        (
            f"--highres_fix_upscaler tools.latent_upscaler --highres_fix_upscaler_args weights=up/{UPSCALER}",
            "latent upscaler",
        ),
    ],
)
def test_each_way_to_scale_by_the_command(comfy: Comfy, tmp_path: Path, more: str, method: str):
    out = tmp_path / "out"
    line = "--ckpt tiny_sd15 --W 64 --H 64 --steps 4 --sampler euler_a --strength 0.5 --highres_fix_scale 0.5"
    line += " --highres_fix_steps 2 --batch_size 2 --images_per_prompt 2 --highres_fix_save_1st"
    paint(comfy, f"{line} {more} --prompt 'red --d 5,6'", "--outdir", out)
    found = sorted(out.rglob("im_*.png"))
    assert [path.name.split("_", 2)[2] for path in found] == ["0000_5.png", "0001_6.png", "1000_5.png", "1001_6.png"]
    images = [Image.open(path) for path in found]
    assert [image.size for image in images] == [(32, 32)] * 2 + [(64, 64)] * 2
    assert [image.text["seed"] for image in images] == ["5", "6", "6", "7"]
    graph = json.loads(images[0].text["prompt"])
    [inputs] = [each["inputs"] for each in graph.values() if each["class_type"] == "ResonanceHighresFix"]
    assert inputs["method"] == method


@pytest.mark.usefixtures("families")
def test_start_pictures_and_control_nets_act_in_both_passes_or_in_the_first(comfy: Comfy, tmp_path: Path):
    for name, color in (("start", "gray"), ("guide", "lime")):
        Image.new("RGB", (64, 64), color).save(tmp_path / f"{name}.png")
    line = f"--ckpt tiny_sd15 --W 64 --H 64 --steps 4 --sampler euler --scale 1 --prompt 'gray --d 5' --image_path {tmp_path}/start.png"
    line += " --strength 0.75 --highres_fix_strength 0.5 --highres_fix_scale 0.5 --highres_fix_steps 4 --highres_fix_save_1st"
    nets = f"--control_net_models tiny_controlnet --guide_image_path {tmp_path}/guide.png"
    greens = dict[str, list[float]]()
    for name, more in (("none", ""), ("first", f"{nets} --highres_fix_disable_control_net"), ("both", nets)):
        paint(comfy, f"{line} {more}", "--outdir", tmp_path / name)
        first, last = (Image.open(path) for path in sorted((tmp_path / name).rglob("im_*.png")))
        assert a1111(first.text["parameters"])[2]["Denoising strength"] == "0.5"
        assert a1111(last.text["parameters"])[2]["Denoising strength"] == "0.75"
        greens[name] = [float(np.asarray(each)[..., 1].mean()) for each in (first, last)]
    assert greens["none"][0] + 20 < greens["first"][0] == greens["both"][0]
    assert greens["first"][1] + 20 < greens["both"][1]
