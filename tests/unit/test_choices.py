"""Choices in one prompt."""

from pathlib import Path

import pytest

from resonance.paint.choices import choose_prompt
from resonance.paint.wildcards import WildcardFiles
from resonance.told import Told

NONE = WildcardFiles([])


def test_a_prompt_has_its_choices_made_by_seed_and_name(tmp_path: Path):
    (tmp_path / "sky.txt").write_text("clear\n3::grey {a|b}\n", "utf-8")
    files = WildcardFiles([tmp_path])
    text = "a {red|blue} barn,\n__sky__ --n is no option \\{here\\}"
    prompts = {choose_prompt(text, seed, files, "preamble") for seed in range(100)}
    skies = ("clear", "grey a", "grey b")
    assert prompts == {f"a {red} barn,\n{sky} --n is no option {{here}}" for red in ("red", "blue") for sky in skies}
    chosen = [
        [choose_prompt("{a|b|c|d}", seed, NONE, what) for seed in range(50)]
        for what in ("preamble", "suffix", "preamble")
    ]
    assert chosen[0] == chosen[2] != chosen[1]
    assert choose_prompt("", 1, NONE, "suffix") == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\nb {c", r"^The suffix cannot be read. Line 2, column 3: this { is not closed"),
        ("{e$$a|b}", r"Line 1, column 1: e\$\$ stands for several pictures"),
        ("a {b|\n\n __none__}", r"Line 3, column 2: There is no wildcard 'none'"),
        ("__../x__", r"Line 1, column 1: The wildcard '../x' leads out"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, said: str):
    with pytest.raises(Told, match=said):
        choose_prompt(text, 1, NONE, "suffix")
