"""`resonance paint` with a real ComfyUI: gen_img's own command lines, models replaced."""

import json
import re
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from raw_ledger import raw
from typer.testing import CliRunner, Result

from resonance.cli.app import app

from . import shell
from .comfy import Comfy
from .conftest import server
from .test_encode_line import embeddings as embeddings

LORA = "tiny_lora.safetensors"
"""Swaps red and blue."""


@pytest.fixture(scope="module")
def comfy(tmp_path_factory: pytest.TempPathFactory, families: Path, guides: Path) -> Iterator[Comfy]:
    with server(tmp_path_factory.mktemp("paint"), families, "probe") as comfy:
        yield comfy


def words(line: str, *where: str | Path) -> list[str]:
    """A command line of gen_img's, with a model that there is and pictures of a few pixels."""
    return ["paint", *shlex.split(line.replace("\\\n", " ")), *map(str, where)]


def paint(comfy: Comfy | None, line: str, *more: str | Path, typed: str | None = None, status: int = 0) -> Result:
    """Runs a command line in this process."""
    where = ("--server", comfy.url) if comfy else ()
    result = CliRunner().invoke(app, words(line, *more, *where), input=typed)
    assert result.exit_code == status, (result.output, result.exception)
    return result


def made(folder: Path) -> list[Path]:
    """The pictures of a session, in the order of their names."""
    return sorted(path for path in folder.rglob("*.png") if "lines" not in path.parts)


def shots(folder: Path) -> list[tuple[str, int, str, dict[str, Any]]]:
    """(lineage, round, state, payload) of each item."""
    with raw(folder) as db:
        rows = db.execute("SELECT lineage, round, state, payload FROM item ORDER BY round, number").fetchall()
    return [(row[0], row[1], row[2], json.loads(row[3])) for row in rows]


def hue(path: Path) -> str:
    red, green, blue = Image.open(path).convert("RGB").resize((1, 1)).getpixel((0, 0))  # pyright: ignore
    return max(("red", red), ("green", green), ("blue", blue), key=lambda each: each[1])[0]


README = {
    "interactive": (
        "--ckpt <model> --outdir <out> --xformers --fp16 --interactive",
        "red\nblue --n green\n",
        ["red", "blue"],
    ),
    "one prompt": (
        '--ckpt <model> --outdir <out> --xformers --fp16 --images_per_prompt 3 --prompt "red"',
        None,
        ["red"] * 3,
    ),
    "from a file": (
        "--ckpt <model> --outdir <out> --xformers --fp16 --from_file <prompts>",
        None,
        ["red", "blue"],
    ),
    "flowers": (
        "--ckpt <model> --outdir <out> --xformers --fp16 --scale 12.5 --sampler k_euler_a --batch_size 4"
        ' --images_per_prompt 64 --prompt "red flowers --n blue"',
        None,
        ["red"] * 64,
    ),
    "ten of each line": (
        "--ckpt <model> --outdir <out> --xformers --fp16 --scale 12.5 --sampler k_euler_a --batch_size 4"
        " --images_per_prompt 10 --from_file <prompts>",
        None,
        ["red"] * 10 + ["blue"] * 10,
    ),
    "textual inversion and two LoRAs": (
        "--ckpt <model> --scale 8 --outdir <out> --xformers --fp16 --sampler k_euler_a"
        " --textual_inversion_embeddings bright.safetensors somewhere/mine/deep.safetensors --network_module networks.lora networks.lora"
        " --network_weights <lora> <lora> --network_mul 0.4 0.6 --clip_skip 2 --max_embeddings_multiples 1 --batch_size 8"
        " --images_per_prompt 1 --interactive",
        "red\n",
        ["blue"],
    ),
    "picture to picture": (
        "--ckpt <model> --outdir <out> --xformers --fp16 --scale 2 --sampler k_euler --image_path <template> --strength 0.8"
        ' --prompt "red \\\n --n blue" --batch_size 8 --images_per_prompt 9',
        None,
        ["red"] * 9,
    ),
    "highres fix": (
        "--ckpt <model> --n_iter 1 --scale 7.5 --batch_size 1 --outdir <out> --sampler ddim --fp16 --xformers --images_per_prompt 1"
        " --interactive --highres_fix_scale 0.5 --highres_fix_steps 28 --strength 0.5",
        "red\nblue\n",
        ["red", "blue"],
    ),
    "a ControlNet": (
        "--ckpt <model> --scale 8 --outdir <out> --xformers --bf16 --sampler k_euler_a --control_net_models"
        " D:\\\\nets\\\\tiny_controlnet.safetensors --control_net_weights 1.0 --guide_image_path <guide> --control_net_ratios 1.0"
        " --interactive",
        "blue\n",
        ["blue"],
    ),
    "guided by CLIP": (
        "--ckpt <model> --n_iter 1 --scale 2.5 --batch_size 1 --outdir <out> --sampler ddim --fp16 --opt_channels_last --xformers"
        " --images_per_prompt 1 --interactive --clip_guidance_scale 100",
        "red\n",
        ["red"],
    ),
    "guided by a picture": (
        "--ckpt <model> --n_iter 1 --scale 7.5 --batch_size 1 --outdir <out> --sampler ddim --fp16 --opt_channels_last --xformers"
        " --images_per_prompt 1 --interactive --clip_image_guidance_scale 100 --guide_image_path <guide>",
        "red\n",
        ["red"],
    ),
    "guided by VGG16": (
        "--ckpt <model> --n_iter 1 --scale 5.5 --outdir <out> --xformers --sampler ddim --fp16 --batch_size 1 --images_per_prompt 1"
        ' --prompt "red \\\n --n blue --d 1" --strength 0.8 --image_path <template> --vgg16_guidance_scale 100'
        " --guide_image_path <template>",
        None,
        ["red"],
    ),
}
"""All twelve that gen_img's README has, with other models, words and pictures."""

