"""What the suite says of the time it takes."""

import pytest
from budget import SMALL, Budget
from places import PACK

BUDGET = Budget(whole=900, reference=0.1, files={"slow.py": 100})


def test_what_keeps_to_its_budget_is_not_mentioned() -> None:
    assert BUDGET.judge(899, {"slow.py": 99, "other.py": SMALL}, 1) == ([], False)


def test_a_file_that_takes_more_is_named() -> None:
    assert BUDGET.judge(1, {"slow.py": 150, "other.py": 11}, 1) == (
        ["slow.py took 150 s, its budget is 100 s", "other.py took 11 s, its budget is 10 s"],
        False,
    )


def test_all_together_fail_at_once() -> None:
    assert BUDGET.judge(960, {"slow.py": 99}, 1) == (["all took 16.0 min, the budget is 15.0 min"], True)


def test_a_slower_machine_may_take_longer() -> None:
    assert BUDGET.judge(1199, {"slow.py": 140, "other.py": 13}, 1.4) == ([], False)
    assert BUDGET.judge(1261, {}, 1.4)[1]


@pytest.mark.parametrize(("measured", "slower"), [(0.05, 1), (0.1, 1), (0.14, 1.4), (9, 2.5)])
def test_how_slow_a_machine_is_has_bounds(measured: float, slower: float) -> None:
    assert BUDGET.slower(measured) == pytest.approx(slower)


def test_the_budget_names_files_that_are_there_and_parts_that_fit() -> None:
    budget = Budget.read()
    assert [file for file in budget.files if not (PACK / file).is_file()] == []
    assert all(seconds > SMALL for seconds in budget.files.values())
    assert sum(budget.files.values()) < 1.5 * 2 * budget.whole, "two workers, and half again for what varies"
