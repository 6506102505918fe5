"""What the table on Transform says is what the program does."""

import pytest

from resonance.told import Told
from resonance.vary.choice import OWN, SHOWN, choose, table
from resonance.vary.transform import PRESETS, calls

PROGRAMS = [
    *({"transform": name, "era": era} for name in PRESETS for era in ("S", "H")),
    *(
        {"transform": OWN, "program": program, "save_middle": middle, "loop_to_loop": loops}
        for program in ("6@.35", "6 7 8", "6 > 7 > 8")
        for middle in (False, True)
        for loops in (False, True)
    ),
]


@pytest.mark.parametrize("choice", PROGRAMS, ids=lambda choice: " ".join(map(str, choice.values())))
@pytest.mark.parametrize("iterations", [0, 1, 4])
def test_pairs_and_pictures_are_counted_as_they_are_made(choice: dict[str, object], iterations: int) -> None:
    transform = choose(choice, iterations)
    shown, made = table(transform), list(calls(transform, 7))
    assert len(made) == shown["pairs"] * shown["iterations"]
    assert sum(call.kept for call in made) == shown["kept"] * shown["iterations"]
    first = [call.pair for call in made if call.loop == 1]
    assert shown["rows"] == [[pair.scale, pair.strength, pair.steps, pair.start] for pair in first]
    assert iterations in (0, shown["iterations"])


def test_a_preset_has_its_own_number_of_loops_unless_another_is_given() -> None:
    shake = {"transform": "shake", "era": "H"}
    assert [choose(shake, iterations).iterations for iterations in (0, 5)] == [2, 5]
    assert choose({"transform": "shake"}).iterations == 3


def test_a_long_program_is_shown_in_part() -> None:
    shown = table(choose({"transform": OWN, "program": " ".join(["6"] * 1000)}))
    assert (len(shown["rows"]), shown["pairs"]) == (SHOWN, 1000)


@pytest.mark.parametrize("choice", [{}, {"transform": None}, {"transform": ["normal"]}, {"transform": "Normal"}])
def test_an_unknown_choice_is_refused_with_all_that_there_are(choice: dict[str, object]) -> None:
    with pytest.raises(Told, match="transform must be one of normal, shake, .*, own program"):
        choose(choice)
