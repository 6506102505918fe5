"""gen_img's command lines without anything that paints: how they are read, which models they mean, and the graph."""

import asyncio
import re
import shlex
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import PACK
from typer.testing import CliRunner

from resonance.attention.methods import METHODS
from resonance.cli.app import app
from resonance.cli.paint_engines import recipe_for
from resonance.cli.paint_options import Own
from resonance.gen_img.checks import check
from resonance.gen_img.command_line import CommandLine, Parser
from resonance.gen_img.graph import COUPLE, Pictures, graph_of
from resonance.gen_img.models import Graph, find, looked_up
from resonance.gen_img.options import OPTIONS, SPELLINGS
from resonance.paint.line_workflow import VISION, LineWorkflow
from resonance.told import Told


def read(line: str) -> CommandLine:
    return Parser("resonance paint").read(shlex.split(line))


# The command line


def test_it_is_read_as_gen_img_reads_it():
    line = read(
        "lines.txt --ckpt m.ckpt --W 512 --network_mul -0.4 0.8 --xformers --prompt 'a cat --n dog --d 5' --scale=8"
    )
    assert line.file == "lines.txt"
    assert line.given == {
        "ckpt": "m.ckpt",
        "W": 512,
        "network_mul": [-0.4, 0.8],
        "xformers": True,
        "prompt": "a cat --n dog --d 5",
        "scale": 8.0,
    }
    assert (line.asked["steps"], line.asked["sampler"], line.asked["network_weights"]) == (50, "ddim", [])
    assert read("--ckpt m -").file == "-"


VALUES = {
    "sampler": " lms",
    "emb_normalize_mode": " abs",
    "W": " 64",
    "H": " 64",
    "highres_fix_upscaler": " tools.latent_upscaler",
    "highres_fix_upscaler_args": " weights=x.pt",
    "gradual_latent_unsharp_params": " 3,0.5,0.5,1",
}
"""Where 1 is none."""


@pytest.mark.parametrize("name", OPTIONS)
def test_each_option_can_be_shortened_and_have_dashes(name: str):
    value = "" if OPTIONS[name].kind is None else VALUES.get(name, " 1")
    others = [other for other in (*OPTIONS, *SPELLINGS) if other != name]
    short = next(
        name[:n] for n in range(1, len(name) + 1) if n == len(name) or not any(o.startswith(name[:n]) for o in others)
    )
    for written in (name, name.replace("_", "-"), short):
        assert list(read(f"--{written}{value}").given) == [name]


def test_spellings_of_the_readme_are_taken():
    spelled = "--mask_image m --vgg16_guidance_layerP 20 --gradual_latent_ratio_every_n_steps 3"
    assert read(f"{spelled} --img_path i").given.keys() == {
        *("mask_path", "vgg16_guidance_layer", "gradual_latent_every_n_steps", "image_path"),
    }


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--stps 3", "There is no option --stps. Did you mean --steps?"),
        ("--control_net_m x", "--control_net_m could be --control_net_models or --control_net_multipliers."),
        ("--steps many", "--steps: expected a whole number from 1 to 1000, got 'many'."),
        ("--strength 2", "--strength: expected a number from 0.01 to 1, got '2'."),
        ("--scale nan", "--scale: expected a number from 0 to 100, got 'nan'."),
        (
            "--gradual_latent_unsharp_params 2,1",
            "--gradual_latent_unsharp_params: expected kernel (an odd number), sigma",
        ),
        ("--sampler fast", "--sampler: expected one of ddim, pndm,"),
        ("--gradual_latent_unsharp_params 2,1,1", "expected kernel (an odd number), sigma and strength"),
        ("a.txt b.txt", "Unrecognized arguments: b.txt."),
        ("--W", "--W: expected one argument."),
    ],
)
def test_what_cannot_be_read_is_said(line: str, said: str):
    with pytest.raises(Told, match=re.escape(said)):
        read(line)


def test_help_shows_all_of_it():
    said = CliRunner().invoke(app, ["paint", "--help"]).output
    assert all(f"--{name}" in said for name in OPTIONS) and "--server" in said and "--outdir" in said


