"""A batch whose pictures are the very ones that ComfyUI paints alone with their seeds."""

import ast
import json
from itertools import product
from typing import Any

import pytest

from resonance.paint.per_picture import NOISES, TOGETHER

from .comfy import Comfy, RunFailed, find_comfyui, node
from .paint import CLIP, MODEL, VAE
from .regional import with_the_rest

NAMED = ("euler", "euler_ancestral", "dpmpp_2m_sde", "dpmpp_sde", "dpmpp_3m_sde", "lcm", "sa_solver", "ddim")
SEED, STEPS = 7, 4
LEVEL = 1 / 255


def of_core() -> list[str]:
    """The samplers that this ComfyUI has, as its source lists them."""
    comfyui = find_comfyui()
    source = (
        ast.parse((comfyui / "comfy" / "samplers.py").read_text(encoding="utf-8")) if comfyui else ast.Module([], [])
    )
    lists = {
        each.targets[0].id: each.value
        for each in source.body
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name)
    }
    if not lists:
        return []
    more = lists["SAMPLER_NAMES"]
    assert isinstance(more, ast.BinOp)
    return [*ast.literal_eval(lists["KSAMPLER_NAMES"]), *ast.literal_eval(more.right)]


FUNCTIONS = {"ddim": "euler", "uni_pc": "unipc", "uni_pc_bh2": "unipc_bh2"}
"""Samplers whose function has another name."""


def base(family: str = "sd15", count: int = 2, cfg: float = 1.0, steps: int = STEPS) -> dict[str, Any]:
    """What all samplers of a prompt share; ``one`` and ``many`` are latents."""
    return {
        "load": node("LoadFlux" if family == "flux" else "LoadSmall", ckpt_name=f"tiny_{family}.safetensors"),
        "positive": node("CLIPTextEncode", clip=CLIP, text="gray"),
        "negative": node("CLIPTextEncode", clip=CLIP, text="red"),
        "guider": node("CFGGuider", model=MODEL, positive=["positive", 0], negative=["negative", 0], cfg=cfg),
        "sigmas": node("BasicScheduler", model=MODEL, scheduler="normal", steps=steps, denoise=1.0),
        "one": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "many": node("EmptyLatentImage", width=64, height=64, batch_size=count),
    }


def sampling(name: str, **noise: Any) -> dict[str, Any]:
    """A sampler of core's, and our node behind it, under ``<name> core`` and ``<name> ours``."""
    return {
        f"{name} core": node("KSamplerSelect", sampler_name=name),
        f"{name} ours": node("ResonancePerPictureNoise", sampler=[f"{name} core", 0], **{"seed": SEED, **noise}),
    }


def custom(latent: str, noise: list[Any], sampler: list[Any]) -> dict[str, Any]:
    inputs = {"noise": noise, "sampler": sampler, "guider": ["guider", 0], "sigmas": ["sigmas", 0]}
    return node("SamplerCustomAdvanced", latent_image=[latent, 0], **inputs)


def ours(name: str, latent: str) -> dict[str, Any]:
    return custom(latent, [f"{name} ours", 0], [f"{name} ours", 1])


def ksampler(name: str, seed: int, latent: str = "one", cfg: float = 1.0, steps: int = STEPS) -> dict[str, Any]:
    inputs = {"model": MODEL, "positive": ["positive", 0], "negative": ["negative", 0], "latent_image": [latent, 0]}
    how = {"cfg": cfg, "steps": steps, "sampler_name": name, "scheduler": "normal", "denoise": 1.0}
    return node("KSampler", **inputs, **how, seed=seed)


def compared(batch: str, alone: list[str]) -> dict[str, Any]:
    """How far the pictures of a batch are from those that were sampled alone."""
    nodes = {"batch decoded": node("VAEDecode", samples=[batch, 0], vae=VAE)}
    before = alone[0]
    for i, each in enumerate(alone[1:], 1):
        nodes[f"joined {i}"] = node("LatentBatch", samples1=[before, 0], samples2=[each, 0])
        before = f"joined {i}"
    nodes["alone decoded"] = node("VAEDecode", samples=[before, 0], vae=VAE)
    nodes["apart"] = node("Difference", a=["batch decoded", 0], b=["alone decoded", 0])
    return nodes


