"""Each of gen_img's 97 options: it does on a tiny model what it says, or a sentence says why not."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from resonance.gen_img.options import OPTIONS

from .comfy import Comfy
from .test_encode_line import embeddings as embeddings
from .test_highres_fix import upscaler as upscaler
from .test_shell_paint import LORA, comfy, halves, hue, made, paint, shots
from .test_xti import vectors as vectors
from .test_xti import xti as xti

__all__ = ["comfy", "embeddings", "upscaler"]

SD = "--ckpt tiny_sd15.safetensors"
SMALL = "--W 64 --H 64 --steps 5 --sampler euler --scale 1"
"""With fewer steps, or a higher scale, colours of the tiny model are at their end."""
PROMPT = "--prompt 'a the red'"
RED = f"{SD} {SMALL} --seed 5 {PROMPT}"


@dataclass
class Ran:
    """What a command line came to."""

    folder: Path
    said: str

    @cached_property
    def pictures(self) -> list[Path]:
        return made(self.folder)

    @cached_property
    def lines(self) -> list[dict[str, Any]]:
        return [payload for *_, payload in shots(self.folder)]

    def inputs(self, kind: str) -> dict[str, Any]:
        """Of the only node of its kind in the graph that painted."""
        graph: Mapping[str, Any] = json.loads(Image.open(self.pictures[0]).text["prompt"])  # pyright: ignore
        [inputs] = [node["inputs"] for node in graph.values() if node["class_type"] == kind]
        return inputs

    @property
    def mean(self) -> tuple[int, ...]:
        return Image.open(self.pictures[0]).convert("RGB").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))  # pyright: ignore


Check = Callable[[Ran, Ran], bool]
"""Of what ran with the option, and what ran without."""


def differs(ran: Ran, plain: Ran) -> bool:
    return Image.open(ran.pictures[0]).tobytes() != Image.open(plain.pictures[0]).tobytes()


def encoded(**wanted: Any) -> Check:
    return lambda ran, _: wanted.items() <= ran.inputs("ResonanceEncodeLine").items()


def fixed(**wanted: Any) -> Check:
    return lambda ran, _: wanted.items() <= ran.inputs("ResonanceHighresFix").items()


def grown(**wanted: Any) -> Check:
    return lambda ran, _: wanted.items() <= ran.inputs("ResonanceGradualLatent").items()


def shrunk(**wanted: Any) -> Check:
    return lambda ran, plain: differs(ran, plain) and wanted.items() <= ran.inputs("ResonanceDeepShrink").items()


def sampled(**wanted: Any) -> Check:
    def check(ran: Ran, plain: Ran) -> bool:
        return differs(ran, plain) and wanted.items() <= ran.inputs("ModelSamplingDiscrete").items()

    return check


LORAS = f"{RED} --network_module networks.lora --network_weights {LORA}"
START = f"{SD} --steps 4 --sampler euler --scale 2 --seed 5 --prompt red --image_path <grey> --strength 0.9"
GUIDED = f"{RED.replace('--scale 1', '--scale 4')} --negative_scale 0"
SHRUNK = f"{RED} --ds_depth_1 0"
NETS = f"{RED} --control_net_models tiny_controlnet --guide_image_path <codes>"
GROWS = (
    f"{RED.replace('--sampler euler', '--sampler euler_a')} --gradual_latent_timesteps 1000"
    " --gradual_latent_every_n_steps 1 --gradual_latent_ratio_step 0.25"
)

PULLED = f"{RED} --guide_image_path <codes>"
"""Towards a picture."""


def pulled(kind: str, **wanted: Any) -> Check:
    def check(ran: Ran, plain: Ran) -> bool:
        inputs = ran.inputs("ResonanceGradientGuidance")
        guide = {f"guide.{name}": value for name, value in wanted.items()}
        return differs(ran, plain) and inputs["guide"] == kind and guide.items() <= inputs.items()

    return check


HIGH = f"{RED} --highres_fix_scale 0.5 --highres_fix_steps 3 --strength 0.5"
UPSCALED = (
    f"{HIGH} --highres_fix_upscaler tools.latent_upscaler --highres_fix_upscaler_args weights=tiny_upscaler.safetensors"
)

DOES: dict[str, tuple[str, Check]] = {
    "ckpt": (RED, lambda ran, _: hue(ran.pictures[0]) == "red"),
    "vae": (
        f"{RED} --vae tiny_cast.safetensors",
        lambda ran, plain: ran.mean[1] < plain.mean[1] and ran.mean[2] > plain.mean[2],
    ),
    "sdxl": (f"{RED.replace('--H 64', '')} --sdxl", lambda ran, _: ran.lines[0]["height"] == 1024),
    "v_parameterization": (f"{RED} --v_parameterization", sampled(sampling="v_prediction", zsnr=False)),
    "zero_terminal_snr": (f"{RED} --zero_terminal_snr", sampled(sampling="eps", zsnr=True)),
    "prompt": (RED.replace(PROMPT, "--prompt 'blue --n red'"), lambda ran, _: hue(ran.pictures[0]) == "blue"),
    "from_file": (RED.replace(PROMPT, "--from_file <lines>"), lambda ran, _: len(ran.pictures) == 3),
    "interactive": (
        RED.replace(PROMPT, "--interactive"),
        lambda ran, _: [line["prompt"] for line in ran.lines] == ["green", "blue"],
    ),
    "image_path": (START, lambda ran, _: Image.open(ran.pictures[0]).size == (64, 64)),
    "mask_path": (
        f"{START} --mask_path <right>",
        lambda ran, _: (lambda left, right: max(left) - min(left) < 15 and right[0] > right[1] + 40)(
            *halves(ran.pictures[0])
        ),
    ),
    "strength": (
        START.replace("0.9", "0.3"),
        lambda ran, _: ran.lines[0]["strength"] == 0.3 and ran.mean[0] - ran.mean[1] < 60,
    ),
    "images_per_prompt": (f"{RED} --images_per_prompt 3", lambda ran, _: len(ran.pictures) == 3),
    "n_iter": (f"{RED} --n_iter 2", lambda ran, _: [row[1] for row in shots(ran.folder)] == [1, 2]),
    "batch_size": (
        f"{RED} --images_per_prompt 3 --batch_size 3",
        lambda ran, _: sorted(path.name.split("_")[2] for path in ran.pictures) == ["000", "001", "002"],
    ),
    "outdir": (RED, lambda ran, _: (ran.folder / "ledger.sqlite3").is_file()),
    "sequential_file_name": (
        f"{RED} --sequential_file_name",
        lambda ran, _: [path.name for path in ran.pictures] == ["im_000001.png"],
    ),
    "use_original_file_name": (
        f"{START} --use_original_file_name",
        lambda ran, _: [path.name for path in ran.pictures] == ["grey.png"],
    ),
    "W": (RED.replace("--W 64", "--W 96"), lambda ran, _: Image.open(ran.pictures[0]).size == (96, 64)),
    "H": (RED.replace("--H 64", "--H 96"), lambda ran, _: Image.open(ran.pictures[0]).size == (64, 96)),
    **{
        name: (f"{RED} --{name} 48", encoded(**{name: 48}))
        for name in (
            *("original_height", "original_width", "original_height_negative", "original_width_negative"),
            *("crop_top", "crop_left"),
        )
    },
    "steps": (
        RED.replace("--steps 5", "--steps 6"),
        lambda ran, plain: ran.lines[0]["steps"] == 6 and differs(ran, plain),
    ),
    "sampler": (
        RED.replace("--sampler euler", "--sampler k_dpm_2_a"),
        lambda ran, plain: ran.inputs("KSamplerSelect")["sampler_name"] == "dpm_2_ancestral" and differs(ran, plain),
    ),
    "scale": (
        RED.replace("--scale 1", "--scale 7"),
        lambda ran, plain: ran.mean[0] - ran.mean[1] > plain.mean[0] - plain.mean[1],
    ),
    "seed": (RED, lambda ran, _: ran.lines[0]["seed"] == 5),
    "iter_same_seed": (
        f"{RED.replace(PROMPT, '<lines>')} --iter_same_seed",
        lambda ran, _: len({line["seed"] for line in ran.lines}) == 1,
    ),
    "shuffle_prompts": (
        f"{RED.replace(PROMPT, '<many>')} --shuffle_prompts --sequential_file_name",
        lambda ran, _: (lambda seeds: sorted(seeds) == list(range(8)) and seeds != sorted(seeds))(
            [json.loads(Image.open(path).text["resonance"])["seed"] for path in ran.pictures]  # pyright: ignore
        ),
    ),
    "negative_scale": (
        GUIDED,
        lambda ran, plain: differs(ran, plain) and ran.inputs("ResonanceNegativeScale")["negative_scale"] == 0,
    ),
    "network_module": (f"{LORAS} {LORA} --network_mul 0.6", lambda ran, _: "names 1, --network_weights 2" in ran.said),
    "network_weights": (LORAS, lambda ran, plain: ran.mean[2] > plain.mean[2] + 60),
    "network_mul": (f"{LORAS} --network_mul 0", lambda ran, plain: not differs(ran, plain)),
    "network_show_meta": (f"{LORAS} --network_show_meta", lambda ran, _: f"{LORA}: {{}}" in ran.said),
    "network_regional_mask_max_color_codes": (
        f"{RED.replace(PROMPT, '')} --prompt 'a red AND a blue' --mask_path <codes>"
        " --network_regional_mask_max_color_codes 2",
        lambda ran, _: (lambda left, right: left[0] > left[2] + 40 and right[2] > right[0] + 40)(
            *halves(ran.pictures[0])
        ),
    ),
    "textual_inversion_embeddings": (
        f"{RED.replace(PROMPT, '')} --prompt 'red bright' --textual_inversion_embeddings bright.safetensors",
        encoded(embeddings="bright"),
    ),
    "XTI_embeddings": (
        f"{RED.replace(PROMPT, '').replace('tiny_sd15', 'tiny_sd15_topology')} --prompt 'a blue16 --n mixed'"
        " --XTI_embeddings mixed D:\\\\mine\\\\blue16.safetensors",
        lambda ran, plain: (
            encoded(xti="mixed\nblue16", model=["load", 0])(ran, plain)
            and ran.inputs("CFGGuider")["model"] == ["negative scale", 0]
            and ran.mean[2] > ran.mean[0] + 40
        ),
    ),
    "clip_skip": (f"{RED} --clip_skip 2", encoded(clip_skip=2)),
    "max_embeddings_multiples": (f"{RED} --max_embeddings_multiples 3", encoded(chunks=3)),
    "emb_normalize_mode": (f"{RED} --emb_normalize_mode abs", encoded(emb_normalize_mode="abs")),
    "guide_image_path": (
        f"{RED} --guide_image_path <grey>",
        lambda ran, _: "is for --control_net_models" in ran.said,
    ),
    "control_net_models": (NETS, differs),
    "control_net_preps": (
        f"{NETS} --control_net_preps canny_63_191",
        lambda ran, _: (
            [round(value * 255) for key, value in ran.inputs("Canny").items() if "threshold" in key] == [63, 191]
        ),
    ),
    "control_net_lllite_models": (
        f"{RED} --control_net_lllite_models noise_sd15 --guide_image_path <codes>",
        lambda ran, plain: (
            differs(ran, plain) and ran.inputs("ResonanceControlNetLLLite")["lllite"] == "noise_sd15.safetensors"
        ),
    ),
    "control_net_multipliers": (f"{NETS} --control_net_multipliers 0", lambda ran, plain: not differs(ran, plain)),
    "control_net_weights": (f"{NETS} --control_net_weights 0", lambda ran, plain: not differs(ran, plain)),
    "control_net_ratios": (
        f"{NETS} --control_net_ratios 0.5",
        lambda ran, _: ran.inputs("ControlNetApplyAdvanced")["end_percent"] == 0.5,
    ),
    "clip_vision_strength": (
        f"{START} --clip_vision_strength 0.5",
        lambda ran, _: "There is no clip_vision_g.safetensors in ComfyUI's models/clip_vision." in ran.said,
    ),
    "clip_guidance_scale": (
        f"{RED.replace('a the red', 'a the red --c cab')} --clip_guidance_scale 100",
        pulled("text by CLIP", clip="tiny clip"),
    ),
    "clip_image_guidance_scale": (
        f"{PULLED} --clip_image_guidance_scale 100 --clip_guidance_model 'tiny clip'",
        pulled("picture by CLIP", clip="tiny clip"),
    ),
    "vgg16_guidance_scale": (f"{PULLED} --vgg16_guidance_scale 100", pulled("picture by VGG16", layer=20)),
    "vgg16_guidance_layer": (
        f"{PULLED} --vgg16_guidance_scale 1 --vgg16_guidance_layer 3 --vgg16_guidance_model vgg16",
        pulled("picture by VGG16", layer=3, vgg="vgg16.safetensors"),
    ),
    "gradual_latent_timesteps": (GROWS, grown(timesteps=1000)),
    "gradual_latent_ratio": (f"{GROWS} --gradual_latent_ratio 0.6", grown(ratio=0.6)),
    "gradual_latent_ratio_step": (GROWS, grown(ratio_step=0.25)),
    "gradual_latent_s_noise": (f"{GROWS} --gradual_latent_s_noise 1.1", grown(s_noise=1.1)),
    "gradual_latent_every_n_steps": (GROWS, grown(every_n_steps=1)),
    "gradual_latent_unsharp_params": (
        f"{GROWS} --gradual_latent_unsharp_params 3,1.0,0.5,0",
        grown(**{"unsharp": "on", "unsharp.kernel": 3, "unsharp.strength": 0.5, "unsharp.target": "noise"}),
    ),
    "highres_fix_scale": (HIGH, fixed(method="lanczos")),
    "highres_fix_strength": (
        f"{START} --highres_fix_scale 0.5 --highres_fix_steps 4 --highres_fix_strength 0.7",
        lambda ran, _: ran.inputs("ResonancePromptLines")["highres_strength"] == 0.7,
    ),
    "highres_fix_steps": (HIGH, lambda ran, _: ran.inputs("ResonancePromptLines")["highres_steps"] == 3),
    "highres_fix_save_1st": (
        f"{HIGH} --highres_fix_save_1st",
        lambda ran, _: [Image.open(path).size for path in ran.pictures] == [(32, 32), (64, 64)],
    ),
    "highres_fix_latents_upscaling": (f"{HIGH} --highres_fix_latents_upscaling", fixed(method="latent bicubic")),
    "highres_fix_disable_control_net": (
        f"{HIGH} {NETS.replace(RED, '')} --highres_fix_disable_control_net",
        lambda ran, _: ran.inputs("ControlNetApplyAdvanced")["positive"] == ["first words", 0],
    ),
    "highres_fix_upscaler": (UPSCALED, fixed(method="latent upscaler")),
    "highres_fix_upscaler_args": (UPSCALED, fixed(upscaler="tiny_upscaler.safetensors")),
    "ds_depth_1": (SHRUNK, shrunk(depth_1=0, depth_2=-1, timesteps_1=650, ratio=0.5)),
    "ds_timesteps_1": (f"{SHRUNK} --ds_timesteps_1 900", shrunk(timesteps_1=900)),
    "ds_depth_2": (f"{SHRUNK} --ds_depth_2 0", shrunk(depth_2=0, timesteps_2=650)),
    "ds_timesteps_2": (f"{SHRUNK} --ds_depth_2 0 --ds_timesteps_2 300", shrunk(timesteps_2=300)),
    "ds_ratio": (f"{SHRUNK} --ds_ratio 0.25", shrunk(ratio=0.25)),
}
FAILS = ("network_module", "guide_image_path", "clip_vision_strength")
"""Rows whose line ends in a sentence."""
DAILY = (
    "ckpt",
    "vae",
    "v_parameterization",
    "mask_path",
    "batch_size",
    "crop_left",
    "shuffle_prompts",
    "network_weights",
)
DAILY += (
    "network_regional_mask_max_color_codes",
    "control_net_preps",
    "clip_vision_strength",
    "network_show_meta",
    "vgg16_guidance_layer",
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("given")
    (folder / "lines.txt").write_text("red\nblue\ngreen\n")
    (folder / "many.txt").write_text("".join(f"red --d {seed}\n" for seed in range(8)))
    Image.new("RGB", (64, 64), "grey").save(folder / "grey.png")
    for name, left, right in (("right", "black", "white"), ("codes", "red", "lime")):
        mask = Image.new("RGB", (64, 64), left)
        mask.paste(Image.new("RGB", (32, 64), right), (32, 0))
        mask.save(folder / f"{name}.png")
    return {path.stem: path for path in folder.iterdir()}


def ran(comfy: Comfy | None, line: str, files: Mapping[str, Path], folder: Path, status: int) -> Ran:
    for name, path in files.items():
        line = line.replace(f"<{name}>", str(path))
    return Ran(folder, paint(comfy, line, "--outdir", folder, typed="green\n\nblue\n", status=status).stderr)


@pytest.fixture(scope="module")
def plain(comfy: Comfy, files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return ran(comfy, RED, files, tmp_path_factory.mktemp("plain"), 0)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.long if name in DOES and name not in DAILY else ()) for name in OPTIONS],
)
def test_each_option(
    comfy: Comfy,
    request: pytest.FixtureRequest,
    files: dict[str, Path],
    plain: Ran,
    embeddings: None,
    tmp_path: Path,
    name: str,
):
    option = OPTIONS[name]
    if name == "XTI_embeddings":
        request.getfixturevalue("xti")
    if name == "control_net_lllite_models":
        request.getfixturevalue("lllites")
    if option.does == "does it":
        line, check = DOES[name]
        assert name in FAILS or f"--{name} " in f"{line} --outdir "
        found = ran(comfy, line, files, tmp_path / "out", 1 if name in FAILS else 0)
        assert check(found, plain), found.said
        return
    value = (
        ""
        if option.kind is None
        else " 0.5"
        if name.endswith(("range", "prob", "scale", "strength", "ratio"))
        else " 3"
    )
    found = ran(None, f"--ckpt m.safetensors --server http://127.0.0.1:1 --{name}{value}", files, tmp_path / "out", 1)
    if option.instead:
        assert found.said.strip() == f"Error: --{name} is not taken. {option.instead}"
    else:
        assert f"--{name}: {option.core}" in found.said


def test_there_are_as_many_as_in_gen_img():
    assert len(OPTIONS) == 97 and DOES.keys() == {name for name, option in OPTIONS.items() if option.does == "does it"}


def test_negative_scale_and_deep_shrink_of_lines(comfy: Comfy, tmp_path: Path):
    """Before the options, for their line only, and in a batch."""
    red = "a the red --d 5 --l 4"
    lines = [red, f"{red} --n blue", f"{red} --n blue --nl none", f"{red} --n blue --nl 3", f"{red} --n blue --dsd1 0"]
    (tmp_path / "lines.txt").write_text("\n".join(lines))
    said = paint(
        comfy,
        f"{SD} {SMALL} --negative_scale 0 --batch_size 2 --sequential_file_name",
        tmp_path / "lines.txt",
        "--outdir",
        tmp_path / "out",
    ).stderr
    assert "nothing" not in said
    without, none, ever, three, shrunk = (np.asarray(Image.open(path), dtype=int) for path in made(tmp_path / "out"))

    def apart(one: Any, other: Any) -> int:
        return abs(one - other).max()

    assert apart(without, none) <= 1 and apart(ever, three) <= 1
    assert apart(none, ever) > 10 and apart(none, shrunk) > 10
