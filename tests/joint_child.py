"""Samples with random little transformers of ComfyUI's, whose pictures have strengths and places, and says what came out: as a process
of its own, since the tests' must not import ComfyUI. Its argument is the file for the answer, one JSON object."""

import json
import logging
import math
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

logging.disable(logging.WARNING)

import comfy.cli_args  # noqa: E402

comfy.cli_args.args.cpu = True

import comfy.ldm.flux.redux  # noqa: E402
import comfy.model_base  # noqa: E402
import comfy.model_patcher  # noqa: E402
import comfy.sample  # noqa: E402
import comfy.samplers  # noqa: E402
import comfy.sd  # noqa: E402
import comfy.supported_models  # noqa: E402
import node_helpers  # noqa: E402
import torch  # noqa: E402
from comfy.patcher_extension import WrappersMP  # noqa: E402
from comfy_extras.nodes_flux import FluxKVCache  # noqa: E402

import nodes  # noqa: E402

sys.path.append(str(Path(__file__).parents[1]))

from resonance.host.reference import look  # noqa: E402
from resonance.host.sampling import transformer  # noqa: E402
from resonance.reference.bias import token_bias  # noqa: E402
from resonance.reference.joint import joint_bias  # noqa: E402
from resonance.reference.reference import Reference  # noqa: E402
from resonance.told import Told  # noqa: E402

torch.set_grad_enabled(False)
torch.set_num_threads(1)

WORDS, WIDTH, SIDE = 8, 64, 16
STRENGTHS = (0.1, 0.3, 0.5, 0.8)
LEFT = torch.zeros(16, 16)
LEFT[:, :8] = 1
FLUX = {
    "image_model": "flux",
    "in_channels": 16,
    "out_channels": 16,
    "patch_size": 2,
    "vec_in_dim": 64,
    "context_in_dim": WIDTH,
    "hidden_size": 256,
    "mlp_ratio": 4.0,
    "num_heads": 2,
    "depth": 2,
    "depth_single_blocks": 2,
    "axes_dim": [16, 56, 56],
    "theta": 10000,
    "qkv_bias": True,
    "guidance_embed": False,
    "txt_ids_dims": [],
}
FLUX2 = {
    **FLUX,
    "image_model": "flux2",
    "in_channels": 128,
    "out_channels": 128,
    "patch_size": 1,
    "vec_in_dim": None,
    "axes_dim": [32, 32, 32, 32],
    "theta": 2000,
    "global_modulation": True,
    "mlp_silu_act": True,
    "qkv_bias": False,
    "ops_bias": False,
    "default_ref_method": "index",
    "txt_ids_dims": [3],
}
KREA2 = {
    "image_model": "krea2",
    "features": 256,
    "txtdim": 16,
    "heads": 4,
    "kvheads": 2,
    "layers": 2,
    "txtlayers": 4,
    "txtheads": 2,
    "txtkvheads": 2,
    "default_ref_method": "index",
}
QWEN = {
    "image_model": "qwen_image",
    "num_layers": 2,
    "num_attention_heads": 2,
    "attention_head_dim": 64,
    "joint_attention_dim": WIDTH,
    "axes_dims_rope": (16, 24, 24),
}

KINDS = {
    "flux": ("Flux", FLUX),
    "flux2": ("Flux2", FLUX2),
    "qwen": ("QwenImage", QWEN),
    "krea2": ("Krea2", KREA2),
    "krea2 without a method": ("Krea2", {**KREA2, "default_ref_method": None}),
    "flux fill": ("Flux", {**FLUX, "in_channels": 96}),
    "mage": ("MageFlow", {**QWEN, "image_model": "mage_flow"}),
}

BLIND = ("SD3", "Chroma", "HiDreamO1")

Conditioning = list[Any]


def model(kind: str) -> Any:
    """A MODEL with random weights."""
    torch.manual_seed(0)
    name, config = KINDS[kind]
    settings = getattr(comfy.supported_models, name)({**config, "dtype": torch.float32})
    made = getattr(comfy.model_base, name)(settings)
    for weights in made.diffusion_model.parameters():
        weights.copy_(torch.randn_like(weights) * (weights.shape[-1] ** -0.5 if weights.dim() > 1 else 0.1))
    cpu = torch.device("cpu")
    return comfy.model_patcher.ModelPatcher(made, cpu, cpu)


