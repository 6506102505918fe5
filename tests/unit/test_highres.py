"""Two passes: what each is told, what a graph of them says, and the network between them."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from infotext import a1111
from torch.nn import functional as F

from resonance.gen_img import checks
from resonance.gen_img.command_line import Parser
from resonance.gen_img.graph import Pictures, graph_of
from resonance.graph import has_stages
from resonance.latent_upscaler import LatentUpscaler, check, network_of
from resonance.paint.encoding import Sizes, sizes_of
from resonance.paint.how import How, how
from resonance.paint.line_workflow import ALONE, SECOND, LineWorkflow
from resonance.paint.passes import Second, second_of
from resonance.session.item import Item, together
from resonance.session.payloads import Exploration, PromptLine
from resonance.told import Told

LINE = PromptLine(key="k", line="a", prompt="a", width=832, height=1216, steps=48, scale=7, strength=0.5, seed=7)
ITEM = Item(session="s", round=1, index=1, lineage="X0001", seed=7, payload=LINE)
COMMAND = "--ckpt m --steps 48 --sampler ddim --highres_fix_scale 0.5 --highres_fix_steps 28 --strength 0.5"


# What the second pass is told


def test_a_second_pass_has_size_steps_and_strength_of_its_line_and_the_seeds_after_those_of_all():
    asked = Second((64, 64), 20, 0.3, [1])
    assert (asked.run, asked.own_seeds) == (6, [2])
    found = second_of(together([ITEM, replace(ITEM, seed=2**64 - 1)]), asked)
    assert (found.size, found.steps, found.strength, found.run, found.own_seeds) == ((832, 1216), 48, 0.5, 24, [8, 0])
    other = replace(ITEM, payload=Exploration(prompt="", aspect="", width=8, height=8, scale=1, steps=9, seed=7))
    assert second_of(other, asked) == asked._replace(seeds=[7])
    assert second_of(replace(ITEM, payload=replace(LINE, strength=None)), asked).strength == 0.3


def test_sdxl_is_told_of_the_first_pass():
    widgets = Sizes(64, 64, 0, 1001, 0, 0, 33, 0)
    assert sizes_of(ITEM, widgets, 0.5) == Sizes(416, 608, 416, 501, 416, 501, 17, 0)
    given = replace(ITEM, payload=replace(LINE, options="--ow 2000 --nh 500 --ct 9"))
    assert sizes_of(given, widgets, 0.5) == Sizes(416, 608, 1000, 501, 1000, 250, 17, 5)


# The graph


def asked(command: str = COMMAND) -> Any:
    return Parser("paint").read(command.split()).asked


def test_control_net_acts_in_both_passes_or_only_in_the_first():
    nets = f"{COMMAND} --control_net_models one two --guide_image_path g"
    for more, last in (("", "control 1"), (" --highres_fix_disable_control_net", "words")):
        graph = graph_of(asked(nets + more), Pictures())
        assert graph["first guider"]["inputs"]["positive"] == ["first control 1", 0]
        assert graph["guider"]["inputs"]["positive"] == [last, 0]
        assert graph["first control 0"]["inputs"]["positive"] == ["first words", 0]
        assert ("control 0" in graph) == (last != "words")
        assert graph["first words"]["inputs"]["highres_scale"] == 0.5
        assert "highres_scale" not in graph["words"]["inputs"]


def test_the_passes_hang_together_and_without_them_there_is_one():
    graph = graph_of(asked(f"{COMMAND} --highres_fix_save_1st"), Pictures(start=True))
    assert graph["lines"]["inputs"] == {
        "batch_size": 1,
        "highres_scale": 0.5,
        "highres_steps": 28,
        "highres_strength": 0,
    }
    assert graph["first sample"]["inputs"]["latent_image"] == ["start", 0]
    assert graph["highres"]["inputs"]["samples"] == ["first sample", 0]
    assert graph["sample"]["inputs"] | {"sigmas": None} == {
        "noise": ["highres", 5],
        "guider": ["guider", 0],
        "sampler": ["noise", 1],
        "sigmas": None,
        "latent_image": ["highres", 0],
    }
    assert graph["save"]["inputs"]["before"] == ["highres", 1]
    assert LineWorkflow(graph, "lines").alone() == "" and has_stages(graph)
    once = graph_of(asked("--ckpt m"), Pictures())
    assert not has_stages(once) and not any(id_.startswith("first") for id_ in once)
    assert once["lines"]["inputs"] == {"batch_size": 1} and "before" not in once["save"]["inputs"]


@pytest.mark.parametrize(
    ("command", "mask", "says"),
    [
        (
            "--highres_fix_steps 9 --highres_fix_save_1st",
            False,
            "--highres_fix_steps, --highres_fix_save_1st: only in two",
        ),
        (COMMAND, True, "does not go with a --mask_path"),
        (f"{COMMAND} --highres_fix_upscaler tools.latent_upscaler", False, "both or neither"),
        (f"{COMMAND} --highres_fix_upscaler_args weights=a", False, "both or neither"),
    ],
)
def test_options_that_do_not_fit_together_are_told(command: str, mask: bool, says: str):
    line = Parser("paint").read(command.split())
    with pytest.raises(Told, match=says):
        checks.check(line.asked, line.given, mask)
    checks.check(asked(), {"highres_fix_scale": 0.5}, False)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--highres_fix_upscaler", "my.module"], "expected one of tools.latent_upscaler, got 'my.module'"),
        (["--highres_fix_upscaler_args", "weights=a.pt;device=cpu"], "expected weights=FILE and nothing else"),
        (["--highres_fix_upscaler_args", "file=a.pt"], "expected weights=FILE and nothing else"),
        (["--highres_fix_scale", "2"], "expected a number from 0.01 to 1"),
    ],
)
def test_values_that_are_none_are_told(words: list[str], says: str):
    with pytest.raises(Told, match=says):
        Parser("paint").read(words)


def test_several_are_painted_at_once_where_highres_fix_has_a_seed_for_each():
    graph = graph_of(asked(), Pictures())
    assert LineWorkflow(graph, "lines").alone() == ""
    seeded = {**graph, "more": {"class_type": "X", "inputs": {"seed": ["highres", 4]}}}
    assert LineWorkflow(seeded, "lines").alone() == SECOND
    graph["highres"]["inputs"].pop("item")
    assert LineWorkflow(graph, "lines").alone() == SECOND
    graph["highres"]["inputs"]["item"] = ["lines", 0]
    graph["sample"]["inputs"]["sampler"] = ["sampler", 0]
    graph["sampler"]["inputs"]["sampler_name"] = "euler"
    assert LineWorkflow(graph, "lines").alone() == "", "it draws nothing on its way"
    graph["sampler"]["inputs"]["sampler_name"] = "euler_ancestral"
    assert "euler_ancestral may add noise" in LineWorkflow(graph, "lines").alone()
    graph["noise"]["inputs"].pop("item")
    assert LineWorkflow(graph, "lines").alone() == ALONE


# What pictures say


def facts(made: How | None, side: int = 8) -> dict[str, str]:
    assert made
    return a1111(made.text((side, side)))[2]


@pytest.mark.parametrize("source", [None, "a.png [input]"])
def test_the_picture_of_each_pass_says_how_it_was_made(source: str | None):
    made = how(graph_of(asked(), Pictures(start=bool(source))), replace(ITEM, source=source), "")
    last, first = facts(made), facts(made.first, 4)
    assert (last["Seed"], last["Size"], last["Steps"], last["Denoising strength"]) == ("8", "8x8", "48", "0.5")
    assert (first["Seed"], first["Size"], first["Steps"]) == ("7", "4x4", "28")
    assert first.get("Denoising strength") == (source and "0.5")
    assert last["Sampler"] == first["Sampler"] and last["CFG scale"] == first["CFG scale"] == "7"


def test_a_first_pass_that_is_told_its_steps_itself_and_other_items():
    graph = graph_of(asked(), Pictures())
    graph["first sigmas"]["inputs"]["steps"] = 11
    assert facts(how(graph, ITEM, "").first)["Steps"] == "11"
    payload = Exploration(prompt="a", aspect="", width=8, height=8, scale=1, steps=9, seed=7)
    graph["highres"]["inputs"] |= {"steps": 30, "strength": 0.25}
    made = how(graph, replace(ITEM, payload=payload), "")
    assert (facts(made)["Steps"], facts(made)["Denoising strength"]) == ("30", "0.25")
    graph["highres"]["inputs"]["seed"] = 3
    graph["highres"]["inputs"].pop("item")
    assert facts(how(graph, ITEM, ""))["Seed"] == "4"
    graph["highres"]["inputs"]["seed"] = ["unknown", 0]
    assert "Seed" not in facts(how(graph, ITEM, ""))


def test_two_of_them_say_nothing_of_a_sampler():
    graph = graph_of(asked(), Pictures())
    graph["again"] = {"class_type": "ResonanceHighresFix", "inputs": {"samples": ["sample", 0]}}
    graph["decode"]["inputs"]["samples"] = ["again", 0]
    made = how(graph, ITEM, "")
    assert made.first is None and "Sampler" not in facts(made)


# The network


def network() -> dict[str, torch.Tensor]:
    """Weights of a network with statistics that are none of its own."""
    torch.manual_seed(1)
    found = LatentUpscaler().state_dict()
    for key, tensor in found.items():
        if key.endswith(("running_mean", "bias")):
            tensor.normal_(0, 0.1)
        elif key.endswith("running_var") or "bn" in key and key.endswith("weight"):
            tensor.uniform_(0.5, 1.5)
    return found


def written_out(w: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """What the network does, as its description says it."""

    def conv(name: str, x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(x, w[f"{name}.weight"], w.get(f"{name}.bias"), padding="same")

    def norm(name: str, x: torch.Tensor) -> torch.Tensor:
        mean, var, scale, shift = (
            w[f"{name}.{key}"][:, None, None] for key in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / (var + 1e-5).sqrt() * scale + shift

    y = norm("bn1", conv("conv1", x)).clamp(0)
    for group in range(5):
        before = y
        for n in range(4 * group + 1, 4 * group + 5):
            block = norm(f"resblock{n}.bn1", conv(f"resblock{n}.conv1", y)).clamp(0)
            y = (norm(f"resblock{n}.bn2", conv(f"resblock{n}.conv2", block)) + y).clamp(0)
        y = y + before
    y = norm("bn3", conv("conv3", norm("bn2", conv("conv2", y)).clamp(0)))
    return x + conv("conv_final", y)


@torch.no_grad()
def test_the_network_does_what_its_description_says_and_a_batch_is_its_pictures():
    weights, latents = network(), torch.randn(2, 4, 6, 5)
    assert len(weights) == 260
    read_back = network_of("a.pt", weights)
    assert not read_back.training, "the statistics of the file count, not those of the pictures"
    torch.testing.assert_close(read_back(latents), written_out(weights, latents), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(read_back(latents)[1:], read_back(latents[1:]), rtol=1e-5, atol=1e-5)
    assert (read_back(latents) - read_back.train()(latents)).abs().mean() > 0.1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"conv_final.bias": None}, "lacks conv_final.bias"),
        ({"resblock20.bn2.num_batches_tracked": None}, "lacks resblock20.bn2.num_batches_tracked"),
        ({"resblock21.conv1.weight": torch.zeros(1)}, "has resblock21.conv1.weight, which that has not"),
        (
            {"conv1.weight": torch.zeros(128, 16, 3, 3)},
            r"has conv1.weight of the shape \[128, 16, 3, 3\], not \[128, 4, 3, 3\]",
        ),
        ({"conv1.weight": "text"}, r"has conv1.weight of the shape \[\], not"),
    ],
)
def test_a_file_with_other_keys_or_shapes_is_refused_by_name(change: dict[str, Any], says: str):
    weights = {key: value for key, value in {**network(), **change}.items() if value is not None}
    with pytest.raises(Told, match=f"a.pt is no latent upscaler of sd-scripts .*: it {says}"):
        network_of("a.pt", weights)


def test_nothing_at_all_is_none():
    with pytest.raises(Told, match=r"lacks conv1\.weight\. Choose another file, or another method\."):
        check("a.pt", {})
