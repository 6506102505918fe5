"""Gradual Latent in the real ComfyUI: a picture that grows while it is sampled, and comes out as large as it was asked for."""

import json
import shlex
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import websocket
from PIL import Image
from typer.testing import CliRunner, Result

from resonance.cli.app import app
from resonance.session.item import Item
from resonance.session.payloads import Payload, Plain, PromptLine

from .comfy import Comfy, RunFailed, node
from .graphs import items, listening
from .paint import CLIP, MODEL, VAE, halves, hue, look
from .regional import COUPLE, HALVES, hues, place
from .test_per_picture_noise import LEVEL, apart, compared, digest, same
from .test_prompt_lines import batches, runs

SEED = 7
QUICK: dict[str, Any] = {"timesteps": 1000, "ratio_step": 0.25, "every_n_steps": 1}
"""Grown in the third step."""
SHARP = {"unsharp": "on", "unsharp.kernel": 3, "unsharp.sigma": 0.5, "unsharp.strength": 0.5}


def gradual(**inputs: Any) -> dict[str, Any]:
    given = {"timesteps": 750, "ratio": 0.5, "ratio_step": 0.125, "every_n_steps": 3, "s_noise": 1.0, "unsharp": "off"}
    return node("ResonanceGradualLatent", **{**given, **inputs})


def base(
    size: tuple[int, int] = (64, 64),
    steps: int = 4,
    words: Any = None,
    nodes: dict[str, Any] | None = None,
    model: Any = MODEL,
    count: int = 1,
    family: str = "sd15",
) -> dict[str, Any]:
    """What all samplers of a prompt share. ``words``: links to positive and negative."""
    loader = "LoadFlux" if family == "flux" else "LoadSmall"
    found = {
        "load": node(loader, ckpt_name=f"tiny_{family}.safetensors"),
        "red": node("CLIPTextEncode", clip=CLIP, text="red"),
        "none": node("CLIPTextEncode", clip=CLIP, text=""),
        **(nodes or {}),
        "sigmas": node("BasicScheduler", model=MODEL, scheduler="normal", steps=steps, denoise=1.0),
        "latent": node("EmptyLatentImage", width=size[0], height=size[1], batch_size=count),
        "noise": node("RandomNoise", noise_seed=SEED),
    }
    positive, negative = words or (["red", 0], ["none", 0])
    found["guider"] = node("CFGGuider", model=model, positive=positive, negative=negative, cfg=1.0)
    return found


def custom(sampler: Any, noise: Any = ("noise", 0), latent: str = "latent") -> dict[str, Any]:
    return node(
        "SamplerCustomAdvanced",
        noise=list(noise),
        guider=["guider", 0],
        sampler=list(sampler),
        sigmas=["sigmas", 0],
        latent_image=[latent, 0],
    )


def painted(sampler: dict[str, Any], **shared: Any) -> dict[str, Any]:
    """A prompt that paints with one sampler and shows how it looks."""
    return {
        **base(**shared),
        "gradual": sampler,
        "sample": custom(("gradual", 0)),
        "decode": node("VAEDecode", samples=["sample", 0], vae=VAE),
        "look": node("Stats", images=["decode", 0]),
    }


def item(payload: Payload) -> dict[str, Any]:
    made = Item(session="s", round=1, index=1, lineage="X0001", seed=SEED, payload=payload)
    return node("ProbeItem", text=made.to_json())


def line(options: str) -> dict[str, Any]:
    return item(
        PromptLine(key="k", line="l", prompt="p", width=64, height=64, steps=1, scale=1, seed=SEED, options=options)
    )


SIZES = {
    28: ((128, 128), [[8, 8]] * 8 + [[10, 10]] * 3 + [[12, 12]] * 3 + [[14, 14]] * 3 + [[16, 16]] * 11),
    20: ((200, 136), [[8, 12]] * 6 + [[10, 14]] * 3 + [[12, 18]] * 3 + [[14, 20]] * 3 + [[17, 25]] * 5),
}


