"""How strongly a picture acts in the attention that it shares with words and pixels."""

import math
from itertools import pairwise

import pytest

from resonance.reference.bias import latent_bias, token_bias


@pytest.mark.parametrize(("picture", "words"), [(729, 256), (729, 512), (8, 77), (77, 77)])
def test_the_bias_of_tokens_rises_without_a_jump(picture: int, words: int):
    steps = [token_bias(n / 1000, picture, words) for n in range(2001)]
    assert steps[0] == -math.inf and steps[1000] == 0
    assert all(a <= b for a, b in pairwise(steps))
    assert all(b - a < 0.02 for a, b in pairwise(steps[100:]))


def test_at_a_half_picture_and_words_have_an_equal_say():
    assert 729 * math.exp(token_bias(0.5, 729, 256)) == pytest.approx(256)
    assert token_bias(0.5, 8, 77) == 0


def test_below_a_half_the_say_of_a_picture_is_proportional_to_its_strength():
    assert 729 * math.exp(token_bias(0.25, 729, 256)) == pytest.approx(128)


def test_the_bias_of_a_latent_counts_its_keys_so_many_times():
    assert [math.exp(latent_bias(strength)) for strength in (0, 0.25, 1, 2)] == pytest.approx([0, 0.25, 1, 2])
