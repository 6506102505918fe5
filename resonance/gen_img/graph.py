"""The graph that paints what gen_img's command line asks for: Prompt Lines, core's nodes, Round Output."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..graph import (
    ALTERNATE,
    DEEP_SHRINK,
    ENCODE_LINE,
    GRADIENT_GUIDANCE,
    GRADUAL_LATENT,
    HIGHRES_FIX,
    LLLITE,
    LORA_STACK,
    NEGATIVE_SCALE,
    PER_PICTURE_NOISE,
    PROMPT_LINES,
    REGIONS_FROM_MASK,
    ROUND_OUTPUT,
)
from ..guidance.files import PICTURE, TEXT, VGG16
from ..paint import deep_shrink, negative_scale
from ..paint.gradual import Gradual
from ..paint.kohya_samplers import Sampler, sampler
from .checks import GRADUAL, GROWS, SIZES, canny

Graph = dict[str, dict[str, Any]]
Link = list[Any]
Options = Mapping[str, Any]

ITEM, _, _, LATENT, WIDTH, HEIGHT, SCALE, STEPS, _, STRENGTH, IMAGE, MASK, GUIDE = (["lines", n] for n in range(13))
FIRST_STEPS, FIRST_STRENGTH = ["lines", 16], ["lines", 17]
SECOND_LATENT, FIRST_IMAGE, SECOND_STEPS, SECOND_STRENGTH, _, SECOND_NOISE = (["highres", n] for n in range(6))
COUPLE = {
    "method": "attention couple",
    "method.base_weight": 0.2,
    "method.feather": 0.0,
    "method.capture": "off",
}
"""What Regions is told."""


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """What the graph is given.

    Attributes:
        start, mask: there are start pictures, and masks of them.
        places: name of the picture, as LoadImage has it, that gives the parts of lines with AND their places; empty: none does.
        guides: names of the pictures for ControlNets, one for each; empty: a picture of its own for each shot.
    """

    start: bool = False
    mask: bool = False
    places: str = ""
    guides: tuple[str, ...] = ()


def graph_of(
    asked: Options, pictures: Pictures, *, clip_guidance: str = "", vgg16: str = "", in_turn: bool = False
) -> Graph:
    """In API form. What is special to a session, Prompt Lines is to be told; models are named as they were asked for.

    Args:
        asked: by the names of gen_img's options, those that were not given with their defaults.
        clip_guidance, vgg16: what guides, in ``models/clip_guidance`` and ``models/vgg``; empty: the only one there.
        in_turn: ControlNets act one in each step, not together.
    """
    guides = {"guide.clip": clip_guidance, "guide.vgg": vgg16}
    made: Graph = {"lines": _node(PROMPT_LINES, batch_size=asked["batch_size"], **_first_pass(asked))}
    model, clip, vae = _models(made, asked)
    highres = asked["highres_fix_scale"]
    if pictures.places:
        model, *words = _regions(made, asked, model, clip, pictures.places)
        first_words = words
    else:
        if asked["network_weights"]:
            model, clip = _loras(made, asked, model=model, clip=clip)
        learned: dict[str, Any] = {}
        if asked["XTI_embeddings"]:
            learned = {"xti": "\n".join(asked["XTI_embeddings"]), "model": model}
        words = first_words = _words(made, asked, clip, **learned)
        if highres:
            first_words = _words(made, asked, clip, "first words", highres_scale=highres, **learned)
        if learned:
            model = ["words", 2]
    model = _told_by_lines(made, asked, model, clip)
    model = _guided(made, asked, model, vae, guides)
    latent: Link = LATENT
    if pictures.start:
        made["start"] = _node("VAEEncode", pixels=IMAGE, vae=vae)
        latent = ["start", 0]
    if pictures.mask:
        made["masked"] = _node("SetLatentNoiseMask", samples=latent, mask=MASK)
        latent = ["masked", 0]
    how = sampler(asked["sampler"])
    noise, steps, strength = _drawn(made, asked, how), STEPS, STRENGTH
    controlled = not asked["highres_fix_disable_control_net"]
    control = _Control(made, asked, pictures.guides, vae, in_turn)
    lite = control.lite(model)
    before: dict[str, Link] = {}
    if highres:
        conditioned = control.nets(model, *_looked_at(made, asked, *first_words, stage="first "), stage="first ")
        sampled = _sampled(made, how, lite, *conditioned, noise, FIRST_STEPS, FIRST_STRENGTH, latent, stage="first ")
        made["highres"] = _node(HIGHRES_FIX, samples=sampled, vae=vae, item=ITEM, **_scaling(asked, model))
        latent, noise, steps, strength = SECOND_LATENT, SECOND_NOISE, SECOND_STEPS, SECOND_STRENGTH
        before = {"before": FIRST_IMAGE} if asked["highres_fix_save_1st"] else {}
    conditioned = _looked_at(made, asked, *words)
    if controlled:
        model, conditioned = lite, control.nets(model, *conditioned)
    sampled = _sampled(made, how, model, *conditioned, noise, steps, strength, latent)
    made["decode"] = _node("VAEDecode", samples=sampled, vae=vae)
    made["save"] = _node(ROUND_OUTPUT, images=["decode", 0], item=ITEM, next_round_takes="none", **before)
    return made


def _first_pass(asked: Options) -> dict[str, Any]:
    """What Prompt Lines is told of the first of two passes."""
    if not asked["highres_fix_scale"]:
        return {}
    names = ("scale", "steps", "strength")
    return {f"highres_{name}": asked[f"highres_fix_{name}"] or 0 for name in names}


def _scaling(asked: Options, model: Link) -> dict[str, Any]:
    """What Highres Fix is told. For each picture its line says size, steps and seed, too."""
    known = {"width": WIDTH, "height": HEIGHT, "steps": asked["steps"], "strength": STRENGTH, "seed": 0}
    if file := asked["highres_fix_upscaler_args"]:
        return {**known, "method": "latent upscaler", "upscaler": file, "model": model}
    return {**known, "method": "latent bicubic" if asked["highres_fix_latents_upscaling"] else "lanczos"}


def _models(made: Graph, asked: Options) -> tuple[Link, Link, Link]:
    made["load"] = _node("CheckpointLoaderSimple", ckpt_name=asked["ckpt"])
    model, clip, vae = (["load", output] for output in range(3))
    if asked["v_parameterization"] or asked["zero_terminal_snr"]:
        kind = "v_prediction" if asked["v_parameterization"] else "eps"
        zsnr = bool(asked["zero_terminal_snr"])
        made["schedule"] = _node("ModelSamplingDiscrete", model=model, sampling=kind, zsnr=zsnr)
        model = ["schedule", 0]
    if asked["vae"]:
        made["vae"] = _node("VAELoader", vae_name=asked["vae"])
        vae = ["vae", 0]
    return model, clip, vae


def _loras(made: Graph, asked: Options, **to: Link) -> tuple[Link, Link]:
    """LoRA Stack, which lays them on a MODEL and CLIP, or only lists them. The MODEL and CLIP."""
    files: Sequence[str] = asked["network_weights"]
    made["loras"] = _node(
        LORA_STACK,
        **to,
        item=ITEM,
        clip_strengths="as in the model",
        multipliers=",".join(f"{factor:g}" for factor in asked["network_mul"]),
        **{f"lora_{n}": file for n, file in enumerate(files, 1)},
        **{f"strength_{n}": 1.0 for n in range(1, len(files) + 1)},
    )
    return ["loras", 0], ["loras", 1]


def _words(made: Graph, asked: Options, clip: Link, name: str = "words", **more: Any) -> tuple[Link, Link]:
    made[name] = _node(
        ENCODE_LINE,
        clip=clip,
        item=ITEM,
        positive="",
        negative="",
        emb_normalize_mode=asked["emb_normalize_mode"],
        chunks=asked["max_embeddings_multiples"],
        clip_skip=asked["clip_skip"] or 0,
        embeddings="\n".join(asked["textual_inversion_embeddings"]),
        **{size: asked[size] for size in SIZES if asked[size] is not None},
        **more,
    )
    return [name, 0], [name, 1]


def _regions(made: Graph, asked: Options, model: Link, clip: Link, places: str) -> tuple[Link, Link, Link]:
    """A place and a LoRA for each part of a line with AND."""
    clip = _skipped(made, asked, clip)
    loras = {}
    if asked["network_weights"]:
        _loras(made, asked)
        loras = {"loras": ["loras", 2]}
    made["places"] = _node("LoadImage", image=places)
    codes = asked["network_regional_mask_max_color_codes"]
    colors = {"colors": "codes", "colors.codes": codes} if codes else {"colors": "channels"}
    made["parts"] = _node(
        REGIONS_FROM_MASK,
        clip=clip,
        prompt="",
        image=["places", 0],
        negative="",
        item=ITEM,
        **loras,
        **colors,
    )
    made["regions"] = _node(
        "ResonanceRegions",
        model=model,
        **COUPLE,
        regions=["parts", 0],
        positive=["parts", 1],
        negative=["parts", 2],
    )
    return ["regions", 0], ["regions", 1], ["regions", 2]


def _skipped(made: Graph, asked: Options, clip: Link) -> Link:
    """The CLIP as far as it counts, for nodes that do not see to that."""
    if not (skip := asked["clip_skip"]):
        return clip
    made["skip"] = _node("CLIPSetLastLayer", clip=clip, stop_at_clip_layer=-skip)
    return ["skip", 0]


def _told_by_lines(made: Graph, asked: Options, model: Link, clip: Link) -> Link:
    """Deep Shrink and Negative Scale. They are always there, as any line may ask for them, and do nothing where nobody does."""
    shrink = {name: asked[f"ds_{name}"] for name in ("depth_1", "timesteps_1", "depth_2", "timesteps_2", "ratio")}
    depths = {name: deep_shrink.OFF for name in ("depth_1", "depth_2") if shrink[name] is None}
    made["shrink"] = _node(DEEP_SHRINK, model=model, item=ITEM, **{**shrink, **depths})
    scale = negative_scale.OFF if asked["negative_scale"] is None else asked["negative_scale"]
    empty = _skipped(made, asked, clip)
    made["negative scale"] = _node(NEGATIVE_SCALE, model=["shrink", 0], clip=empty, negative_scale=scale, item=ITEM)
    return ["negative scale", 0]


def _guided(made: Graph, asked: Options, model: Link, vae: Link, files: Mapping[str, str]) -> Link:
    """Gradient Guidance for each kind that is asked for, as gen_img does it.

    Args:
        files: what guides, by the input that names it.
    """
    layer = {"guide.layer": asked["vgg16_guidance_layer"]}
    kinds: dict[str, tuple[str, str, dict[str, Any]]] = {
        "clip": (TEXT, "guide.clip", {"guide.text": "", "item": ITEM}),
        "clip_image": (PICTURE, "guide.clip", {"guide.image": GUIDE}),
        "vgg16": (VGG16, "guide.vgg", {"guide.image": GUIDE, **layer}),
    }
    widgets = {"start": 0.0, "end": 1.0, "shrink": 1.0, "limit": False}
    for name, (kind, file, inputs) in kinds.items():
        if scale := asked[f"{name}_guidance_scale"]:
            given = {"guide": kind, file: files[file], **inputs, "scale": scale, **widgets}
            made[f"{name} guidance"] = _node(GRADIENT_GUIDANCE, model=model, vae=vae, **given)
            model = [f"{name} guidance", 0]
    return model


def _looked_at(made: Graph, asked: Options, positive: Link, negative: Link, *, stage: str = "") -> tuple[Link, Link]:
    """The words, the positive ones with what CLIP vision sees.

    Args:
        stage: stands before the names of nodes that each pass has for itself.
    """
    if (strength := asked["clip_vision_strength"]) is None:
        return positive, negative
    made["eyes"] = _node("CLIPVisionLoader", clip_name="clip_vision_g.safetensors")
    made["seen"] = _node("CLIPVisionEncode", clip_vision=["eyes", 0], image=IMAGE, crop="center")
    made[f"{stage}vision"] = _node(
        "unCLIPConditioning",
        conditioning=positive,
        clip_vision_output=["seen", 0],
        strength=strength,
        noise_augmentation=0.0,
    )
    return [f"{stage}vision", 0], negative


@dataclass(frozen=True)
class _Control:
    """ControlNets, or ControlNet-LLLite.

    Attributes:
        in_turn: the first ones act one in each step, not together.
    """

    made: Graph
    asked: Options
    guides: Sequence[str]
    vae: Link
    in_turn: bool

    def lite(self, model: Link) -> Link:
        """The model with ControlNet-LLLite."""
        for n, file in enumerate(self.asked["control_net_lllite_models"]):
            given = {"image": self._guide(n), "strength": self._strength(n), "start": 0.0, "end": self._end(n)}
            self.made[f"lllite {n}"] = _node(LLLITE, model=model, lllite=file, **given)
            model = [f"lllite {n}", 0]
        return model

    def nets(self, model: Link, positive: Link, negative: Link, *, stage: str = "") -> tuple[Link, Link]:
        """The words with ControlNets."""
        files: list[str] = self.asked["control_net_models"]
        for n, file in enumerate(files):
            self.made[f"net {n}"] = _node("DiffControlNetLoader", model=model, control_net_name=file)
        if self.in_turn and files:
            return self._turns(len(files), positive, negative, stage)
        for n in range(len(files)):
            self.made[f"{stage}control {n}"] = _node(
                "ControlNetApplyAdvanced",
                positive=positive,
                negative=negative,
                control_net=[f"net {n}", 0],
                image=self._guide(n),
                strength=self._strength(n),
                start_percent=0.0,
                end_percent=self._end(n),
                vae=self.vae,
            )
            positive, negative = [f"{stage}control {n}", 0], [f"{stage}control {n}", 1]
        return positive, negative

    def _turns(self, count: int, positive: Link, negative: Link, stage: str) -> tuple[Link, Link]:
        given: dict[str, Any] = {}
        for n in range(count):
            turn = {"control_net": [f"net {n}", 0], "image": self._guide(n)}
            turn |= {"strength": self._strength(n), "end": self._end(n)}
            given |= {f"count.{name}_{n + 1}": value for name, value in turn.items()}
        self.made[f"{stage}turns"] = _node(
            ALTERNATE, positive=positive, negative=negative, count=str(count), vae=self.vae, **given
        )
        return [f"{stage}turns", 0], [f"{stage}turns", 1]

    def _guide(self, n: int) -> Link:
        guide: Link = GUIDE
        if self.guides:
            self.made[f"guide {n}"] = _node("LoadImage", image=self.guides[n])
            guide = [f"guide {n}", 0]
        if thresholds := canny(_of(self.asked["control_net_preps"], n, "none")):
            low, high = (value / 255 for value in thresholds)
            self.made[f"edges {n}"] = _node("Canny", image=guide, low_threshold=low, high_threshold=high)
            guide = [f"edges {n}", 0]
        return guide

    def _strength(self, n: int) -> float:
        return _of(self.asked["control_net_multipliers"] or self.asked["control_net_weights"], n, 1.0)

    def _end(self, n: int) -> float:
        return _of(self.asked["control_net_ratios"], n, 1.0)


def _of(values: Sequence[Any] | None, n: int, default: Any) -> Any:
    return values[n] if values and n < len(values) else default


def _gradual(asked: Options) -> dict[str, Any]:
    """Gradual Latent, which is euler_ancestral unless the command line or a line says otherwise."""
    given = {name: asked[option] for option, name in GRADUAL.items() if asked[option] is not None}
    sharp = given.pop("unsharp_params", None)
    settings = {**vars(Gradual(timesteps=0)), "unsharp": "on" if sharp else "off", **given}
    if sharp:
        settings |= {f"unsharp.{name}": getattr(sharp, name) for name in ("kernel", "sigma", "strength")}
        settings["unsharp.target"] = "picture" if sharp.on_picture else "noise"
    return _node(GRADUAL_LATENT, item=ITEM, **settings)


def _drawn(made: Graph, asked: Options, how: Sampler) -> Link:
    """The noise of the first pass that there is. Its node makes the sampler of each."""
    if how.name == GROWS:
        made["sampler"] = _gradual(asked)
    elif how.eta is None:
        made["sampler"] = _node("KSamplerSelect", sampler_name=how.name)
    else:
        made["sampler"] = _node("SamplerDPMPP_2S_Ancestral", eta=how.eta, s_noise=1.0)
    made["noise"] = _node(PER_PICTURE_NOISE, sampler=["sampler", 0], seed=0, item=ITEM)
    return ["noise", 0]


def _sampled(
    made: Graph,
    how: Sampler,
    model: Link,
    positive: Link,
    negative: Link,
    noise: Link,
    steps: Link,
    strength: Link,
    latent: Link,
    *,
    stage: str = "",
) -> Link:
    """What a pass makes."""
    made[f"{stage}sigmas"] = _node(
        "BasicScheduler", model=model, scheduler=how.scheduler, steps=steps, denoise=strength
    )
    made[f"{stage}guider"] = _node("CFGGuider", model=model, positive=positive, negative=negative, cfg=SCALE)
    made[f"{stage}sample"] = _node(
        "SamplerCustomAdvanced",
        noise=noise,
        guider=[f"{stage}guider", 0],
        sampler=["noise", 1],
        sigmas=[f"{stage}sigmas", 0],
        latent_image=latent,
    )
    return [f"{stage}sample", 0]


def _node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}