# Models


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("sd15.safetensors", "sd15.safetensors"),
        (r"D:\models\old\anime.ckpt", r"old\anime.ckpt"),
        ("/home/me/new/anime.ckpt", "new/anime.ckpt"),
        ("new/anime", "new/anime.ckpt"),
        ("anywhere/sd15", "sd15.safetensors"),
        ("x/deep/er/one.safetensors", "deep/er/one.safetensors"),
    ],
)
def test_a_model_is_found_by_its_longest_ending(asked: str, found: str):
    names = ["sd15.safetensors", r"old\anime.ckpt", "new/anime.ckpt", "deep/er/one.safetensors", "er/one.safetensors"]
    assert find(asked, names, "checkpoints") == found


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            "anime.ckpt",
            r"anime.ckpt could be old\anime.ckpt and new/anime.ckpt in checkpoints: write more of its path.",
        ),
        (
            "animes.ckpt",
            r"There is no animes.ckpt in ComfyUI's models/checkpoints. Nearest: old\anime.ckpt, new/anime.ckpt.",
        ),
        ("other/anime.ckpt", "could be"),
        ("nime.ckpt", "There is no nime.ckpt"),
        ("", "There is no "),
    ],
)
def test_none_or_two_are_named(asked: str, said: str):
    with pytest.raises(Told, match=re.escape(said)):
        find(asked, [r"old\anime.ckpt", "new/anime.ckpt"], "checkpoints")
    with pytest.raises(Told, match="There are none at all"):
        find("a", [], "loras")


@given(st.lists(st.text("ab/\\. ", max_size=12), max_size=6), st.text("ab/\\. ", max_size=12))
def test_any_names_are_found_or_told(names: list[str], asked: str):
    with suppress(Told):
        assert find(asked, names, "vae") in names


def test_each_server_gets_names_of_its_own():
    line = "--ckpt a --vae v --network_weights l.pt --textual_inversion_embeddings 'D:/good.pt' worse"
    graph = graph_of(asked(line), Pictures())
    names = ["x/good.pt", "worse.safetensors"]
    lists = {"checkpoints": ["x/a.ckpt"], "vae": ["v.pt"], "loras": ["y/l.pt"], "embeddings": names}

    async def listed(kind: str) -> Sequence[str]:
        return lists[kind]

    made = asyncio.run(looked_up(graph, listed))
    assert (made["load"]["inputs"]["ckpt_name"], made["vae"]["inputs"]["vae_name"]) == ("x/a.ckpt", "v.pt")
    assert made["words"]["inputs"]["embeddings"] == "good\nworse"
    with pytest.raises(Told, match="There is no other.pt in ComfyUI's models/embeddings"):
        asyncio.run(looked_up(graph_of(asked("--ckpt a --textual_inversion_embeddings other.pt"), Pictures()), listed))
    assert made["loras"]["inputs"]["lora_1"] == "y/l.pt" and graph["loras"]["inputs"]["lora_1"] == "l.pt"


GUIDED = (
    "--ckpt a --clip_guidance_scale 5 --clip_image_guidance_scale 10 --vgg16_guidance_scale 20 --vgg16_guidance_layer 3"
)


def guides(graph: Graph) -> list[dict[str, Any]]:
    """What each Gradient Guidance is told, from the first one on."""
    found = [node["inputs"] for node in graph.values() if node["class_type"] == "ResonanceGradientGuidance"]
    return [
        {key: value for key, value in each.items() if key.partition(".")[0] in ("guide", "scale", "item")}
        for each in found
    ]


def test_what_guides_is_the_only_one_that_there_is_or_the_one_that_is_named():
    lists = {"checkpoints": ["a.ckpt"], "vgg": ["v.pth"], "clip_guidance": ["one/model.safetensors", "one/more.bin"]}

    async def listed(kind: str) -> Sequence[str]:
        return lists[kind]

    made = asyncio.run(looked_up(graph_of(asked(GUIDED), Pictures()), listed))
    guide = ["lines", 12]
    assert guides(made) == [
        {"guide": "text by CLIP", "guide.clip": "one", "guide.text": "", "scale": 5, "item": ["lines", 0]},
        {"guide": "picture by CLIP", "guide.clip": "one", "guide.image": guide, "scale": 10},
        {"guide": "picture by VGG16", "guide.vgg": "v.pth", "guide.layer": 3, "guide.image": guide, "scale": 20},
    ]
    lists |= {"vgg": ["v.pth", "w/v2.pth"], "clip_guidance": ["one/model.safetensors", "two/model.safetensors"]}
    named = graph_of(asked(GUIDED), Pictures(), clip_guidance="D:/two", vgg16="v2")
    clip, _, vgg = guides(asyncio.run(looked_up(named, listed)))
    assert (clip["guide.clip"], vgg["guide.vgg"]) == ("two", "w/v2.pth")