def apart(out: dict[str, Any]) -> float:
    """That distance, of 1."""
    return out["apart"]["difference"][0]


def digest(key: str) -> dict[str, Any]:
    return {f"{key} digest": node("Digest", value=[key, 0])}


def same(out: dict[str, Any], a: str, b: str) -> bool:
    return out[f"{a} digest"]["digest"] == out[f"{b} digest"]["digest"]


DAILY = [
    *(("sd15", name, 2) for name in ("euler_ancestral", "dpmpp_2m_sde", "lcm", "ddim")),
    *(("flux", name, 2) for name in ("euler", "dpmpp_sde", "dpmpp_3m_sde", "sa_solver")),
]
ALL = product(("sd15", "sd2", "sdxl", "flux"), (*NAMED, "dpmpp_2m_sde_gpu"), (4,))


@pytest.mark.usefixtures("families")
@pytest.mark.parametrize(("family", "name", "count"), with_the_rest(DAILY, ALL))
def test_one_picture_is_ksamplers_to_the_bit_and_each_of_a_batch_is_the_single_one(
    comfy: Comfy, family: str, name: str, count: int
):
    how = {"cfg": 1.0, "steps": STEPS} if count == 2 else {"cfg": 2.0, "steps": 8}
    alone = [f"alone {i}" for i in range(count)]
    prompt = {
        **base(family, count, **how),
        **sampling(name),
        **{each: ksampler(name, SEED + i, **how) for i, each in enumerate(alone)},
        **{"of one": ours(name, "one"), "batch": ours(name, "many"), **compared("batch", alone)},
        **digest("of one"),
        **digest("alone 0"),
    }
    out = comfy.run(prompt)
    assert same(out, "of one", "alone 0") and apart(out) <= LEVEL


@pytest.mark.long
@pytest.mark.parametrize("name", of_core())
def test_every_sampler_of_core_does_so_or_is_refused_by_name(comfy: Comfy, name: str):
    # KSampler has other steps for some samplers: compared is with core's own noise and sampler.
    alone = [f"alone {i}" for i in range(4)]
    prompt = {**base(count=4, cfg=2.0, steps=8), **sampling(name), "of one": ours(name, "one")}
    for i, each in enumerate(alone):
        prompt[f"noise {i}"] = node("RandomNoise", noise_seed=SEED + i)
        prompt[each] = custom("one", [f"noise {i}", 0], [f"{name} core", 0])
    out = comfy.run({**prompt, **digest("of one"), **digest("alone 0")})
    assert same(out, "of one", "alone 0")
    prompt |= {"batch": ours(name, "many"), **compared("batch", alone)}
    if name in TOGETHER:
        with pytest.raises(RunFailed, match=f"{name} {TOGETHER[name]}: choose another sampler"):
            comfy.run(prompt)
    else:
        assert apart(comfy.run(prompt)) <= LEVEL


def test_what_every_sampler_of_core_draws_is_known():
    known = {*NOISES, *TOGETHER}
    assert [name for name in of_core() if FUNCTIONS.get(name, name) not in known] == []


SEEDS = [2**50 - 1, 5]


def item(seeds: list[int]) -> dict[str, Any]:
    return node("ProbeItem", text=json.dumps({"seed": seeds[0]}), beside=json.dumps([{"seed": s} for s in seeds[1:]]))


def test_the_pictures_of_an_item_have_the_seeds_of_its_lines(comfy: Comfy):
    name = "euler_ancestral"
    alone = [f"alone {i}" for i in range(2)]
    prompt = {
        **base(),
        **{"items": item(SEEDS), "single": item(SEEDS[1:])},
        **sampling(name, item=["items", 0]),
        **{each: ksampler(name, seed) for each, seed in zip(alone, SEEDS, strict=True)},
        **{"batch": ours(name, "many"), **compared("batch", alone)},
        "by itself": node("ResonancePerPictureNoise", sampler=[f"{name} core", 0], seed=SEED, item=["single", 0]),
        "of one": custom("one", ["by itself", 0], ["by itself", 1]),
        **digest("of one"),
        **digest("alone 1"),
    }
    out = comfy.run(prompt)
    assert apart(out) <= LEVEL
    assert same(out, "of one", "alone 1")


