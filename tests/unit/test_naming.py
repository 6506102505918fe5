import time
from typing import Any

import pytest

from resonance.session.item import Item
from resonance.session.naming import folder_of, prompt_hash, stem_of, variation
from resonance.told import Told

BEGUN = time.mktime((2022, 10, 16, 12, 30, 59, 0, 0, -1))


def item(**payload: Any) -> Item:
    return Item("s", 2, 3, "X0001", 42, payload=payload)


@pytest.mark.parametrize("prompt", ["Nice view", "  Nice \n\t view "])
def test_the_folder_of_a_prompt_is_the_md5_of_its_words_and_a_newline(prompt: str):
    assert prompt_hash(prompt) == "b5b02a57b27ac4d6e767d5cca3e81e8f" != prompt_hash("nice view")


def test_folders_follow_the_rule():
    assert folder_of(item(), "", "round") == "round-0002"
    assert folder_of(item(), "", "scratch") == "scratch"
    assert folder_of(item(), "Nice view", "prompt hash") == prompt_hash("Nice view")
    with pytest.raises(Told, match="connect it to words"):
        folder_of(item(), " ", "prompt hash")


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"scale": 6, "steps": 40}, "2022-10-16T12-30-59_scale-6.0_steps-40_seed-42"),
        ({"scale": 6.5, "steps": 50, "strength": 0.35}, "2022-10-16T12-30-59_scale-6.5_steps-50_strength-0.35_seed-42"),
        ({}, "2022-10-16T12-30-59_seed-42"),
        ({"scale": None, "prompt": "x"}, "2022-10-16T12-30-59_seed-42"),
    ],
)
def test_variations_have_the_names_of_the_batch_cli(facts: dict[str, Any], name: str):
    assert variation(facts, 42, BEGUN) == name
    assert stem_of(item(**facts), "variation", BEGUN, lambda _: False) == name
    misspelled = name.replace("strength", "strenght")
    assert stem_of(item(**facts), "variation (strenght)", BEGUN, lambda _: False) == misspelled


def test_a_name_that_is_taken_gets_a_number():
    taken: set[str] = set()
    names: list[str] = []
    for single in (True, False, True):
        names.append(stem_of(item(scale=6), "variation", BEGUN, taken.__contains__))
        taken.add(f"{names[-1]}.png" if single else f"{names[-1]}_01.png")
    plain = "2022-10-16T12-30-59_scale-6.0_seed-42"
    assert names == [plain, f"{plain}_2", f"{plain}_3"]
    assert stem_of(item(), "lineage", BEGUN, lambda _: True) == "X0001_r0002_42", "one of its own in every session"