@pytest.mark.parametrize(
    ("line", "names", "said"),
    [
        (
            "clip",
            [],
            "There is nothing in ComfyUI's models/clip_guidance. models/clip_guidance takes a folder with the files of a CLIP",
        ),
        ("vgg16", [], "There is nothing in ComfyUI's models/vgg. models/vgg takes vgg16-397923af.pth"),
        (
            "clip",
            ["a/m.bin", "b/m.bin"],
            "There are 2 in ComfyUI's models/clip_guidance: say which with --clip_guidance_model. Nearest: a, b.",
        ),
        (
            "vgg16",
            ["a.pth", "b.pth"],
            "There are 2 in ComfyUI's models/vgg: say which with --vgg16_guidance_model. Nearest: a.pth, b.pth.",
        ),
    ],
)
def test_where_nothing_or_several_could_guide_it_is_said(line: str, names: list[str], said: str):
    async def listed(kind: str) -> Sequence[str]:
        return ["a.ckpt"] if kind == "checkpoints" else names

    with pytest.raises(Told, match=re.escape(said)):
        asyncio.run(looked_up(graph_of(asked(f"--ckpt a --{line}_guidance_scale 9"), Pictures()), listed))


@pytest.mark.parametrize("name", ["CLIP-ViT-bigG-14-laion2B-39B-b160k.safetensors", "xl/clip_vision_g.safetensors"])
def test_the_vision_model_of_sdxl_is_found_under_its_usual_names(name: str):
    graph = graph_of(asked("--ckpt a --clip_vision_strength 0.5"), Pictures(start=True))

    async def listed(kind: str) -> Sequence[str]:
        return {"checkpoints": ["a.ckpt"], "clip_vision": ["clip_vision_h.safetensors", name]}[kind]

    assert asyncio.run(looked_up(graph, listed))["eyes"]["inputs"]["clip_name"] == name


# The graph


def asked(line: str) -> dict[str, Any]:
    return dict(read(line).asked)


def test_regions_are_told_all_that_they_need():
    settings = METHODS[COUPLE["method"]].settings
    assert COUPLE.keys() == {"method", *(f"method.{setting.name}" for setting in settings)}


def test_what_clip_vision_sees_is_one_picture():
    graph = graph_of(asked("--ckpt a --clip_vision_strength 0.5"), Pictures(start=True))
    assert LineWorkflow(graph, "lines").alone() == VISION
    assert LineWorkflow(graph_of(asked("--ckpt a"), Pictures(start=True)), "lines").alone() == ""


def test_every_link_of_the_graph_has_its_node():
    line = (
        "--ckpt a --vae v --v_parameterization --network_weights l --control_net_models c d --control_net_preps canny none"
        " --clip_skip 2 --clip_vision_strength 1 --sampler dpmsingle"
    )
    for pictures in (Pictures(start=True, mask=True, guides=("g", "h")), Pictures(places="p")):
        graph = graph_of(asked(line), pictures)
        links = [value[0] for node in graph.values() for value in node["inputs"].values() if isinstance(value, list)]
        assert set(links) <= graph.keys()


def test_control_nets_take_turns_and_lllite_is_on_the_model():
    nets = "--control_net_models c d --control_net_multipliers 0.5 --control_net_ratios 1 0.4 --control_net_preps canny none"
    made = graph_of(asked(f"--ckpt a {nets}"), Pictures(), in_turn=True)
    turns = made["turns"]["inputs"]
    assert [turns["count"], turns["count.strength_1"], turns["count.strength_2"], turns["count.end_2"]] == [
        "2",
        0.5,
        1.0,
        0.4,
    ]
    assert turns["count.image_1"] == ["edges 0", 0] and made["guider"]["inputs"]["positive"] == ["turns", 0]
    nets = nets.replace("control_net_models", "control_net_lllite_models")
    made = graph_of(
        asked(f"--ckpt a {nets} --highres_fix_scale 0.5 --highres_fix_disable_control_net"), Pictures(guides=("g", "h"))
    )
    lite = made["lllite 1"]["inputs"]
    assert lite == {
        "model": ["lllite 0", 0],
        "lllite": "d",
        "image": ["guide 1", 0],
        "strength": 1.0,
        "start": 0.0,
        "end": 0.4,
    }
    models = [made[f"{stage}guider"]["inputs"]["model"] for stage in ("first ", "")]
    assert models == [["lllite 1", 0], ["negative scale", 0]] and "net 0" not in made


@pytest.mark.parametrize(("nets", "count"), [("", "none"), ("c", "1"), (" c" * 9, "9")])
def test_two_to_eight_control_nets_may_take_turns(nets: str, count: str):
    line = read(f"--ckpt a --control_net_models {nets}" if nets else "--ckpt a")
    with pytest.raises(Told, match=f"for two to eight --control_net_models, and there are {count}."):
        recipe_for(line, Own(control_net_in_turn=True), Pictures(), {"lines": ""})


