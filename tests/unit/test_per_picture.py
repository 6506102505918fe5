"""Seeds of a batch, and which samplers can paint each of its pictures as it does alone."""

import copy
from typing import Any

import pytest

from resonance.paint.per_picture import NOISES, TOGETHER, Seeds, noise_of
from resonance.told import Told


def test_one_seed_counts_up_and_begins_anew_behind_the_last():
    assert Seeds(7).of(1) == (7,) and Seeds(7).of(3) == (7, 8, 9)
    assert Seeds(2**64 - 2).of(3) == (2**64 - 2, 2**64 - 1, 0)


def test_several_seeds_are_taken_as_they_are():
    assert Seeds(7, 3, 7).of(3) == (7, 3, 7)
    for count in (1, 2, 4):
        with pytest.raises(Told, match=rf"seeds for 3 pictures, and {count} are to be painted: take the latent"):
            Seeds(7, 3, 7).of(count)


def test_it_is_the_first_seed_to_everybody_else():
    seeds = Seeds(7, 3)
    assert seeds == 7 and seeds - 10 == -3 and isinstance(seeds, int)
    assert copy.deepcopy(seeds).of(2) == (7, 3)


def test_what_samplers_draw():
    assert {name: noise_of(name, {}) for name in NOISES} == NOISES
    assert noise_of("euler", {"s_churn": 0.0, "s_noise": 1.0}) == "none"
    assert noise_of("lcm", {"noise_clip_std": 0.0, "s_noise_end": 0.5}) == "generator"


@pytest.mark.parametrize(
    ("name", "settings", "is_cores", "reason"),
    [
        *((name, {}, True, reason) for name, reason in TOGETHER.items()),
        ("euler", {"s_churn": 0.5}, True, "with s_churn above 0 adds noise"),
        ("lcm", {"noise_clip_std": 2.0}, True, "with noise_clip_std above 0 measures"),
        ("euler_ancestral", {"noise_sampler": print}, True, "has its noise from another node"),
        ("ar_video", {}, True, "is not among the samplers"),
        ("euler", {}, False, "is not among the samplers"),
        ("euler", {"s_churn": [0.5, "odd"]}, False, "is not among the samplers"),
    ],
)
def test_what_cannot_is_refused_by_name_in_one_sentence(
    name: str, settings: dict[str, Any], is_cores: bool, reason: str
):
    with pytest.raises(Told, match=rf"^{name} {reason}[^.]*: choose another sampler, or paint one picture a run\.$"):
        noise_of(name, settings, is_cores)