HERE = {
    "textual inversion and two LoRAs": "--network_module, --network_weights, --network_mul, --textual_inv",
    "highres fix": "--highres_fix_scale, --highres_fix_st",
    "a ControlNet": "--guide_image_path, --control_net_models",
    "guided by CLIP": "--clip_guidance_scale",
    "guided by a picture": "--guide_image_path, --clip_image_guidance_scale",
    "guided by VGG16": "--guide_image_path, --vgg16_guidance_scale",
}
"""Needs ComfyUI: what is missing without."""
DAILY = {("one", name) for name in README if name != "flowers"} | {("two", "flowers")}
WHERE = [
    pytest.param(where, name, marks=() if (where, name) in DAILY or where == "none" else pytest.mark.long)
    for where in ("one", "two", "none")
    for name in README
]


@pytest.mark.parametrize(("where", "name"), WHERE)
def test_the_command_lines_of_the_readme(
    comfy: Comfy, request: pytest.FixtureRequest, tmp_path: Path, embeddings: None, where: str, name: str
):
    """On one server, on two, and without ComfyUI."""
    line, typed, colours = README[name]
    (tmp_path / "prompts.txt").write_text("# two\nred\nblue\n")
    for picture in ("template", "guide"):
        Image.new("RGB", (70, 64), "grey").save(tmp_path / f"{picture}.png")
    named = {
        "model": "toyworld" if where == "none" else "models/sd/tiny_sd15.safetensors",
        "lora": rf"D:\\loras\\{LORA}",
        "out": tmp_path / "out",
        "prompts": tmp_path / "prompts.txt",
        "template": tmp_path / "template.png",
        "guide": tmp_path / "guide.png",
    }
    for what, it in named.items():
        line = line.replace(f"<{what}>", str(it))
    size = (64, 64) if "--image_path" in line or where == "none" else (64, 48)
    more = f"{line} --steps 2 --seed 5{'' if '--image_path' in line else ' --W {} --H {}'.format(*size)}"
    servers = () if where == "none" else ("--server", comfy.url)
    servers += ("--server", request.getfixturevalue("second").url) if where == "two" else ()
    if where == "none" and name in HERE:
        said = paint(None, more, typed=typed, status=1).stderr
        assert f"Without ComfyUI there is no {HERE[name]}" in said
        return
    said = paint(None, more, *servers, typed=typed).stderr
    found = made(tmp_path / "out")
    assert [state for _, _, state, _ in shots(tmp_path / "out")] == ["done"] * len(colours), said
    assert {Image.open(path).size for path in found} == {size}
    assert where == "none" or sorted(map(hue, found)) == sorted(colours)
    names = [path.name for path in found]
    assert all(re.fullmatch(r"im_\d{14}_1?00\d_\d+\.png", name) for name in names), names
    assert said.count("--xformers") == 1, "said once"