@pytest.mark.parametrize("steps", SIZES)
def test_each_step_has_its_size_and_the_picture_the_one_that_was_asked_for(comfy: Comfy, steps: int):
    size, expected = SIZES[steps]
    prompt = painted(gradual(), size=size, steps=steps, model=["watched", 0])
    prompt["watched"] = node("WatchSizes", model=MODEL, name=f"sizes {steps}")
    prompt["seen"] = node("Seen", name=f"sizes {steps}", after=["sample", 0])
    prompt["last step"] = node("VAEDecode", samples=["sample", 1], vae=VAE)
    prompt["last look"] = node("Stats", images=["last step", 0])
    out = comfy.run(prompt)
    assert json.loads(out["seen"]["seen"][0]) == expected
    assert look(out)[0].size == look({"look": out["last look"]})[0].size == size
    assert hue(look(out)[0].whole) == "red"


def test_without_growth_it_is_euler_ancestral_to_the_bit(comfy: Comfy):
    prompt = base()
    ways = {"core": node("KSamplerSelect", sampler_name="euler_ancestral")}
    ways |= {"off": gradual(timesteps=0), "whole": gradual(ratio=1.0), "said off": gradual(item=["line", 0])}
    prompt["line"] = line("--glt 0")
    for name, sampler in ways.items():
        prompt |= {f"{name} sampler": sampler, name: custom((f"{name} sampler", 0)), **digest(name)}
    out = comfy.run(prompt)
    assert all(same(out, "core", name) for name in ways)


def test_a_line_says_how_and_what_is_no_line_says_nothing(comfy: Comfy):
    prompt = base(steps=6)
    prompt |= {"lined": line("--glt 1000 --gls 0.25 --gle 1 --glus 3,0.5,0.5,0"), "silent": line("--am 1")}
    prompt["other"] = item(Plain())
    ways = {"quick": gradual(**QUICK), "sharp": gradual(**QUICK, **SHARP, **{"unsharp.target": "noise"})}
    ways |= {f"by {name}": gradual(**QUICK, item=[name, 0]) for name in ("silent", "other")}
    ways |= {
        "by line": gradual(item=["lined", 0]),
        "picture": gradual(**QUICK, **SHARP, **{"unsharp.target": "picture"}),
    }
    ways["loud"] = gradual(**QUICK | {"s_noise": 1.2})
    for name, sampler in ways.items():
        prompt |= {f"{name} sampler": sampler, name: custom((f"{name} sampler", 0)), **digest(name)}
    out = comfy.run(prompt)
    assert same(out, "quick", "by silent") and same(out, "quick", "by other") and same(out, "sharp", "by line")
    different = [out[f"{name} digest"]["digest"][0] for name in ("quick", "sharp", "picture", "loud")]
    assert len(set(different)) == 4


@pytest.mark.parametrize("count", [2, pytest.param(4, marks=pytest.mark.long)])
def test_each_picture_of_a_batch_is_the_single_one(comfy: Comfy, count: int):
    alone = [f"alone {i}" for i in range(count)]
    prompt = {**base(steps=6), "many": node("EmptyLatentImage", width=64, height=64, batch_size=count)}
    prompt["gradual"] = gradual(**QUICK, **SHARP, **{"unsharp.target": "picture"})
    prompt["ours"] = node("ResonancePerPictureNoise", sampler=["gradual", 0], seed=SEED)
    prompt |= {"batch": custom(("ours", 1), ("ours", 0), "many"), "of one": custom(("ours", 1), ("ours", 0))}
    for i, each in enumerate(alone):
        prompt |= {f"noise {i}": node("RandomNoise", noise_seed=SEED + i)}
        prompt[each] = custom(("gradual", 0), (f"noise {i}", 0))
    prompt["by core"] = custom(("gradual", 0), latent="many")
    prompt["apart by core"] = node("Difference", a=["core decoded", 0], b=["batch decoded", 0])
    prompt["core decoded"] = node("VAEDecode", samples=["by core", 0], vae=VAE)
    prompt |= {**compared("batch", alone), **digest("of one"), **digest("alone 0")}
    out = comfy.run(prompt)
    assert same(out, "of one", "alone 0") and apart(out) <= LEVEL
    assert out["apart by core"]["difference"][0] > LEVEL
    prompt["batch"] = custom(("ours", 1), latent="many")
    with pytest.raises(RunFailed, match="one seed for all: connect the noise of Per Picture Noise"):
        comfy.run({**prompt, **digest("batch")})


