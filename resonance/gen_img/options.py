"""The options of gen_img's command line: what becomes of each. Its specification is that of kohya-ss/sd-scripts, gen_img.py and the
older gen_img_diffusers.py."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..paint.gradual import read_unsharp
from ..paint.kohya_samplers import COMFYUI, SAMPLERS
from ..paint.options import OPTIONS as LINE_OPTIONS
from ..paint.options import Kind, decimal, whole
from ..told import Told


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option. Unless ``core`` or ``instead`` is set, the command does what it asks for.

    Attributes:
        name: without dashes.
        tip: for the help.
        kind: what a word of it must be; None: it is a switch.
        many: it takes a list of words.
        default: where it is not given; None: nothing.
        spelled: other spellings that gen_img's README has.
        core: who does it without being told, and how it is set there.
        instead: it is refused; what will do in its place.
        servers: ComfyUI is needed for it.
    """

    name: str
    tip: str
    kind: Kind | None = None
    many: bool = False
    default: Any = None
    spelled: tuple[str, ...] = ()
    core: str = ""
    instead: str = ""
    servers: bool = False

    @property
    def does(self) -> str:
        """What becomes of it, in a word."""
        return "refused" if self.instead else "ComfyUI does it by itself" if self.core else "does it"

    @property
    def refusal(self) -> str:
        return f"--{self.name} is not taken. {self.instead}"


def one_of(*names: str) -> Kind:
    def read(text: str) -> str:
        if text not in names:
            raise ValueError
        return text

    return Kind(f"one of {', '.join(names)}", read)


PRECISION = "ComfyUI chooses the precision; its own options, such as --fp16-unet and --fp32-vae, set it."
ATTENTION = "ComfyUI takes the fastest attention that is there; its own options, such as --use-sage-attention, set it."
VAE = "ComfyUI decodes in pieces when memory is short."
DETECTED = "ComfyUI sees in the file what kind of model it is."
MERGED = "ComfyUI lays LoRAs into the weights before it paints, once for pictures that want the same."
NOISE = (
    "Noise is what ComfyUI draws for the seed: pyramid and offset noise are refused, and kohya's own noise is not drawn either. Leave it"
    " out, or add noise in a workflow of yours with Prompt Lines, passed with --workflow."
)
PYTHON = "Nobody's Python is run here. Let the program print a line for each picture: program | resonance paint -"
UPSCALER = "tools.latent_upscaler"

_side, _start = whole(16, 16384), whole(0, 16384)
_count, _float = whole(1, 100_000), decimal(-1e6, 1e6)


def _sampler(text: str) -> str:
    if text not in SAMPLERS and text not in COMFYUI:
        raise ValueError
    return text


def _weights(text: str) -> str:
    """The file that arguments of the upscaler name."""
    name, _, file = text.partition("=")
    if name.strip() != "weights" or not file.strip() or ";" in file:
        raise ValueError
    return file.strip()


