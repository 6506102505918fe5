"""What is encoded for the pictures of a run: what their lines say goes before the widgets."""

import pytest

from resonance.paint.encoding import Prompts, Sizes, prompts_of, sizes_of
from resonance.paint.options import read_options
from resonance.session.fill.lines import alike
from resonance.session.item import Item
from resonance.session.payloads import Exploration, Payload, Plain, PromptLine

WIDGETS = Prompts("typed", "typed negative")
NOTHING = Sizes(1024, 1024, 0, 0, 0, 0, 0, 0)


def line(prompt: str = "red", negative: str | None = None, options: str = "") -> PromptLine:
    size = {"width": 832, "height": 1216, "steps": 20, "scale": 7, "seed": 1}
    return PromptLine(key="k", line="a line", prompt=prompt, negative=negative, options=options, **size)


def batch(*payloads: Payload) -> Item:
    first, *beside = [
        Item(session="s", round=1, index=number, lineage=f"X{number:04}", seed=1, payload=payload)
        for number, payload in enumerate(payloads, 1)
    ]
    return Item(**{**vars(first), "beside": tuple(beside)})


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (None, [WIDGETS]),
        (batch(Plain()), [WIDGETS]),
        (
            batch(Exploration(prompt="a --n b", aspect="1:1", width=64, height=64, scale=6, steps=4, seed=1)),
            [WIDGETS],
        ),
        (batch(line("red", "blue")), [Prompts("red", "blue")]),
        (batch(line("", "")), [Prompts("", "")]),
        (batch(line("red"), line("blue", ""), line("green", "gray")), None),
    ],
)
def test_each_picture_has_the_prompts_of_its_line(item: Item | None, expected: list[Prompts] | None):
    three = [Prompts("red", "typed negative"), Prompts("blue", ""), Prompts("green", "gray")]
    assert prompts_of(item, WIDGETS) == (expected or three)


@pytest.mark.parametrize(
    ("options", "widgets", "expected"),
    [
        (None, {}, (1024, 1024, 1024, 1024, 1024, 1024, 0, 0)),
        (None, {"original_width": 2048, "crop_top": 9}, (1024, 1024, 2048, 1024, 2048, 1024, 0, 9)),
        (None, {"original_height_negative": 512}, (1024, 1024, 1024, 1024, 1024, 512, 0, 0)),
        ("", {}, (832, 1216, 832, 1216, 832, 1216, 0, 0)),
        ("--ow 2048 --cl 7", {"crop_left": 3, "crop_top": 4}, (832, 1216, 2048, 1216, 2048, 1216, 7, 4)),
        ("--ow 0 --nh 0 --cl 0", {"original_width": 99, "crop_left": 3}, (832, 1216, 0, 1216, 0, 0, 0, 0)),
        ("--nw 64 --nh 65", {"original_width": 99}, (832, 1216, 99, 1216, 64, 65, 0, 0)),
        ("--dsd1 3 --oh 100", {"original_height_negative": 200}, (832, 1216, 832, 100, 832, 200, 0, 0)),
    ],
)
def test_what_sdxl_is_told_of_sizes(options: str | None, widgets: dict[str, int], expected: tuple[int, ...]):
    item = None if options is None else batch(line(options=options))
    assert sizes_of(item, NOTHING._replace(**widgets)) == expected


def test_lines_of_a_batch_agree_in_what_sdxl_is_told():
    assert {name for name in Sizes._fields if name not in ("width", "height")} < set(vars(read_options("").options))
    one, other, same = (
        batch(line(options="--ow 64")),
        batch(line(options="--ow 65")),
        batch(line("b", options="--ow 64")),
    )
    assert alike(one) == alike(same) != alike(other)