def test_masks_of_conditionings_follow(comfy: Comfy):
    nodes, link = halves("red", "blue")
    prompt = painted(gradual(**QUICK), steps=6, nodes=nodes, words=(link, ["none", 0]))
    assert hues(look(comfy.run(prompt))[0]) == ("red", "blue")


def test_regions_follow(comfy: Comfy):
    words = (["regions", 1], ["regions", 2])
    prompt = painted(gradual(**QUICK), steps=6, nodes=place(HALVES, COUPLE), words=words, model=["regions", 0])
    assert hues(look(comfy.run(prompt))[0]) == ("red", "blue")


@pytest.mark.usefixtures("families")
def test_a_controlnet_follows(comfy: Comfy):
    def hinted(strength: float) -> float:
        nodes = {
            "hint": node("EmptyImage", width=64, height=64, batch_size=1, color=0x00FF00),
            "net": node("ControlNetLoader", control_net_name="tiny_controlnet.safetensors"),
            "apply": node(
                "ControlNetApplyAdvanced",
                positive=["red", 0],
                negative=["none", 0],
                control_net=["net", 0],
                image=["hint", 0],
                strength=strength,
                start_percent=0.0,
                end_percent=1.0,
            ),
        }
        prompt = painted(gradual(**QUICK), steps=6, nodes=nodes, words=(["apply", 0], ["apply", 1]))
        return look(comfy.run(prompt))[0].whole[1]

    assert hinted(1.0) > hinted(0.0) + 20


def test_previews_grow_with_it(comfy: Comfy):
    # The server sends them in one size, but each with its own shape: that of 12 x 8, 18 x 12 and 25 x 17.
    prompt = painted(gradual(**QUICK), steps=6, size=(200, 136))
    address = comfy.url.replace("http", "ws") + "/ws?clientId=previews"
    socket = websocket.create_connection(address, timeout=30)
    sizes: list[tuple[int, int]] = []
    try:
        prompt_id = comfy.queue(prompt, client_id="previews", extra_data={"preview_method": "latent2rgb"})
        while True:
            message = socket.recv()
            if isinstance(message, bytes):
                sizes.append(Image.open(BytesIO(message[message.index(b"\xff\xd8") :])).size)
            elif json.loads(message).get("data", {}).get("node", "") is None:
                break
    finally:
        socket.close()
    comfy.wait(prompt_id)
    assert sizes == [(512, 341), (512, 341), *[(512, 348)] * 4]


def refusals() -> dict[str, tuple[dict[str, Any], str]]:
    masked = painted(gradual(**QUICK))
    masked["white"] = node("SolidMask", value=1.0, width=64, height=64)
    masked["masked"] = node("SetLatentNoiseMask", samples=["latent", 0], mask=["white", 0])
    masked["sample"]["inputs"]["latent_image"] = ["masked", 0]
    area = {"width": 64, "height": 64, "x": 0, "y": 0, "strength": 1.0}
    placed = {"area": node("ConditioningSetArea", conditioning=["red", 0], **area)}
    filled = {"inpaint": node("AsForInpainting", model=MODEL)}
    return {
        "noise mask": (masked, "paints the whole picture: take away the noise mask"),
        "area": (
            painted(gradual(**QUICK), nodes=placed, words=(["area", 0], ["none", 0])),
            "cannot follow areas in pixels: give the conditioning a mask",
        ),
        "c_concat": (
            painted(gradual(**QUICK), nodes=filled, model=["inpaint", 0]),
            "take one that is not for inpainting",
        ),
        "too small": (
            painted(gradual(), steps=10),
            r"would end at 0.75 of the size.* set ratio_step \(--gls\) to 0.25",
        ),
        "Flux": (
            painted(gradual(**QUICK), family="flux"),
            "paints with Stable Diffusion 1.5, Stable Diffusion 2, SDXL, and this model is Flux",
        ),
    }


