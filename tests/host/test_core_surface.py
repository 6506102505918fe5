"""ComfyUI still has what the pack relies on: read in its source, so that an update that moves something fails here, by name."""

import pytest

from .surface import PRIVATE, ROWS, Row, found, lost, renamed


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_comfyui_has_it(row: Row) -> None:
    assert not (told := lost(row, found(row))), told


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_it_is_missed_by_name_where_it_has_another_one(row: Row) -> None:
    assert f"{row.name!r}, on which Resonance relies" in lost(row, renamed(row))


def test_all_that_is_private_has_a_row() -> None:
    assert {row.name for row in ROWS} >= PRIVATE