def test_the_readme_has_twelve():
    assert len(README) == 12


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory, families: Path) -> Iterator[Comfy]:
    """Its checkpoints lie in a folder of their own."""
    base = tmp_path_factory.mktemp("paint second")
    (base / "models" / "checkpoints").mkdir(parents=True)
    (base / "models" / "checkpoints" / "sd").symlink_to(families / "checkpoints")
    (families / "embeddings").mkdir(exist_ok=True)
    for kind in ("loras", "embeddings", "controlnet", "clip_guidance", "vgg"):
        (base / "models" / kind).symlink_to(families / kind)
    with server(base, families, "probe") as comfy:
        yield comfy


def test_a_prompt_with_and_has_two_places_and_two_loras(comfy: Comfy, tmp_path: Path):
    """The README's own: red is where the first part and the first LoRA are, green the second."""
    places = Image.new("RGB", (75, 40), "lime")
    places.paste((255, 0, 0), (0, 0, 37, 40))
    places.save(tmp_path / "mask.png")
    line = (
        "--ckpt tiny_sd15 --network_module networks.lora networks.lora --W 80 --H 64 --steps 2 --scale 1 --sampler euler"
        f' --network_weights {LORA} {LORA} --batch_size 4 --seed 3 --prompt "a red AND a red AND a --n green"'
    )
    found = {}
    for factors in ("0 0", "1 0", "0 1"):
        more = ("--mask_path", tmp_path / "mask.png", "--outdir", tmp_path / factors)
        paint(comfy, f"{line} --network_mul {factors}", *more)
        [path] = made(tmp_path / factors)
        found[factors] = halves(path)
    (left, right), swapped_left, swapped_right = found["0 0"], found["1 0"], found["0 1"]
    assert swapped_left[0][2] - left[2] > 60 and swapped_right[1][2] - right[2] > 60, found
    assert abs(swapped_left[1][2] - right[2]) < 15 and abs(swapped_right[0][2] - left[2]) < 15, found
    lines = tmp_path / "lines.txt"
    lines.write_text("a red AND a red\na red AND a red\na red AND a blue\n")
    more = ("--mask_path", tmp_path / "mask.png", "--outdir", tmp_path / "together")
    paint(comfy, re.sub("--prompt.*", shlex.quote(str(lines)), line), *more)
    places = [path.name.split("_")[2] for path in made(tmp_path / "together")]
    assert sorted(places) == ["000", "000", "001"], "equal lines are painted together, others are not"
    said = paint(comfy, f"{line} --mask_path {tmp_path / 'mask.png'} --clip_skip 2 --emb_normalize_mode abs", status=1)
    assert "--emb_normalize_mode: not with lines of AND" in said.stderr