def unbuilt(kind: str) -> Any:
    """What stands for a MODEL that is not asked."""
    settings = getattr(comfy.supported_models, kind)({"disable_unet_model_creation": True, "dtype": torch.float32})
    return types.SimpleNamespace(model=getattr(comfy.model_base, kind)(settings))


def random(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def words(seed: int) -> Conditioning:
    return [[random(seed, 1, WORDS, WIDTH), {"pooled_output": random(seed, 1, 64)}]]


def picture(*seeds: int) -> torch.Tensor:
    return torch.cat([random(seed, 1, 128, 128, 3).sigmoid() for seed in seeds])


class Vae:
    """Latents that are drawn by what a picture is."""

    def __init__(self, like: torch.Tensor) -> None:
        self._like, self.latent_channels = like, like.shape[1]

    def encode(self, image: torch.Tensor) -> torch.Tensor:
        return random(int(image.sum()), len(image), *self._like.shape[1:])


class Vision:
    """Sees 60 tokens, drawn by what a picture is."""

    width = 32

    def encode_image(self, image: torch.Tensor, crop: bool = True) -> Any:
        return {"last_hidden_state": torch.cat([random(int(one.sum()), 1, 60, self.width) for one in image])}


def style() -> Any:
    network = comfy.ldm.flux.redux.ReduxImageEncoder(redux_dim=32, txt_in_features=WIDTH)
    for number, weights in enumerate(network.parameters()):
        weights.copy_(random(number, *weights.shape) / weights.shape[-1] ** 0.5)
    return comfy.sd.StyleModel(network)


class Bench:
    """One model, and the answers of its samplings."""

    def __init__(self, kind: str, way: str) -> None:
        self.model = model(kind)
        form = self.model.model.latent_format
        frames = (1,) if form.latent_dimensions == 3 else ()
        side = SIDE // 2 if form.latent_channels > 16 else SIDE  # a pixel of these is one of the latent
        self.latent = torch.zeros(1, form.latent_channels, *frames, side, side)
        given = {"style_model": style(), "clip_vision": Vision()} if way == "Redux" else {"vae": Vae(self.latent)}
        size = {"size": 1 / 64} if way == "reference latent" else {}
        self.reference = Reference(way=way, given={**given, **size})

    def look(self, conditioning: Conditioning, image: torch.Tensor, model: Any = None, **how: Any) -> tuple[Any, Any]:
        looked = look(self.reference, model or self.model, conditioning, image, **how)
        return looked.model, looked.conditioning

    def sample(
        self, model: Any, positive: Conditioning, negative: Conditioning | None = None, cfg: float = 1.0, **more: Any
    ) -> torch.Tensor:
        guider = comfy.samplers.CFGGuider(model)
        guider.set_conds(positive, negative or words(99))
        guider.set_cfg(cfg)
        latent = torch.cat([self.latent] * more.get("batch", 1))
        sigmas = torch.tensor(more.get("sigmas", [1.0, 0.0]))
        noise = torch.cat([random(5 + number, *self.latent.shape) for number in range(len(latent))])
        return guider.sample(noise, latent, comfy.samplers.ksampler("euler"), sigmas, disable_pbar=True, seed=1)


def apart(one: torch.Tensor, other: torch.Tensor) -> float:
    return (one - other).abs().mean().item()


def sides(one: torch.Tensor, other: torch.Tensor) -> tuple[float, float]:
    change = (one - other).abs().flatten(0, -2).mean(0)
    return change[: SIDE // 2].mean().item(), change[SIDE // 2 :].mean().item()


def told(act: Callable[[], Any]) -> str:
    try:
        act()
    except Told as error:
        return str(error)
    return ""


def by_core(bench: Bench, image: torch.Tensor) -> Conditioning:
    """The same by core's own means."""
    if bench.reference.way == "Redux":
        seen = types.SimpleNamespace(**Vision().encode_image(image))
        given = bench.reference.given["style_model"]
        return nodes.StyleModelApply().apply_stylemodel(words(1), given, seen, 1.0, "multiply")[0]
    latent = bench.reference.given["vae"].encode(image)
    return node_helpers.conditioning_set_values(words(1), {"reference_latents": [latent]}, append=True)


def strengths(bench: Bench) -> dict[str, Any]:
    image, plain = picture(1), words(1)
    none, core = bench.sample(bench.model, plain), bench.sample(bench.model, by_core(bench, image))
    at = {s: bench.sample(*bench.look(plain, image, strength=s)) for s in (1e-6, *STRENGTHS, 0.999, 1.0, 1.5)}
    off_model, off = bench.look(plain, image, strength=0.0)
    full_model, _ = bench.look(plain, image)
    left = bench.sample(*bench.look(plain, image, mask=LEFT))
    half_left = bench.sample(*bench.look(plain, image, mask=LEFT, strength=0.5))
    model, conditioning = bench.look(plain, image, mask=LEFT)
    both = bench.sample(*bench.look(conditioning, picture(2), model, mask=1 - LEFT))
    again = bench.sample(bench.model, plain)
    return {
        "effect": apart(core, none),
        "full is core's": torch.equal(at[1.0], core) and full_model is bench.model,
        "off is the very same": off_model is bench.model and off is plain,
        "the plain model is as before": torch.equal(again, none),
        "to none": [apart(each, none) for each in at.values()],
        "to full": [apart(each, core) for each in at.values()],
        "left": sides(left, none),
        "left at a half": sides(half_left, none),
        "two halves to the first": sides(both, left),
        "said": look(bench.reference, bench.model, plain, image, strength=0.5, end=0.4).said,
        "finite": bool(both.isfinite().all()),
    }


def together(bench: Bench) -> dict[str, Any]:
    """What acts at once."""
    image, plain = picture(1), words(1)
    model, half = bench.look(plain, image, strength=0.5)
    _, little = bench.look(words(2), picture(2), strength=0.2)
    alone = bench.sample(model, half)
    # Two entries whose predictions are averaged: asked for in one call, each with a strength of its own.
    one, other = alone, bench.sample(model, little)
    joined = bench.sample(model, half + little)
    # In the negative too, at another strength.
    guided = bench.sample(model, half, little, cfg=3.0)
    # Two pictures of one entry, each with a strength of its own, in both orders and against one of them alone.
    _, two = bench.look(half, picture(2), model, strength=0.2)
    _, swapped = bench.look(bench.look(plain, picture(2), strength=0.2)[1], image, model, strength=0.5)
    _, nearly = bench.look(half, picture(2), model, strength=1e-7)
    batch = bench.sample(model, half, batch=2)
    calls: list[int] = []

    def counting(attend: Any, *args: Any, **more: Any) -> Any:
        calls.append(args[1].shape[2])
        return attend(*args, **more)

    def halving(attend: Any, *args: Any, **more: Any) -> Any:
        return attend(*args, **more) * 0.5

    counted = model.clone()
    counted.model_options["transformer_options"]["optimized_attention_override"] = counting
    halved, plainly_halved = model.clone(), bench.model.clone()
    for each in (halved, plainly_halved):
        each.model_options["transformer_options"]["optimized_attention_override"] = halving
    made: list[int] = []
    transformer.joint_bias = lambda *args: made.append(1) or joint_bias(*args)
    bench.sample(model, half, half, cfg=3.0, sigmas=[1.0, 0.7, 0.3, 0.0])
    transformer.joint_bias = joint_bias
    heedless = model.clone()
    heedless.model_options["transformer_options"]["optimized_attention_override"] = (
        lambda attend, q, k, v, heads, *mask, **more: attend(q, k, v, heads, **{**more, "mask": None})
    )
    early = bench.look(plain, image, strength=0.5, end=0.3)
    skipped = model.clone()
    skipped.model_options["transformer_options"]["patches_replace"] = {
        "dit": {(name, n): lambda args, more: {**args} for name in ("double_block", "single_block") for n in (0, 1)}
    }
    compiled, uses = model.clone(), list[Any]()
    compiled.add_wrapper_with_key(
        WrappersMP.APPLY_MODEL,
        "torch.compile",
        lambda executor, *args, **more: uses.append(1) or executor(*args, **more),
    )
    as_compiled = bench.sample(compiled, half)
    hidden = torch.ones(1, 1, 1, WORDS + (60 if bench.reference.way == "Redux" else 0) + 64, dtype=torch.bool)
    hidden[..., :4] = False

    def hiding(mask: torch.Tensor) -> Callable[..., Any]:
        def patch(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, **more: Any) -> dict[str, Any]:
            return {
                "attn_mask": torch.nn.functional.pad(
                    mask, (0, k.shape[2] - mask.shape[3]), value=float(mask.dtype == torch.bool)
                )
            }

        return patch

    # Words that another pack's patch hides, as people write masks.
    masks = [model.clone(), model.clone()]
    masks[0].set_model_attn1_patch(hiding(hidden))
    masks[1].set_model_attn1_patch(hiding(torch.zeros(hidden.shape).masked_fill(~hidden, -torch.inf)))
    by_bool, by_float = (bench.sample(each, half) for each in masks)
    placed = bench.look(plain, image, mask=LEFT)
    placed[1][0][1].update(area=(SIDE, SIDE // 2, 0, 0))
    return {
        "biases made in three steps": len(made),
        "averaged": apart(joined, (one + other) / 2),
        "guided": apart(guided, other + 3 * (one - other)),
        "orders": apart(bench.sample(model, two), bench.sample(model, swapped)),
        "a second picture": apart(bench.sample(model, two), alone),
        "a second one of nearly no strength": apart(bench.sample(model, nearly), alone),
        "batch": apart(batch[:1], alone),
        "counted": torch.equal(bench.sample(counted, half), alone),
        "calls": len(calls),
        "calls of two entries": [calls.clear(), bench.sample(counted, half + little), len(calls)][-1],
        "halved": apart(bench.sample(halved, half), bench.sample(plainly_halved, plain)),
        "halved to alone": apart(bench.sample(halved, half), alone),
        "another model": told(lambda: bench.sample(bench.model, half)),
        "before its end": torch.equal(bench.sample(*early), alone),
        "after its end": torch.equal(
            bench.sample(*early, sigmas=[0.5, 0.0]), bench.sample(bench.model, plain, sigmas=[0.5, 0.0])
        ),
        "attention without masks": told(lambda: bench.sample(heedless, half)),
        "attention of its own": told(lambda: bench.sample(skipped, half)),
        "compiled": torch.equal(as_compiled, alone) and not uses,
        "masks": apart(by_bool, by_float),
        "masked to alone": apart(by_bool, alone),
        "an area": told(lambda: bench.sample(*placed)),
        "options are as before": "optimized_attention_override" not in model.model_options["transformer_options"],
    }


def only_redux(bench: Bench) -> dict[str, Any]:
    """Against the attention bias of core's Apply Style Model, and with it."""
    image, given = picture(1), bench.reference.given["style_model"]

    def by_bias(conditioning: Conditioning, image: torch.Tensor, bias: float) -> Conditioning:
        seen = types.SimpleNamespace(**Vision().encode_image(image))
        return nodes.StyleModelApply().apply_stylemodel(conditioning, given, seen, math.exp(bias), "attn_bias")[0]

    half = token_bias(0.5, 60, WORDS)
    model, ours = bench.look(words(1), image, strength=0.5)
    _, both = bench.look(ours, picture(2), model, strength=0.5)
    theirs = by_bias(words(1), picture(2), half)
    edited = Bench("flux", "reference latent")
    edit, latent = edited.look(ours, picture(3), model, strength=0.5)
    _, little = edited.look(ours, picture(3), model, strength=1e-6)
    return {
        "to core's bias": apart(bench.sample(model, ours), bench.sample(bench.model, by_bias(words(1), image, half))),
        "core's bias behind ours": apart(
            bench.sample(model, by_bias(ours, picture(2), half)), bench.sample(model, both)
        ),
        "full strength behind core's bias": torch.equal(
            bench.sample(*bench.look(theirs, image)),
            bench.sample(
                bench.model,
                nodes.StyleModelApply().apply_stylemodel(
                    theirs, given, types.SimpleNamespace(**Vision().encode_image(image)), 1.0, "multiply"
                )[0],
            ),
        ),
        "with a reference latent": apart(bench.sample(edit, latent), bench.sample(model, ours)),
        "with one of nearly no strength": apart(bench.sample(edit, little), bench.sample(model, ours)),
        "too wide": told(lambda: bench.look([[random(1, 1, WORDS, 32), {}]], image)),
        "vision": told(lambda: bench.look(words(1), image) if setattr(Vision, "width", 48) is None else None),
    }


def only_latents(bench: Bench) -> dict[str, Any]:
    """Batches of pictures, kept keys, and what is refused."""
    one, two, plain = picture(1), picture(2), words(1)
    many = bench.look(plain, torch.cat([one, two]), strength=0.5)
    in_turn = bench.look(bench.look(plain, one, strength=0.5)[1], two, strength=0.5)
    bench.reference = Reference(way=bench.reference.way, given={**bench.reference.given, "each": True})
    each = bench.sample(*bench.look(plain, torch.cat([one, two]), strength=0.5), batch=2)
    alone = [bench.sample(*bench.look(plain, image, strength=0.5), batch=2) for image in (one, two)]
    _, changed = bench.look(plain, one, strength=0.5)
    changed[0][1]["reference_latents"] = [changed[0][1]["reference_latents"][0] * 0.5]
    other = {**bench.reference.given, "vae": types.SimpleNamespace(latent_channels=4)}
    wrong = Reference(way="reference latent", given=other)
    return {
        "a batch is several": torch.equal(bench.sample(*many), bench.sample(*in_turn)),
        "each its own": [apart(each[n], alone[n][n]) for n in (0, 1)],
        "changed": told(lambda: bench.sample(bench.look(plain, one, strength=0.5)[0], changed)),
        "wrong VAE": told(lambda: look(wrong, bench.model, plain, one)),
    }


def refused() -> dict[str, Any]:
    """Models that look at pictures in another way, or at none."""
    vae = types.SimpleNamespace(latent_channels=16, encode=lambda image: image)
    given = Reference(way="reference latent", given={"vae": vae})
    everything = Reference(way="automatic", given={"vae": vae, "style_model": style(), "clip_vision": Vision()})
    whole = unbuilt("Omnigen2")
    whole.get_model_object = lambda name: getattr(whole.model, name)
    looked = look(given, whole, words(1), picture(1))
    bench = Bench("krea2 without a method", "reference latent")
    how = node_helpers.conditioning_set_values(words(1), {"reference_latents_method": "index"})
    none = bench.sample(bench.model, how)
    return {
        "strength": told(lambda: look(given, whole, words(1), picture(1), strength=0.5)),
        "mask": told(lambda: look(given, whole, words(1), picture(1), mask=LEFT)),
        "whole": looked.model is whole and len(looked.conditioning[0][1]["reference_latents"]) == 1,
        "no method": told(lambda: bench.look(words(1), picture(1))),
        "a method": apart(bench.sample(*bench.look(how, picture(1), strength=0.5)), none),
        "fill": told(lambda: look(given, model("flux fill"), words(1), picture(1))),
        **{kind: told(lambda kind=kind: look(everything, unbuilt(kind), words(1), picture(1))) for kind in BLIND},
    }


def others() -> dict[str, Any]:
    """Distances to none at no strength, a half and full, where the attention is another."""
    found = {}
    for kind in ("flux2", "krea2", "mage"):
        bench = Bench(kind, "reference latent")
        none = bench.sample(bench.model, words(1))
        found[kind] = [
            apart(bench.sample(*bench.look(words(1), picture(1), strength=s)), none) for s in (1e-6, 0.5, 1.0)
        ]
        if kind == "flux2":
            # In the second step there are only the references' keys.
            steps = {"sigmas": [1.0, 0.6, 0.0]}
            none = bench.sample(bench.model, words(1), **steps)
            found["kept keys"] = []
            for s in (1e-6, 0.5, 1.0):
                kept = FluxKVCache.execute(bench.model).args[0]
                made = bench.sample(*bench.look(words(1), picture(1), kept, strength=s), **steps)
                found["kept keys"].append(apart(made, none))
    return found


def main(file: str) -> None:
    answer: dict[str, Any] = {"others": others(), "refused": refused()}
    for kind, way in (("flux", "reference latent"), ("flux", "Redux"), ("qwen", "reference latent")):
        bench = Bench(kind, way)
        answer[f"{kind} {way}"] = {**strengths(bench), **together(bench)}
    answer["flux Redux"] |= only_redux(Bench("flux", "Redux"))
    answer["flux reference latent"] |= only_latents(Bench("flux", "reference latent"))
    Path(file).write_text(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1])
