"""Which canvas counts, and which of its regions are meant."""

from dataclasses import replace

import pytest

from resonance.canvas import edits, listing, pick
from resonance.canvas.canvas import Canvas, CanvasError, Region
from resonance.canvas.read import Reading

SEA = Canvas((Region(prefixes=("A sea.",)), Region((0, 45, 0, 45), ("A sea.", "A boat."), name="boat")))
MOON = Canvas((Region(prefixes=("A night.",)), Region((0, 45, 45, 90), ("A night.", "A moon."))))
SIZE = 180, 90


def edited(origin: str) -> Canvas:
    boat = replace(SEA.regions[1], rect=(45, 90, 45, 90))
    return Canvas((SEA.regions[0], boat), origin)


def test_edits_count_while_what_they_were_made_from_is_connected():
    text = listing.write(edited(listing.digest(SEA)))
    assert edits.effective(text, SEA, *SIZE) == Reading(edited(listing.digest(SEA)))


@pytest.mark.parametrize("origin", ["", "0123456789abcdef", listing.digest(MOON)])
def test_what_is_connected_counts_where_the_text_was_not_made_from_it(origin: str):
    found = edits.effective(listing.write(edited(origin)), SEA, *SIZE)
    assert found.canvas is SEA and found.notes == (edits.OUTDATED,)


def test_the_text_counts_where_nothing_is_connected():
    for origin in ("", listing.digest(SEA)):
        assert edits.effective(listing.write(edited(origin)), None, *SIZE).canvas == edited(origin)


@pytest.mark.parametrize("text", ["", " \n"])
def test_without_text_what_is_connected_counts(text: str):
    assert edits.effective(text, SEA, *SIZE) == Reading(SEA)
    with pytest.raises(CanvasError, match="JSON or as an Omost program, or connect a canvas or boxes"):
        edits.effective(text, None, *SIZE)


def test_a_broken_text_is_an_error_whatever_is_connected():
    for upstream in (None, SEA):
        with pytest.raises(CanvasError):
            edits.effective("[{", upstream, *SIZE)


def test_edits_of_edits_follow_the_canvas_that_they_were_made_from():
    once = edited(listing.digest(SEA))
    twice = replace(once, origin=listing.digest(once))
    assert edits.effective(listing.write(twice), once, *SIZE).canvas == twice
    assert edits.effective(listing.write(twice), SEA, *SIZE).canvas is SEA


def test_a_text_may_hold_boxes():
    text = '[{"x": 20, "y": 10, "width": 40, "height": 30, "metadata": {"desc": "A boat"}}]'
    boat = edits.effective(text, None, *SIZE).canvas.regions[1]
    assert boat.rect == (10, 40, 10, 30) and boat.prefixes == ("A boat.",)


@pytest.mark.parametrize("upstream", [None, SEA])
def test_more_boxes_than_a_canvas_has_room_for_are_refused(upstream: Canvas | None):
    box = {"x": 0, "y": 0, "width": 9, "height": 9}
    room = 500 - len(upstream.regions if upstream else (SEA.whole,))
    assert len(edits.with_boxes(upstream, [box] * room, *SIZE).canvas.regions) == 500
    with pytest.raises(CanvasError, match="501 regions"):
        edits.with_boxes(upstream, [box] * (room + 1), *SIZE)


@pytest.mark.parametrize(
    ("which", "numbers"),
    [
        ("", (0, 1, 2)),
        (" , ", (0, 1, 2)),
        ("boat", (1,)),
        ("a moon, BOAT", (2, 1)),
        ("2,0", (2, 0)),
        ("global", (0,)),
    ],
)
def test_regions_are_found_by_name_or_number(which: str, numbers: tuple[int, ...]):
    assert pick.numbers(Canvas((*SEA.regions, MOON.regions[1])), which) == numbers


@pytest.mark.parametrize("which", ["ship", "3", "-1", "boat, ship", "²"])
def test_an_unknown_region_is_answered_with_those_there_are(which: str):
    with pytest.raises(CanvasError, match=r"no region .*This canvas has 0 \(global\), 1 \(boat\), 2 \(A moon\)\."):
        pick.numbers(Canvas((*SEA.regions, MOON.regions[1])), which)
