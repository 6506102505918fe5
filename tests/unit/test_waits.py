"""When a graphics card may rest, and for how long."""

import pytest

from resonance.told import Told
from resonance.vary.waits import Waits, read_waits


def test_the_third_and_the_ninth_picture_have_waits_of_their_own() -> None:
    waits = read_waits("1, 2.5, 4")
    assert [waits.before(made) for made in range(11)] == [0, 1, 1, 2.5, 1, 1, 2.5, 1, 1, 4, 1]
    assert (waits.before(12), waits.before(18)) == (2.5, 4)


@pytest.mark.parametrize("text", ["3", " 3.0 ", "3,3,3"])
def test_one_number_stands_for_all_three(text: str) -> None:
    assert read_waits(text) == Waits(3, 3, 3)


@pytest.mark.parametrize("text", ["", "a", "1,2", "1,2,3,4", "1;2;3", "-1", "1,2,-3", "nan", "inf", "1,,3"])
def test_what_is_no_wait_is_refused_with_what_would_be_one(text: str) -> None:
    with pytest.raises(Told, match=r"^Expected seconds .* such as 3 or 1,2,4 .*, got '") as error:
        read_waits(text)
    assert str(error.value).endswith(f"got {text!r}.")
