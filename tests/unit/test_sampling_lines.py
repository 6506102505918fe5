"""What Negative Scale and Deep Shrink are told by widgets and lines."""

import pytest

from resonance.paint import deep_shrink, negative_scale
from resonance.paint.deep_shrink import OFF, Shrink
from resonance.session.item import Item
from resonance.session.payloads import Plain, PromptLine


def item(options: str) -> Item:
    payload = PromptLine(key="k", line="l", prompt="p", width=64, height=64, steps=1, scale=1, seed=1, options=options)
    return Item(session="s", round=1, index=1, lineage="X0001", seed=1, payload=payload)


ROUND = Item(session="s", round=1, index=1, lineage="X0001", seed=1, payload=Plain())


def test_the_negative_scale_of_a_line():
    assert [negative_scale.of_line(item(options)) for options in ("--nl 0", "--nl 2.5", "--nl none", "--am 1")] == [
        *(0, 2.5, negative_scale.OFF, None),
    ]
    assert negative_scale.of_line(ROUND) is None and negative_scale.of_line(None) is None


@pytest.mark.parametrize(("scale", "cfg"), [(4.0, 7.5), (0.0, 2.0), (9.0, 1.25)])
def test_its_share_makes_ordinary_guidance_kohyas(scale: float, cfg: float):
    p, n, u = 0.7, -0.4, 0.1
    m = u + (n - u) * negative_scale.share(scale, cfg)
    assert m + cfg * (p - m) == pytest.approx(u + cfg * (p - u) - scale * (n - u))


@pytest.mark.parametrize(
    ("options", "widgets", "wanted"),
    [
        ("", Shrink(2), Shrink(2)),
        ("--dsd1 1 --dsr 0.25", Shrink(2, 700, 3, 300), Shrink(1, 700, 3, 300, 0.25)),
        ("--dst1 800 --dsd2 0 --dst2 400", Shrink(2), Shrink(2, 800, 0, 400)),
        ("--dsr 0.75", Shrink(), Shrink(3, ratio=0.75)),
        ("--dsd1 0", Shrink(), Shrink(0)),
        ("--nl 3", Shrink(), Shrink()),
    ],
)
def test_what_a_line_gives_goes_before_the_widgets(options: str, widgets: Shrink, wanted: Shrink):
    assert deep_shrink.asked(item(options), widgets) == wanted
    assert deep_shrink.asked(ROUND, widgets) == deep_shrink.asked(None, widgets) == widgets


@pytest.mark.parametrize(
    ("shrink", "phases", "says"),
    [
        (Shrink(), (), "Off: nothing shrinks."),
        (Shrink(OFF, 650, 2, 300), (), "Off: nothing shrinks."),
        (Shrink(3, 650), ((3, 650),), "Shrinks to 0.5 at depth 3 down to time step 650."),
        (
            Shrink(3, 650, 1, 300, 0.25),
            ((3, 650), (1, 300)),
            "Shrinks to 0.25 at depth 3 down to time step 650, then at depth 1 down to 300.",
        ),
        (
            Shrink(3, 650, 1, 650),
            ((3, 650),),
            "Shrinks to 0.5 at depth 3 down to time step 650. The second phase never acts: set timesteps_2 below timesteps_1.",
        ),
    ],
)
def test_its_phases_and_what_it_says_of_them(shrink: Shrink, phases: tuple[tuple[int, int], ...], says: str):
    assert (shrink.phases, shrink.says()) == (phases, says)