def test_an_item_of_another_number_of_pictures_is_refused(comfy: Comfy):
    prompt = {
        **base(),
        "items": item([1, 2, 3]),
        **sampling("euler", item=["items", 0]),
        "batch": ours("euler", "many"),
    }
    with pytest.raises(RunFailed, match="The item has seeds for 3 pictures, and 2 are to be painted"):
        comfy.run({**prompt, **digest("batch")})


@pytest.mark.long
def test_cores_sampler_is_left_as_it_was(comfy: Comfy):
    name = "euler_ancestral"
    prompt = {
        **base(),
        **sampling(name),
        "random": node("RandomNoise", noise_seed=SEED),
        "batch": ours(name, "many"),
        "by core": custom("many", ["random", 0], [f"{name} core", 0]),
        "by ksampler": ksampler(name, SEED, "many"),
        **compared("batch", ["by core"]),
        **digest("by core"),
        **digest("by ksampler"),
    }
    out = comfy.run(prompt)
    assert same(out, "by core", "by ksampler") and apart(out) > LEVEL


def test_our_noise_with_another_sampler_is_refused(comfy: Comfy):
    prompt = {**base(steps=1), **sampling("euler"), "batch": custom("many", ["euler ours", 0], ["euler core", 0])}
    with pytest.raises(RunFailed, match="^Connect sampler of Per Picture Noise as well as its noise"):
        comfy.run({**prompt, **digest("batch")})
    prompt["second"] = node("ResonancePerPictureNoise", sampler=["euler core", 0], seed=0)
    prompt["batch"]["inputs"]["sampler"] = ["second", 1]
    comfy.run({**prompt, **digest("batch")})


def test_our_sampler_with_other_noise_is_refused_where_it_paints_several(comfy: Comfy):
    prompt = {**base(steps=1), **sampling("euler"), "random": node("RandomNoise", noise_seed=SEED)}
    prompt |= {"of one": custom("one", ["random", 0], ["euler ours", 1]), "alone": ksampler("euler", SEED, steps=1)}
    out = comfy.run({**prompt, **digest("of one"), **digest("alone")})
    assert same(out, "of one", "alone")
    prompt |= {"batch": custom("many", ["random", 0], ["euler ours", 1])}
    with pytest.raises(RunFailed, match="one seed for all: connect the noise of Per Picture Noise as well"):
        comfy.run({**prompt, **digest("batch")})


@pytest.mark.parametrize("name", ["ddim", pytest.param("euler_ancestral", marks=pytest.mark.long)])
def test_pictures_under_a_mask_are_the_single_ones(comfy: Comfy, name: str):
    alone = [f"alone {i}" for i in range(2)]
    prompt = {
        **base(),
        **sampling(name),
        "black": node("SolidMask", value=0.0, width=64, height=64),
        "white": node("SolidMask", value=1.0, width=32, height=64),
        "mask": node("MaskComposite", destination=["black", 0], source=["white", 0], x=0, y=0, operation="add"),
        "one masked": node("SetLatentNoiseMask", samples=["one", 0], mask=["mask", 0]),
        "many masked": node("SetLatentNoiseMask", samples=["many", 0], mask=["mask", 0]),
        "batch": ours(name, "many masked"),
        **{each: ksampler(name, SEED + i, "one masked") for i, each in enumerate(alone)},
        **compared("batch", alone),
    }
    assert apart(comfy.run(prompt)) <= LEVEL


def test_the_settings_of_a_sampler_stay(comfy: Comfy):
    settings = {"eta": 0.6, "s_noise": 1.2, "solver_type": "heun", "noise_device": "cpu"}
    prompt = {**base(), "which core": node("SamplerDPMPP_2M_SDE", **settings)}
    prompt["which ours"] = node("ResonancePerPictureNoise", sampler=["which core", 0], seed=SEED)
    alone = [f"alone {i}" for i in range(2)]
    for i, each in enumerate(alone):
        prompt[f"noise {i}"] = node("RandomNoise", noise_seed=SEED + i)
        prompt[each] = custom("one", [f"noise {i}", 0], ["which core", 0])
    prompt |= {"batch": ours("which", "many"), **compared("batch", alone)}
    prompt["plain"] = ksampler("dpmpp_2m_sde", SEED)
    out = comfy.run({**prompt, **digest("plain"), **digest("alone 0")})
    assert apart(out) <= LEVEL
    assert not same(out, "plain", "alone 0")


