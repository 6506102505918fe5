"""The losses of guides, against what a hand computes, and what lines say of them."""

import math
from itertools import product

import pytest
import torch

from resonance.guidance import asked, clip, files, vgg
from resonance.session.item import Item
from resonance.session.payloads import PromptLine
from resonance.told import Told


def directions(*degrees: float) -> torch.Tensor:
    return torch.tensor([[3 * math.cos(math.radians(each)), 3 * math.sin(math.radians(each))] for each in degrees])


def test_the_distance_is_half_the_square_of_the_angle():
    found = clip.spherical(directions(0, 30, 90, 200), directions(0))
    assert found.tolist() == pytest.approx([math.radians(each) ** 2 / 2 for each in (0, 30, 90, 160)], abs=1e-5)


def flat(red: float, green: float = 0.5, side: int = 8) -> torch.Tensor:
    return torch.tensor([red, green, 0.5]).view(1, 3, 1, 1).expand(1, 3, side, side).clone()


def colours(pictures: torch.Tensor) -> torch.Tensor:
    return pictures.mean((2, 3))


EYE = clip.Eye(4, (0.5, 0.25, 0.0), (0.5, 0.25, 1.0), colours)


def test_it_sees_all_of_a_picture_in_its_own_size_and_scale():
    shown: list[torch.Tensor] = []
    eye = EYE._replace(features=lambda pictures: (shown.append(pictures), colours(pictures))[1])
    wide = torch.cat([flat(1), flat(0)], -1)
    assert eye.see(wide).tolist() == [pytest.approx([0, 1, 0.5], abs=1e-6)]
    assert shown[0].shape == (1, 3, 4, 4) and shown[0][0, 0, 0, ::3].tolist() == pytest.approx([1, -1])


def test_pictures_take_the_goals_in_turn():
    loss = clip.loss(EYE, torch.cat([EYE.see(flat(1)), EYE.see(flat(0))]))
    nearest = [[loss(flat(red), number).item() < 1e-6 for red in (1, 0)] for number in range(3)]
    assert nearest == [[True, False], [False, True], [True, False]]


def net(pictures: torch.Tensor) -> torch.Tensor:
    return torch.tanh(pictures)


def test_vgg_is_shown_a_quarter_and_compares_the_mean_square():
    loss = vgg.loss(lambda pictures: pictures * torch.tensor([0.229, 0, 0]).view(1, 3, 1, 1), 0, flat(0.75, side=32))
    assert loss(flat(0.25), 0).item() == pytest.approx(0.5**2 / 3, abs=1e-6)
    shapes: list[torch.Size] = []
    loss = vgg.loss(lambda pictures: (shapes.append(pictures.shape), pictures)[1], 0, flat(0, side=40))
    loss(torch.zeros(1, 3, 32, 64), 0)
    loss(torch.zeros(1, 3, 32, 64), 0)
    assert shapes == [(1, 3, 8, 16)] * 3, "the goal once, of the picture's size"


def test_vgg_says_where_a_layer_sees_nothing():
    loss = vgg.loss(net, 30, flat(0))
    with pytest.raises(
        Told, match="Layer 30 of VGG16 sees nothing in a picture of 120 x 200, as its sides are below 128 pixels"
    ):
        loss(torch.zeros(1, 3, 200, 120), 0)
    loss(torch.zeros(1, 3, 128, 128), 0)


@pytest.mark.parametrize("loss", [clip.loss(EYE, EYE.see(flat(0.9))), vgg.loss(net, 2, flat(0.9, side=16))])
def test_the_gradient_is_that_of_a_difference_quotient(loss: clip.Goal):
    picture = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with torch.inference_mode():
        loss(picture, 0)  # what is kept then must do for a gradient
    picture.requires_grad_()
    [taken] = torch.autograd.grad(loss(picture, 0), picture)
    for channel, row in product(range(3), (0, 7, 15)):
        step = torch.zeros_like(picture)
        step[0, channel, row, 5] = 1e-2
        with torch.no_grad():
            quotient = (loss(picture + step, 0) - loss(picture - step, 0)).item() / 2e-2
        assert taken[0, channel, row, 5].item() == pytest.approx(quotient, rel=1e-2, abs=1e-6)


# What is asked for


def item(prompt: str, options: str = "") -> Item:
    line = PromptLine(key="k", line="l", prompt=prompt, width=64, height=64, steps=4, scale=1, seed=1, options=options)
    return Item(session="s", round=1, index=1, lineage="X0001", seed=1, payload=line)


def test_weights_are_no_words():
    assert clip.plain(r"a (red:1.3) [old] ((car)) \(1999\) BREAK at  night") == "a red old car (1999) at night"


def test_a_line_goes_before_the_widget_and_the_widget_before_the_prompt():
    plain, told = item("a cat"), item("a cat", "--c a dog, running")
    assert asked.texts(None, "here") == ["here"]
    assert [asked.texts(each, "here") for each in (plain, told)] == [["here"], ["a dog, running"]]
    assert [asked.texts(each, " ") for each in (plain, told)] == [["a cat"], ["a dog, running"]]


def test_folders_are_those_in_which_files_lie():
    assert files.folders_of(["b/model.safetensors", "b/more.bin", r"x\a\m.bin", "loose.bin"]) == ["b", "x/a"]