REFUSED = ["noise mask", "area", "c_concat", "too small", "Flux"]


@pytest.mark.usefixtures("families")
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_painted_is_refused_in_a_sentence(comfy: Comfy, name: str):
    prompt, said = refusals()[name]
    with pytest.raises(RunFailed, match=said):
        comfy.run(prompt)


def test_lines_that_agree_in_it_are_painted_together(comfy: Comfy):
    """Also with the noise of Prompt Lines: it draws for each picture by itself."""
    said = ["--d 1 --glr 0.5", "--d 2 --glr 0.5", "--d 3 --glr 0.6"]
    with listening(comfy, "resonance.text") as (client, heard):
        graph = batches("grown lines", "\n".join(f"red {each}" for each in said), "euler", cfg=1.0, apart=False)
        graph["1"]["inputs"]["steps"] = 5
        graph["chosen"] = gradual(**QUICK, item=["1", 0])
        comfy.wait(comfy.queue(comfy.complete(graph), client_id=client))
        comfy.idle()
    found = items(comfy, "grown lines", 1)
    assert [item["state"] for item in found] == ["done"] * 3 and runs(comfy, "grown lines") == 2
    assert not any("One picture" in each["text"] or "nothing here" in each["text"] for each in heard)


# `resonance paint`


def shell(comfy: Comfy, folder: Path, options: str, *lines: str, status: int = 0) -> Result:
    """Runs a command line of gen_img's; the lines go through a pipe."""
    asked = f"paint - --ckpt tiny_sd15.safetensors --W 64 --H 72 --scale 2 --seed 5 --outdir {folder} --server {comfy.url} {options}"
    result = CliRunner().invoke(app, shlex.split(asked), input="\n".join(lines))
    assert result.exit_code == status, (result.output, result.exception)
    return result


def pixels(folder: Path) -> list[tuple[tuple[int, int], str]]:
    """Size and digest of each picture, in the order of their names."""
    files = sorted(folder.rglob("im_*.png"), key=lambda path: path.name)
    images = [Image.open(path).convert("RGB") for path in files]
    return [(image.size, sha256(image.tobytes()).hexdigest()) for image in images]


EVERY = (
    "--gradual_latent_timesteps 900 --gradual_latent_ratio 0.6 --gradual_latent_ratio_step 0.2 --gradual_latent_s_noise 1.1"
    " --gradual_latent_ratio_every_n_steps 2 --gradual_latent_unsharp_params 3,1.0,1.0,0"
)


def test_gen_imgs_command_line_and_its_lines_have_it(comfy: Comfy, tmp_path: Path):
    how, plain = "--sampler k_euler_a --steps 5 --sequential_file_name", "red --d 1"
    said = "--glt 900 --glr 0.6 --gls 0.2 --glsn 1.1 --gle 2 --glus 3,1.0,1.0,0"
    shell(comfy, tmp_path / "options", f"{how} {EVERY}", plain, f"{plain} --glt 0")
    out = shell(comfy, tmp_path / "lines", how, f"{plain} {said}", plain)
    [(size, grown), (_, whole)] = asked = pixels(tmp_path / "options")
    assert asked == pixels(tmp_path / "lines") and size == (64, 72) and grown != whole
    assert "do nothing" not in out.output


def test_gen_imgs_other_samplers_have_it_not(comfy: Comfy, tmp_path: Path):
    said = shell(comfy, tmp_path / "no", f"--steps 6 {EVERY}", "red", status=1).output
    assert "--gradual_latent_timesteps, --gradual_latent_ratio, " in said
    assert "only with --sampler euler_a, k_euler_a or euler_ancestral, not ddim." in said
    assert not (tmp_path / "no").exists()
    small = shell(comfy, tmp_path / "small", "--sampler euler_a --steps 6 --gradual_latent_timesteps 750", "red")
    assert "set ratio_step (--gls) to 0.5 or ratio (--glr) to 0.875" in " ".join(small.output.split())
