"""How strongly a picture acts in the attention that it shares with words and pixels."""

import math
from itertools import pairwise

import pytest
import torch

from resonance.reference.bias import latent_bias, token_bias
from resonance.reference.joint import UNSEEN, Joint, Seen, grid_of, joint_bias

LIKE = torch.empty(0)


@pytest.mark.parametrize(("picture", "words"), [(729, 256), (729, 512), (8, 77), (77, 77)])
def test_the_bias_of_tokens_rises_without_a_jump(picture: int, words: int):
    steps = [token_bias(n / 1000, picture, words) for n in range(1, 2001)]
    assert steps[999] == 0
    assert all(a <= b for a, b in pairwise(steps))
    assert all(b - a < 0.02 for a, b in pairwise(steps[100:]))


def test_at_a_half_a_picture_and_words_have_an_equal_say():
    assert 729 * math.exp(token_bias(0.5, 729, 256)) == pytest.approx(256)
    assert token_bias(0.5, 8, 77) == 0


def test_below_a_half_the_say_of_a_picture_is_proportional_to_its_strength():
    assert 729 * math.exp(token_bias(0.25, 729, 256)) == pytest.approx(128)


def test_the_bias_of_a_latent_counts_its_keys_so_many_times():
    assert [math.exp(latent_bias(strength)) for strength in (0.25, 1, 2)] == pytest.approx([0.25, 1, 2])


def test_the_pixels_of_a_model_are_told_from_their_number():
    assert grid_of((1, 16, 128, 96), 64 * 48) == (1, 64, 48)
    assert grid_of((1, 16, 15, 9), 8 * 5) == (1, 8, 5)  # padded
    assert grid_of((1, 128, 64, 64), 4096) == (1, 64, 64)
    assert grid_of((1, 16, 4, 32, 32), 4 * 256) == (4, 16, 16)
    assert grid_of((1, 16, 32, 32), 255) is None


def test_all_but_the_picture_itself_see_it_by_its_bias():
    sizes = Joint(3, (1, 2, 2), (2, 5))
    bias = joint_bias(sizes, [Seen(sizes.reference(0), -1.5, None)], LIKE)
    assert bias.shape == (14, 14)
    expected = torch.zeros(14, 14)
    expected[:, 7:9] = -1.5
    expected[7:9, 7:9] = 0
    assert torch.equal(bias, expected)


def test_a_picture_with_a_mask_is_seen_by_its_pixels_alone():
    sizes = Joint(2, (1, 2, 2), (1, 1))
    mask = torch.tensor([[1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]]).repeat_interleave(2, 0)
    bias = joint_bias(sizes, [Seen(sizes.reference(1), math.log(2), mask)], LIKE)
    assert bias[:, 7].tolist() == pytest.approx([UNSEEN, UNSEEN, 0, UNSEEN, 0, UNSEEN, UNSEEN, 0])
    assert not bias[:, :7].any()


def test_a_picture_among_the_words_sees_itself_as_ever():
    sizes = Joint(4, (2, 1, 1), ())
    bias = joint_bias(sizes, [Seen(slice(1, 3), -2.0, None)], torch.empty(0, dtype=torch.float16))
    assert bias.dtype == torch.float16
    assert bias[:, 1].tolist() == bias[:, 2].tolist() == [-2, 0, 0, -2, -2, -2]
    assert not bias[:, [0, 3, 4, 5]].any()


def test_no_weight_is_left_of_what_is_not_seen_and_nothing_is_nan():
    sizes = Joint(2, (1, 4, 4), (16,))
    mask = torch.zeros(4, 4)
    mask[0, 0] = 1
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        bias = joint_bias(sizes, [Seen(sizes.reference(0), 0.0, mask)], torch.empty(0, dtype=dtype))
        weights = (30 * torch.randn(34, 34) + bias.float()).softmax(-1)
        assert weights.isfinite().all()
        assert not weights[:2, 18:].any() and not weights[3:18, 18:].any() and weights[2, 18:].any()
