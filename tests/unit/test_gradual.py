"""How large each step of gradual latent is, and what lines say of it."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest

from resonance.paint.gradual import Gradual, Unsharp, of_line, ratios, read_unsharp, size_at
from resonance.session.item import Item
from resonance.session.payloads import Payload, Plain, PromptLine
from resonance.told import Told


def times(steps: int) -> list[float]:
    """Of ComfyUI's normal schedule."""
    return [999 - n * 999 / (steps - 1) for n in range(steps)]


def item(options: str = "", payload: Payload | None = None) -> Item:
    payload = payload or PromptLine(
        key="k", line="l", prompt="p", width=64, height=64, steps=1, scale=1, seed=1, options=options
    )
    return Item(session="s", round=1, index=1, lineage="X0001", seed=1, payload=payload)


@pytest.mark.parametrize(("steps", "grows"), [(28, [8, 11, 14, 17]), (20, [6, 9, 12, 15]), (15, [5, 8, 11, 14])])
def test_a_picture_grows_when_kohyas_does(steps: int, grows: list[int]):
    found = ratios(Gradual(), times(steps))
    assert [n for n, (a, b) in enumerate(pairwise(found), 1) if a != b] == grows
    assert sorted(set(found)) == [0.5, 0.625, 0.75, 0.875, 1]


def test_ten_tenths_are_a_whole():
    assert ratios(Gradual(ratio=0.3, ratio_step=0.1, every_n_steps=1, timesteps=1000), times(12))[7] == 1


@pytest.mark.parametrize(
    ("settings", "steps", "said"),
    [
        (Gradual(), 10, "would end at 0.75 of the size: 10 steps let it grow 2 times. Take more"),
        (
            Gradual(every_n_steps=20),
            28,
            "would end at 0.625 of the size: 28 steps let it grow once",
        ),
        (Gradual(ratio=0.1, ratio_step=0.07), 28, "ratio_step .--gls. to 0.129 or ratio .--glr. to 0.51"),
    ],
)
def test_what_would_end_too_small_is_refused_and_what_is_advised_will_do(settings: Gradual, steps: int, said: str):
    with pytest.raises(Told, match=said) as told:
        ratios(settings, times(steps))
    step, ratio = (float(found) for found in re.findall(r"\) to ([0-9.]+[0-9])", str(told.value)))
    for name, value in {"ratio_step": step, "ratio": ratio}.items():
        assert ratios(replace(settings, **{name: value}), times(steps))[-1] == 1
        with pytest.raises(Told):
            ratios(replace(settings, **{name: value - 0.002}), times(steps))


@pytest.mark.parametrize("settings", [Gradual(timesteps=20), Gradual(timesteps=750)])
def test_where_it_cannot_grow_at_all_timesteps_are_to_blame(settings: Gradual):
    steps = 28 if settings.timesteps < 750 else 2
    with pytest.raises(Told, match=f"of {steps} steps only the last may lie below time step {settings.timesteps}"):
        ratios(settings, times(steps))


def test_sizes_are_multiples_of_8_unless_that_would_change_their_shape():
    assert [size_at(ratio, (96, 64)) for ratio in (0.5, 0.625, 0.75, 0.875, 1)] == [
        *((48, 32), (60, 40), (72, 48), (80, 56)),
        (96, 64),
    ]
    assert size_at(0.5, (24, 32)) == (12, 16)
    assert size_at(1, (17, 25)) == (17, 25) and size_at(0.5, (17, 25)) == (8, 12)
    assert size_at(0.01, (8, 8)) == (2, 2)


def test_a_line_goes_before_the_node():
    asked = item("--glt 600 --glr 0.6 --gls 0.2 --gle 2 --glsn 0.9 --glus 3,1.0,0.5,0")
    assert of_line(asked, Gradual()) == Gradual(
        timesteps=600,
        ratio=0.6,
        ratio_step=0.2,
        every_n_steps=2,
        s_noise=0.9,
        unsharp=Unsharp(3, 1.0, 0.5, on_picture=False),
    )
    assert of_line(item("--glr 0.6"), Gradual()) == Gradual(ratio=0.6)
    assert of_line(item("--glr 0.6"), Gradual(timesteps=0)) == Gradual(timesteps=650, ratio=0.6)
    assert of_line(item("--glt 0"), Gradual()) == Gradual(timesteps=0)


@pytest.mark.parametrize("said_nothing", [None, item(), item("--am 0.5"), item(payload=Plain())])
def test_what_says_nothing_of_it_changes_nothing(said_nothing: Item | None):
    for settings in (Gradual(), Gradual(timesteps=0)):
        assert of_line(said_nothing, settings) == settings


def test_gen_imgs_unsharp_is_read():
    assert read_unsharp("3,0.5,0.5") == read_unsharp("3,0.5,0.5,1") == Unsharp(3, 0.5, 0.5)
    assert read_unsharp("3,1.0,1.0,0") == Unsharp(3, 1.0, 1.0, on_picture=False)
    with pytest.raises(ValueError):
        read_unsharp("2,1,1")
