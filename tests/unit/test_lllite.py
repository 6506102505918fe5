"""ControlNet-LLLite: what one network adds, worked out in another way, and the places that files name."""

import pytest
import torch
import torch.nn.functional as F
from models.wired.lllite import lllite
from models.wired.weights import Weights

from resonance.lllite import Layer, read_lllite


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_network_adds_what_its_tensors_say(depth: int):
    weights = Weights()
    lllite(weights, [("middle_block_1", 0, depth)], wired=False)
    state = {name: tensor.float() for name, tensor in weights.items()}
    net = read_lllite("file", state)[Layer("middle", 0, 0, "attn1", "k")]
    own = {name.partition("attn1_to_k.")[2]: t for name, t in state.items() if "attn1_to_k." in name}
    assert net.cell == {1: 8, 2: 16, 3: 32}[depth]
    height, width = 3, 2
    picture, x = torch.rand(1, 3, height * net.cell, width * net.cell), torch.randn(1, height * width, 320)
    seen = (picture * 2 - 1)[0]
    for number in range(2 if depth < 3 else 3):
        kernel = own[f"conditioning1.{2 * number}.weight"]
        side = kernel.shape[-1]
        rows, columns = seen.shape[1] // side, seen.shape[2] // side
        found = torch.zeros(len(kernel), rows, columns)
        for row in range(rows):
            for column in range(columns):
                part = seen[:, row * side : (row + 1) * side, column * side : (column + 1) * side]
                found[:, row, column] = (kernel * part).sum((1, 2, 3))
        seen = found if number == len(range(2 if depth < 3 else 3)) - 1 else found.relu()
    for row in range(height):
        for column in range(width):
            pixel = x[0, row * width + column]
            down = (own["down.0.weight"] @ pixel).relu()
            middle = (own["mid.0.weight"] @ torch.cat([seen[:, row, column], down])).relu()
            expected = own["up.0.weight"] @ middle
            made = net(x, net.see(picture, (height, width)))[0, row * width + column]
            assert torch.allclose(made, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("spelled", "place"),
    [
        ("input_blocks_4_1", ("input", 4)),
        ("output_blocks_3_1", ("output", 3)),
        ("middle_block_1", ("middle", 0)),
        ("mid_block_attentions_0", ("middle", 0)),
        ("down_blocks_0_attentions_1", ("input", 2)),
        ("down_blocks_2_attentions_0", ("input", 7)),
        ("up_blocks_1_attentions_2", ("output", 5)),
    ],
)
def test_both_ways_to_spell_a_block_are_read(spelled: str, place: tuple[str, int]):
    weights = Weights()
    lllite(weights, [(spelled, 1, 1)], wired=True)
    assert {layer[:3] for layer in read_lllite("file", weights)} == {(*place, 1)}


def test_pictures_of_any_size_come_to_the_size_of_a_layer():
    weights = Weights()
    lllite(weights, [("middle_block_1", 0, 1)], wired=True)
    net = read_lllite("file", {name: t.float() for name, t in weights.items()})[Layer("middle", 0, 0, "attn2", "q")]
    half = torch.zeros(1, 3, 37, 90)
    half[..., :45] = 1
    seen = net.see(half, (4, 6)).unflatten(1, (4, 6))[0, ..., 0]
    assert seen.shape == (4, 6) and (seen[:, :2] > 0.9).all() and (seen[:, 4:] <= 0).all()
    assert F.relu(seen[:, 4:]).sum() == 0