TEXT = Kind("text", str)
_ROWS = (
    # Models
    Option(name="ckpt", tip="The checkpoint: its name in ComfyUI, or a path that ends in that name.", kind=TEXT),
    Option(name="vae", tip="A VAE in place of the checkpoint's own.", kind=TEXT, servers=True),
    Option(name="sdxl", tip="The model is SDXL: pictures are 1024 x 1024 unless --W and --H say otherwise."),
    Option(name="v1", tip="The model is Stable Diffusion 1.", core=DETECTED),
    Option(name="v2", tip="The model is Stable Diffusion 2.", core=DETECTED),
    Option(name="v_parameterization", tip="The model predicts v.", servers=True),
    Option(name="zero_terminal_snr", tip="The schedule begins with nothing but noise.", servers=True),
    Option(
        name="force_scheduler_zero_steps_offset",
        tip="Pictures that start from pictures get as much noise as their first step expects.",
        core="ComfyUI always gives as much noise as the first step expects.",
    ),
    # Noise
    *(
        Option(name=name, tip=tip, kind=_float, many=many, instead=NOISE)
        for name, tip, many in (
            ("pyramid_noise_prob", "How often noise of several sizes is added.", False),
            ("noise_offset_prob", "How often all noise is moved.", False),
            ("pyramid_noise_discount_range", "How much each size of that noise counts.", True),
            ("noise_offset_range", "How far the noise is moved.", True),
        )
    ),
    # Prompts
    Option(name="prompt", tip="One line of prompt, with options behind --.", kind=TEXT),
    Option(name="from_file", tip="A text file of prompt lines, UTF-8. The same as FILE.", kind=TEXT),
    Option(
        name="from_module",
        tip="A Python file that makes prompts.",
        kind=TEXT,
        instead=PYTHON,
    ),
    Option(
        name="prompter_module_args",
        tip="What such a file is told.",
        kind=TEXT,
        instead=PYTHON,
    ),
    Option(name="interactive", tip="Asks for a line, paints it, and asks again; or reads lines from a pipe."),
    Option(
        name="no_preview",
        tip="Shows no pictures while it works.",
        core="No preview window is opened in any case; the pictures are in the folder of --outdir.",
    ),
    # Pictures to start from
    Option(
        name="image_path", tip="A picture to start from, or a folder of them, one for each shot in turn.", kind=TEXT
    ),
    Option(
        name="mask_path",
        tip="A mask, white where the start picture is painted anew, or a folder of them. With LoRAs and lines with AND: the"
        " places of the parts, in colours.",
        kind=TEXT,
        spelled=("mask_image",),
    ),
    Option(
        name="strength",
        tip="How much of the start picture, or of that of the first pass, is painted anew. Default: 0.8.",
        kind=decimal(0.01, 1),
    ),
    # How many
    Option(name="images_per_prompt", tip="Pictures of each line.", kind=_count, default=1),
    Option(name="n_iter", tip="How often all lines are gone through.", kind=_count, default=1),
    Option(name="batch_size", tip="How many pictures are painted at once.", kind=whole(1, 64), default=1),
    # Files
    Option(
        name="outdir",
        tip="The folder of the pictures, which is the session: the same command goes on there.",
        kind=TEXT,
        default="outputs",
    ),
    Option(name="sequential_file_name", tip="Pictures are im_000001.png, im_000002.png, ..."),
    Option(name="use_original_file_name", tip="Pictures are named as those that they start from."),
    # Sizes
    Option(name="W", tip="Width in pixels. Default: 512, with --sdxl 1024; of start pictures, their own.", kind=_side),
    Option(name="H", tip="Height in pixels.", kind=_side),
    *(
        Option(name=name, tip=tip, kind=_start, servers=True)
        for name, tip in (
            ("original_height", "SDXL: the height that pictures are to look scaled from."),
            ("original_width", "SDXL: the width that pictures are to look scaled from."),
            ("original_height_negative", "SDXL: original_height of the negative prompt."),
            ("original_width_negative", "SDXL: original_width of the negative prompt."),
            ("crop_top", "SDXL: how much is to look cropped at the top."),
            ("crop_left", "SDXL: how much is to look cropped on the left."),
        )
    ),
    # Memory and speed
    Option(name="vae_batch_size", tip="How many pictures the VAE decodes at once.", kind=_float, core=VAE),
    Option(name="vae_slices", tip="In how many slices the VAE decodes.", kind=_count, core=VAE),
    Option(name="no_half_vae", tip="The VAE works in float32.", core=PRECISION),
    # Sampling
    Option(name="steps", tip="Length of the schedule.", kind=whole(1, 1000), default=50),
    Option(
        name="sampler",
        tip=f"{', '.join(SAMPLERS)}, or a name of ComfyUI's.",
        kind=Kind(f"one of {', '.join(SAMPLERS)}, or a name of ComfyUI's", _sampler),
        default="ddim",
    ),
    Option(name="scale", tip="Classifier-free guidance.", kind=decimal(0, 100), default=7.5),
    Option(
        name="negative_scale",
        tip="How strongly the negative prompt acts, whatever --scale is: --scale minus 1 is the usual strength, 0 none. A step takes half"
        " as long again.",
        kind=decimal(0, 100),
        servers=True,
    ),
    Option(
        name="seed",
        tip="Seed from which those of all pictures follow; of a single picture, its own. Default: a random one, which is printed.",
        kind=whole(0, 2**50 - 1),
    ),
    Option(name="iter_same_seed", tip="All lines of an iteration have the same seed."),
    Option(name="shuffle_prompts", tip="The pictures of an iteration are made in random order."),
    *(Option(name=name, tip=f"The model works in {name}.", core=PRECISION) for name in ("fp16", "bf16")),
    *(
        Option(name=name, tip="A faster attention.", core=ATTENTION)
        for name in ("xformers", "sdpa", "diffusers_xformers")
    ),
    Option(
        name="opt_channels_last",
        tip="Another layout in memory.",
        core="ComfyUI chooses the layout; its own option --force-channels-last sets it.",
    ),
    Option(
        name="tokenizer_cache_dir",
        tip="Folder of tokenizers.",
        kind=TEXT,
        core="ComfyUI brings its tokenizers along.",
    ),
    # LoRAs
    Option(
        name="network_module",
        tip="What kind of network each file is; their count must be that of the files.",
        kind=TEXT,
        many=True,
        servers=True,
    ),
    Option(name="network_weights", tip="LoRA files, up to eight.", kind=TEXT, many=True, servers=True),
    Option(name="network_mul", tip="How strongly each acts.", kind=decimal(-100, 100), many=True, servers=True),
    Option(
        name="network_args",
        tip="What the networks are told.",
        kind=TEXT,
        many=True,
        core="Ranks and kinds of LoRAs are read from their files.",
    ),
    Option(name="network_merge", tip="LoRAs are laid into the weights.", core=MERGED),
    Option(name="network_pre_calc", tip="LoRAs are laid into the weights before each picture.", core=MERGED),
    Option(name="network_show_meta", tip="Shows what the LoRA files say of themselves.", servers=True),
    Option(name="network_merge_n_models", tip="How many LoRAs are laid into the weights.", kind=_count, core=MERGED),
    Option(
        name="network_regional_mask_max_color_codes",
        tip="The places in --mask_path are exact colours, so many of them.",
        kind=whole(1, 7),
        servers=True,
    ),
    # Words
    Option(
        name="textual_inversion_embeddings",
        tip="Embeddings, which act where their names are words of a prompt.",
        kind=TEXT,
        many=True,
        servers=True,
    ),
    Option(
        name="XTI_embeddings",
        tip="Embeddings for SD1.5 with vectors for each cross-attention, which act where their names are words of a prompt.",
        kind=TEXT,
        many=True,
        servers=True,
    ),
    Option(
        name="clip_skip", tip="Which layer of the text encoder counts, from the last.", kind=whole(1, 24), servers=True
    ),
    Option(
        name="max_embeddings_multiples",
        tip="How many chunks of 75 tokens a prompt may have.",
        kind=whole(1, 64),
        default=1,
        servers=True,
    ),
    Option(
        name="emb_normalize_mode",
        tip="How vectors are scaled after words were weighted: original, abs, none.",
        kind=one_of("original", "abs", "none"),
        default="original",
        servers=True,
    ),
    # ControlNet
    Option(
        name="guide_image_path",
        tip="Pictures for ControlNet: a file, a folder, or a file for each of the models. For CLIP image and VGG16 guidance: a file or a folder.",
        kind=TEXT,
        many=True,
        servers=True,
    ),
    Option(name="control_net_models", tip="ControlNets; several act together.", kind=TEXT, many=True, servers=True),
    Option(
        name="control_net_preps",
        tip="What is done to the guide picture for each: none, canny, canny_63_191.",
        kind=TEXT,
        many=True,
        servers=True,
    ),
    Option(
        name="control_net_multipliers",
        tip="How strongly each acts.",
        kind=decimal(0, 10),
        many=True,
        servers=True,
    ),
    Option(
        name="control_net_weights",
        tip="The same as --control_net_multipliers.",
        kind=decimal(0, 10),
        many=True,
        servers=True,
    ),
    Option(
        name="control_net_ratios",
        tip="Up to which share of the schedule each acts.",
        kind=decimal(0, 1),
        many=True,
        servers=True,
    ),
    Option(
        name="control_net_lllite_models",
        tip="ControlNet-LLLite, in place of ControlNets: pictures, multipliers and ratios are theirs then.",
        kind=TEXT,
        many=True,
        servers=True,
    ),
    Option(
        name="clip_vision_strength",
        tip="SDXL: how strongly the start picture acts through CLIP vision.",
        kind=decimal(-10, 10),
        servers=True,
    ),
    # Large pictures
    *(
        Option(name=f"ds_{name}", tip=tip, kind=kind, default=default, servers=True)
        for name, tip, kind, default in (
            (
                "depth_1",
                "Deep Shrink: the first steps see a smaller picture, from this depth of the model on; 0 to 3, SDXL 0 to 8.",
                whole(0, 8),
                None,
            ),
            ("timesteps_1", "Deep Shrink: down to which time step they do, from 1000 to 0.", whole(0, 1000), 650),
            ("depth_2", "Deep Shrink: from which depth on further steps do.", whole(0, 8), None),
            (
                "timesteps_2",
                "Deep Shrink: down to which time step those do. It must be below --ds_timesteps_1.",
                whole(0, 1000),
                650,
            ),
            ("ratio", "Deep Shrink: how large that picture is; 0.5 is half as wide and high.", decimal(0.01, 1), 0.5),
        )
    ),
    # Gradual latent
    *(
        Option(name=f"gradual_latent_{name}", tip=tip, kind=kind, spelled=spelled, servers=True)
        for name, kind, tip, spelled in (
            (
                "timesteps",
                whole(0, 1000),
                "Pictures begin small, and grow below this time step: 750 is a good one. Only with --sampler euler_a, k_euler_a or"
                " euler_ancestral. Without it, lines turn it on with --glt.",
                (),
            ),
            (
                "ratio",
                decimal(0.05, 1),
                "How large they are at the beginning. Default: 0.5, half as wide and high.",
                (),
            ),
            ("ratio_step", decimal(0.01, 1), "How much is added each time they grow. Default: 0.125.", ()),
            ("s_noise", decimal(0, 100), "How much of its noise a step adds in which they grow. Default: 1.", ()),
            (
                "every_n_steps",
                whole(1, 1000),
                "They grow every so many steps, until they are as large as asked for. Default: 3.",
                ("gradual_latent_ratio_every_n_steps",),
            ),
            (
                "unsharp_params",
                Kind(LINE_OPTIONS["glus"].kind.wants, read_unsharp),
                "Kernel, sigma and strength of the sharpening when they grow, and whether the picture is sharpened (1) or what the"
                " step begins with (0): 3,0.5,0.5,1. Default: none.",
                (),
            ),
        )
    ),
    # Two passes
    *(
        Option(name=f"highres_fix_{name}", tip=tip, kind=kind, default=default, servers=True)
        for name, tip, kind, default in (
            (
                "scale",
                "Pictures are painted in two passes, the first with sides of this share; --steps and --strength are the second's.",
                decimal(0.01, 1),
                None,
            ),
            (
                "strength",
                "How much of a start picture the first pass paints anew. Default: --strength.",
                decimal(0.01, 1),
                None,
            ),
            ("steps", "Length of the first pass's schedule. Default: 28.", whole(1, 1000), 28),
            ("save_1st", "The picture of the first pass is saved, too.", None, None),
            (
                "latents_upscaling",
                "Between the passes latents are scaled, bicubic, in place of the picture; not with an upscaler.",
                None,
                None,
            ),
            ("disable_control_net", "The second pass is painted without ControlNet.", None, None),
            (
                "upscaler",
                f"What scales between the passes: {UPSCALER}, for SD1.5 and SD2.",
                one_of(UPSCALER),
                None,
            ),
            (
                "upscaler_args",
                "Its file, of ComfyUI's models/latent_upscale_models: weights=FILE.",
                Kind("weights=FILE and nothing else", _weights),
                None,
            ),
        )
    ),
    # Guided by gradients
    *(
        Option(name=f"{name}_guidance_scale", tip=tip, kind=decimal(0, 1e6), default=0, servers=True)
        for name, tip in (
            (
                "clip",
                "How strongly the picture is pulled towards its words, or those of --c, by CLIP; try 100. A step takes several times as long.",
            ),
            ("clip_image", "How strongly it is pulled towards --guide_image_path by CLIP; try 100."),
            ("vgg16", "How strongly it is pulled towards --guide_image_path by VGG16; try 100."),
        )
    ),
    Option(
        name="vgg16_guidance_layer",
        tip="In which layer of VGG16 the pictures are compared. Default: 20.",
        kind=whole(0, 30),
        default=20,
        spelled=("vgg16_guidance_layerP",),
        servers=True,
    ),
)

OPTIONS: Mapping[str, Option] = {option.name: option for option in _ROWS}
"""By name."""

SPELLINGS: Mapping[str, str] = {
    **{spelling: option.name for option in _ROWS for spelling in option.spelled},
    "img_path": "image_path",
}
"""Names that do not exist, and are in gen_img's README."""


def refuse(given: Mapping[str, Any]) -> None:
    """
    Raises:
        Told: an option is refused; all that are, are named.
    """
    refused = [OPTIONS[name] for name in given if OPTIONS[name].instead]
    if refused:
        raise Told("\n".join(option.refusal for option in refused))


def remarks(given: Mapping[str, Any]) -> list[str]:
    """What is said of options that ComfyUI does by itself, a sentence each."""
    found = dict[str, list[str]]()
    for name in given:
        if core := OPTIONS[name].core:
            found.setdefault(core, []).append(f"--{name}")
    return [f"{', '.join(names)}: {core}" for core, names in found.items()]