LARGE = {"rtol": 1.0, "atol": 1.0, "h_init": 1.0, "pcoeff": 0.0, "icoeff": 1.0, "dcoeff": 0.0, "accept_safety": 0.81}
"""Steps of dpm_adaptive with which it is soon at the end."""
REFUSED = {
    "dpm_adaptive": node("SamplerDPMAdaptative", order=2, eta=0.0, s_noise=1.0, **LARGE),
    "lcm with noise_clip_std above 0": node("SamplerLCM", s_noise=1.0, s_noise_end=1.0, noise_clip_std=2.0),
    "lcm_upscale is not among": node("SamplerLCMUpscale", scale_ratio=1.0, scale_steps=-1, upscale_method="area"),
    "euler with s_churn above 0": node("OddSampler", kind="churned"),
    "euler is not among": node("OddSampler", kind="another's"),
}


@pytest.mark.parametrize(("said",), with_the_rest([("dpm_adaptive",)], ((each,) for each in REFUSED)))
def test_a_sampler_that_cannot_paints_one_picture_and_is_refused_for_several(comfy: Comfy, said: str):
    prompt = {**base(steps=2), "which core": REFUSED[said], "random": node("RandomNoise", noise_seed=SEED)}
    prompt["which ours"] = node("ResonancePerPictureNoise", sampler=["which core", 0], seed=SEED)
    prompt |= {"of one": ours("which", "one"), "core's": custom("one", ["random", 0], ["which core", 0])}
    out = comfy.run({**prompt, **digest("of one"), **digest("core's")})
    assert same(out, "of one", "core's")
    refusal = f"{said}.*: choose another sampler, or paint one picture a run"
    with pytest.raises(RunFailed, match=refusal):
        comfy.run({**prompt, "batch": ours("which", "many"), **digest("batch")})
    # With the items of a batch it is known before anything is loaded.
    several = {"items": item([1, 2]), "which core": REFUSED[said]}
    several["ours"] = node("ResonancePerPictureNoise", sampler=["which core", 0], seed=SEED, item=["items", 0])
    with pytest.raises(RunFailed, match=refusal):
        comfy.run({**several, **digest("ours")})


def test_something_that_is_no_sampler_of_comfyuis_is_refused(comfy: Comfy):
    prompt = {"odd": node("OddSampler", kind="no sampler")}
    prompt["ours"] = node("ResonancePerPictureNoise", sampler=["odd", 0], seed=SEED)
    with pytest.raises(RunFailed, match="Expected a sampler as ComfyUI's nodes give it, got Odd"):
        comfy.run({**prompt, **digest("ours")})


def test_latents_of_several_kinds_have_noise_by_picture_too(comfy: Comfy):
    prompt = {**sampling("euler"), "batch": node("DrawNoise", noise=["euler ours", 0], kinds=2, count=2)}
    prompt["of one"] = node("DrawNoise", noise=["euler ours", 0], kinds=2, count=1)
    for i in range(2):
        prompt[f"noise {i}"] = node("RandomNoise", noise_seed=SEED + i)
        prompt[f"alone {i}"] = node("DrawNoise", noise=[f"noise {i}", 0], kinds=2, count=1)
    out = comfy.run(prompt)
    batch, one, *alone = (out[name]["drawn"] for name in ("batch", "of one", "alone 0", "alone 1"))
    assert one == alone[0] and batch == [*alone[0], *alone[1]]


@pytest.mark.long
def test_a_picture_keeps_its_place_in_the_batch_that_it_comes_from(comfy: Comfy):
    prompt = {**base(), **sampling("euler")}
    prompt["second"] = node("LatentFromBatch", samples=["many", 0], batch_index=1, length=1)
    prompt |= {"of one": ours("euler", "second"), "by ksampler": ksampler("euler", SEED, "second")}
    prompt |= {"first": ksampler("euler", SEED), **compared("by ksampler", ["first"])}
    out = comfy.run({**prompt, **digest("of one"), **digest("by ksampler")})
    assert same(out, "of one", "by ksampler") and apart(out) > LEVEL