def halves(path: Path) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Mean colours of the left and the right half."""
    left, right = (
        Image.open(path).convert("RGB").resize((2, 1), Image.Resampling.BOX).getpixel((x, 0)) for x in (0, 1)
    )
    return left, right  # pyright: ignore


def test_typed_lines_are_painted_one_after_the_other(comfy: Comfy, tmp_path: Path):
    """Five come through a pipe, of which one is empty, one has only options, and one is wrong; then the first once more."""
    line = "--ckpt tiny_sd15.safetensors --interactive --no_preview --W 64 --H 64 --steps 2 --n_iter 3"
    typed = "red\n\nblue --d 4\n --n nothing\ngreen --foo\ngreen\nred\n"
    said = paint(comfy, line, "--outdir", tmp_path / "typed", typed=typed).stderr
    assert "--foo is not an option of prompt lines" in said
    found = shots(tmp_path / "typed")
    assert [(payload["prompt"], round_, state) for _, round_, state, payload in found] == [
        ("red", 1, "done"),
        ("blue", 1, "done"),
        ("green", 1, "done"),
        ("red", 2, "done"),
    ]
    assert len({payload["seed"] for *_, payload in found}) == 4


def test_the_same_command_goes_on_and_once_all_is_made_it_makes_as_many_again(comfy: Comfy, tmp_path: Path):
    folder = tmp_path / "again"
    line = "lines.txt --ckpt tiny_sd15.safetensors --W 64 --H 64 --steps 2 --sequential_file_name --images_per_prompt 2"
    (tmp_path / "lines.txt").write_text("red\nblue --f named.webp\n")
    asked = words(line.replace("lines.txt", str(tmp_path / "lines.txt")), "--outdir", folder, "--server", comfy.url)
    shell.run(*asked, status=-signal.SIGKILL, point="after commit", passes=1)
    assert 0 < sum(state == "done" for _, _, state, _ in shots(folder)) < 4
    paint(None, shlex.join(asked[1:]))
    first = {lineage: payload["seed"] for lineage, _, _, payload in shots(folder)}
    names = {path.name for path in folder.rglob("*.*") if path.suffix in (".png", ".webp")}
    assert names == {"im_000001.png", "im_000002.png", "im_000004.png", "named.webp"}, "--f goes before any rule"
    shell.run(*asked, status=130, point="after the run", sent=(signal.SIGINT,))
    assert {state for _, round_, state, _ in shots(folder) if round_ == 2} > {"pending"}
    paint(None, shlex.join(asked[1:]))
    again = {
        lineage: payload["seed"] for lineage, round_, state, payload in shots(folder) if state == "done" and round_ == 2
    }
    assert again.keys() == first.keys() and not set(again.values()) & set(first.values())
    said = paint(None, shlex.join(asked[1:]), "--seed", "7", status=1).stderr
    assert "has the seed" in said and "not 7" in said
    with raw(folder) as db:
        [seed] = db.execute("SELECT seed FROM session").fetchone()
    said = paint(None, shlex.join(asked[1:]), "--seed", str(seed)).stderr
    assert "All pictures of these lines are there already. Without --seed, as many more are made." in said
    assert len(shots(folder)) == 8


def test_of_two_servers_one_dies(comfy: Comfy, tmp_path: Path, models: Path):
    folder, text = tmp_path / "two", tmp_path / "many.txt"
    text.write_text("\n".join(f"red --d {seed}" for seed in range(24)))
    with server(tmp_path / "dying", models, "probe") as dying:
        line = f"{text} --ckpt tiny_sd15.safetensors --W 64 --H 64 --steps 4 --sequential_file_name --batch_size 2"
        asked = words(line, "--outdir", folder, "--server", dying.url, "--server", comfy.url)
        process = shell.started(*asked)
        assert process.stderr
        for said in process.stderr:
            if re.search(r"[5-9] of 24", said):
                dying.stop(signal.SIGKILL)
                break
        _, rest = process.communicate(timeout=120)
    assert process.returncode == 0, rest
    assert sorted(payload["seed"] for _, _, state, payload in shots(folder) if state == "done") == list(range(24))
    assert [path.name for path in made(folder)] == [f"im_{n:06}.png" for n in range(1, 25)]


def test_folders_of_start_pictures_masks_and_guides(comfy: Comfy, tmp_path: Path):
    """Pictures of several sizes and kinds, one that is none, and W and H."""
    for folder in ("starts", "masks"):
        (tmp_path / folder).mkdir()
    for name, colour, size in (("1.png", "red", (70, 64)), ("2.jpg", "blue", (64, 100)), ("3.webp", "lime", (96, 40))):
        Image.new("RGB", size, colour).save(tmp_path / "starts" / name)
    (tmp_path / "starts" / "notes.txt").write_text("no picture")
    (tmp_path / "starts" / "4.png").write_bytes(b"\x89PNG broken")
    mask = Image.new("L", (64, 64))
    mask.paste(255, (32, 0, 64, 64))
    mask.save(tmp_path / "masks" / "right.png")
    line = "--ckpt tiny_sd15.safetensors --steps 4 --scale 2 --sampler euler --images_per_prompt 4 --prompt green --strength 0.9"
    where = ("--image_path", tmp_path / "starts", "--mask_path", tmp_path / "masks")
    paint(comfy, f"{line} --use_original_file_name", *where, "--outdir", tmp_path / "own")
    assert [state for _, _, state, _ in shots(tmp_path / "own")] == ["done"] * 3 + ["skipped"]
    found = {path.name: path for path in made(tmp_path / "own")}
    assert {name: Image.open(path).size for name, path in found.items()} == {
        "1.png": (64, 64),
        "2.png": (64, 96),
        "3.png": (96, 32),
    }
    left, right = halves(found["1.png"])
    assert left[0] > left[1] + 60 and right[1] > right[0], "only the right is made anew"
    guides = ("--guide_image_path", tmp_path / "starts", "--control_net_models", "tiny_controlnet")
    paint(comfy, f"{line} --W 64 --H 48", *where, *guides, "--outdir", tmp_path / "sized")
    assert {Image.open(path).size for path in made(tmp_path / "sized")} == {(64, 48)}
    said = paint(
        comfy,
        f"{line.replace('green', chr(39) + 'green --w 64' + chr(39))}",
        *where,
        "--outdir",
        tmp_path / "no",
        status=1,
    )
    assert "take --w and --h out of the lines" in said.stderr


def test_a_workflow_of_ones_own_paints_lines_and_metadata_can_be_left_out(comfy: Comfy, tmp_path: Path):
    """The workflow is that of a picture."""
    small = "--W 64 --H 64 --steps 2"
    paint(comfy, f"--ckpt tiny_sd15.safetensors {small} --prompt red", "--outdir", tmp_path / "first")
    [first] = made(tmp_path / "first")
    more = ("--workflow", first, "--disable-metadata", "--outdir", tmp_path / "second")
    paint(comfy, f"{small} --prompt blue --images_per_prompt 2 --batch_size 2", *more)
    assert [hue(path) for path in made(tmp_path / "second")] == ["blue", "blue"]
    assert Image.open(first).info and not any(Image.open(path).info for path in made(tmp_path / "second"))
    said = paint(comfy, f"{small} --prompt blue --ckpt x --clip_skip 2", *more, status=1).stderr
    assert "The workflow says what paints, and so do --ckpt, --clip_skip" in said


def test_without_a_prompt_pictures_say_theirs(comfy: Comfy, tmp_path: Path):
    folder = tmp_path / "starts"
    line = "--ckpt tiny_sd15.safetensors --W 64 --H 64 --steps 2"
    paint(comfy, f"{line} --prompt 'red --n blue'", "--outdir", tmp_path / "first")
    folder.mkdir()
    made(tmp_path / "first")[0].rename(folder / "1.png")
    Image.new("RGB", (64, 64), "grey").save(folder / "2.png")
    info = PngInfo()
    info.add_text("prompt", "blue --d 5 {a|b} __x__")
    info.add_text("junk", "x" * 10_000_000)
    Image.new("RGB", (64, 64), "grey").save(folder / "3.png", pnginfo=info)
    said = paint(comfy, line, "--image_path", folder, "--outdir", tmp_path / "second").stderr
    assert "2.png" in said
    found = {payload["prompt"]: payload.get("negative") for _, _, state, payload in shots(tmp_path / "second")}
    assert found == {"red": "blue", "blue --d 5 {a|b} __x__": None}


@pytest.mark.long
def test_clip_sees_the_start_picture(tmp_path: Path, reference: Path):
    """SDXL that shows the vector which it sees; core's loaders insist on all layers of its models."""
    base = tmp_path / "comfy"
    eyes, tiny = (
        base / "models" / "clip_vision" / "CLIP-ViT-bigG.safetensors",
        reference / "clip_vision" / "tiny_vit_g.safetensors",
    )
    for path, it in ((eyes, tiny), (base / "models" / "checkpoints", reference / "checkpoints")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(it)
    line = "--ckpt tiny_sdxl_pooled --sdxl --W 64 --H 64 --steps 4 --scale 1 --sampler euler --strength 1 --seed 5 --prompt the"
    with server(base, reference, "probe", "small_files") as comfy:
        for colour, strength in (("red", 1), ("blue", 1), ("blue", 0)):
            Image.new("RGB", (64, 64), colour).save(tmp_path / f"{colour}.png")
            more = ("--image_path", tmp_path / f"{colour}.png", "--outdir", tmp_path / f"{colour} {strength}")
            said = paint(comfy, f"{line} --clip_vision_strength {strength}", *more).stderr
            assert made(tmp_path / f"{colour} {strength}"), said
    red, blue, none = (
        Image.open(made(tmp_path / name)[0]).convert("RGB").resize((1, 1)).getpixel((0, 0))
        for name in ("red 1", "blue 1", "blue 0")
    )
    assert red[0] > red[2] + 60 and blue[2] > blue[0] + 60 and abs(none[2] - none[0]) < 60, (red, blue, none)  # pyright: ignore