def test_lines_may_ask_for_a_negative_scale_and_for_deep_shrink():
    graph = graph_of(asked("--ckpt a --clip_skip 2 --ds_timesteps_2 300"), Pictures())
    inputs = {graph[id_]["class_type"]: graph[id_]["inputs"] for id_ in ("shrink", "negative scale")}
    off = {"depth_1": -1, "timesteps_1": 650, "depth_2": -1, "timesteps_2": 300, "ratio": 0.5}
    lines = ["lines", 0]
    assert inputs == {
        "ResonanceDeepShrink": {"model": ["load", 0], "item": lines, **off},
        "ResonanceNegativeScale": {"model": ["shrink", 0], "clip": ["skip", 0], "negative_scale": -1, "item": lines},
    }
    assert graph["guider"]["inputs"]["model"] == ["negative scale", 0]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "--sampler k_euler --gradual_latent_ratio 0.5",
            "--gradual_latent_ratio: only with --sampler euler_a, k_euler_a or euler_an",
        ),
        ("--network_module networks.lora --network_weights a b", "--network_module names 1, --network_weights 2"),
        ("--network_module my.net --network_weights a", "--network_module my.net is not known"),
        ("--network_weights a --network_mul 1 2", "--network_mul gives 2 factors for 1 files"),
        (f"--network_weights {' a' * 9}", "at most 8"),
        ("--vgg16_guidance_layer 3", "--vgg16_guidance_layer: only with --vgg16_guidance_scale, such as 100."),
    ],
)
def test_options_that_do_not_fit_are_said(line: str, said: str):
    with pytest.raises(Told, match=re.escape(said)):
        check(asked(line), read(line).given, mask=False)


def test_gradual_latent_is_there_for_one_sampler_whatever_lines_say():
    made = graph_of(asked("--ckpt a --sampler k_euler_a"), Pictures())["sampler"]
    assert (
        made["class_type"] == "ResonanceGradualLatent"
        and made["inputs"].items() >= {"timesteps": 0, "unsharp": "off"}.items()
    )
    line = "--ckpt a --sampler euler_ancestral --gradual_latent_timesteps 700 --gradual_latent_unsharp_params 3,1,0.5"
    made = graph_of(asked(line), Pictures())["sampler"]["inputs"]
    assert made.items() >= {"timesteps": 700, "ratio": 0.5, "unsharp.sigma": 1, "unsharp.target": "picture"}.items()


# What it needs of pictures


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "What is to be painted?"),
        ("--image_path none.png", "--image_path: there is no none.png."),
        ("--prompt a --mask_path x.png", "--mask_path needs a picture to start from"),
        ("--prompt a --control_net_models c", "--control_net_models need pictures: pass --guide_image_path"),
        (
            "--prompt a --control_net_lllite_models c",
            "--control_net_lllite_models need pictures: pass --guide_image_path",
        ),
        (
            "--prompt a --guide_image_path x.png --control_net_models c --control_net_lllite_models d",
            "have the same pictures and multipliers: pass one of them",
        ),
        (
            "--prompt a --guide_image_path x.png",
            "is for --control_net_models, --control_net_lllite_models, --clip_image_guidance",
        ),
        (
            "--prompt a --clip_image_guidance_scale 9",
            "--clip_image_guidance_scale: towards which picture? Pass --guide_im",
        ),
        (
            "--prompt a --vgg16_guidance_scale 9 --clip_image_guidance_scale 9",
            "scale and --vgg16_guidance_scale: towards",
        ),
        (
            "--prompt a --vgg16_guidance_scale 9 --guide_image_path x.png x.png",
            "pass one file or folder as --guide_image",
        ),
        (
            "--prompt a --guide_image_path x.png --control_net_models c --control_net_preps depth",
            "expected none, canny",
        ),
        ("--prompt a --clip_guidance_scale 9", "Without ComfyUI there is no --clip_guidance_scale: pass --server"),
        ("--prompt a --control_net_ratios 1", "has more values than"),
        ("--prompt a --clip_vision_strength 1", "needs a picture to look at"),
        ("--prompt a --use_original_file_name", "needs pictures to be named after"),
        ("--prompt a --network_regional_mask_max_color_codes 2", "is for lines with AND"),
        ("--prompt a --from_file no.txt", "no.txt cannot be read"),
        ("x.txt --from_file no.txt", "both name a file of lines"),
    ],
)
def test_what_is_missing_is_said_before_there_is_a_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, said: str
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.png").write_bytes(b"")
    result = CliRunner().invoke(app, ["paint", "--ckpt", "toyworld", "--embedded", *shlex.split(line)])
    assert result.exit_code == 1 and said in result.stderr and not (tmp_path / "outputs").exists()


def test_nothing_is_yet_to_come():
    assert not any("later version" in option.instead for option in OPTIONS.values())
    assert "later version" not in (PACK / "docs" / "gen_img.md").read_text()


def test_the_docs_have_the_table():
    text = (PACK / "docs" / "gen_img.md").read_text()
    rows = dict(re.findall(r"^\| `--(\w+)` \| (.*?) \|", text.partition("## The options")[2], re.MULTILINE))
    assert rows == {name: option.does for name, option in OPTIONS.items()}
