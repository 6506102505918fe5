"""From scores to text."""

from typing import Any

import numpy as np
import pytest

from resonance.interpret.taggers.labels import CATEGORIES, Labels
from resonance.interpret.taggers.select import (
    KAOMOJI,
    Choice,
    Text,
    category_list,
    choose,
    mcut,
    plain_list,
    rating,
    replacements,
    spelled,
    write,
)
from resonance.prompt import normal
from resonance.told import Told

TAGS = (
    ("safe", "rating", 0.3),
    ("explicit", "rating", 0.6),
    ("1girl", "general", 0.9),
    ("long_hair", "general", 0.5),
    ("^_^", "general", 0.4),
    ("sky", "general", 0.36),
    ("tree", "general", 0.35),
    ("saber_(fate)", "character", 0.86),
    ("miku", "character", 0.95),
    ("nobody", "character", 0.2),
    ("good", "quality", 0.1),
    ("best", "quality", 0.2),
    ("fate", "copyright", 0.37),
)
LABELS = Labels(tuple(t[0] for t in TAGS), tuple(t[1] for t in TAGS))
SCORES = np.array([t[2] for t in TAGS], np.float32)
OWN = {"general": 0.35, "character": 0.85}


def kept(scores: np.ndarray = SCORES, thresholds: dict[str, float] = OWN, **choice: Any) -> dict[str, dict[str, float]]:
    return choose(scores, LABELS, Choice(thresholds, **choice))


def line(*, text: dict[str, Any] | None = None, **choice: Any) -> str:
    return write(kept(**choice), Text(**(text or {})))


def test_characters_come_first_and_each_category_keeps_the_order_of_the_list() -> None:
    assert line() == r"saber \(fate\), miku, 1girl, long hair, ^_^, sky"


def test_a_score_must_be_above_the_threshold() -> None:
    assert "tree" not in kept()["general"]
    assert "tree" in kept(thresholds={**OWN, "general": 0.34})["general"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("by category, best first", r"miku, saber \(fate\), 1girl, long hair, ^_^, sky"),
        ("best first", r"miku, 1girl, saber \(fate\), long hair, ^_^, sky"),
    ],
)
def test_order_by_score(order: str, expected: str) -> None:
    assert line(text={"order": order}) == expected


def test_maximum_keeps_the_best_in_the_order_asked_for() -> None:
    assert line(text={"maximum": 2}) == "miku, 1girl"
    assert line(text={"maximum": 3}) == r"saber \(fate\), miku, 1girl"


def test_categories_are_written_in_the_order_they_are_named() -> None:
    assert line(text={"categories": ("copyright", "quality", "rating", "artist")}) == "fate, best, explicit"


@pytest.mark.parametrize("typed", ["long_hair", "Long Hair", " LONG_hair ,", "sky\nlong hair"])
def test_exclude_does_not_mind_case_and_underscores(typed: str) -> None:
    assert "long hair" not in line(exclude=plain_list(typed))


def test_exclude_does_not_mind_escapes() -> None:
    assert line(exclude=plain_list(r"saber \(fate\), miku, 1girl, long hair, ^_^, sky")) == ""
    assert line(exclude=plain_list("saber (fate)")) == "miku, 1girl, long hair, ^_^, sky"


def test_species_are_written_behind_general_tags_unless_they_are_named() -> None:
    tags = {"general": {"solo": 0.9}, "species": {"wolf": 0.8}, "meta": {"hi_res": 0.9}, "lore": {"twins": 0.9}}
    assert write(tags, Text()) == "solo, wolf"
    assert write(tags, Text(categories=("species", "general"))) == "wolf, solo"
    assert write(tags, Text(categories=("character",))) == ""


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("long_hair -> hair (long:1.2)", r"saber \(fate\), miku, 1girl, hair (long:1.2), ^_^, sky"),
        ("Saber (fate)->knight，SKY → clouds", "knight, miku, 1girl, long hair, ^_^, clouds"),
        ("mi* -> girl, 1* -> girl", r"saber \(fate\), girl, long hair, ^_^, sky"),
        ("sky -> a\nsky -> b", r"saber \(fate\), miku, 1girl, long hair, ^_^, a"),
        ("", r"saber \(fate\), miku, 1girl, long hair, ^_^, sky"),
    ],
)
def test_tags_are_replaced_by_what_is_typed(typed: str, expected: str) -> None:
    assert line(text={"replace": replacements(typed)}) == expected


@pytest.mark.parametrize("typed", ["sky", "sky -> ", "-> sky", "a -> b -> c"])
def test_what_is_no_replacement_is_refused(typed: str) -> None:
    with pytest.raises(Told, match=r"is no replacement. Write old -> new"):
        replacements(typed)


def test_mcut_cuts_at_the_widest_gap() -> None:
    assert mcut(np.array([0.2, 0.9, 0.1, 0.86, 0.88], np.float32)) == pytest.approx((0.86 + 0.2) / 2)
    assert line(mcut=frozenset({"general"})) == r"saber \(fate\), miku, 1girl"


def test_mcut_of_characters_has_a_floor() -> None:
    low = np.where(np.array(LABELS.categories) == "character", SCORES / 10, SCORES).astype(np.float32)
    assert kept(low, mcut=frozenset({"character"}))["character"] == {}
    assert list(kept(mcut=frozenset({"character"}))["character"]) == ["saber_(fate)", "miku"]


def test_mcut_of_a_single_tag_goes_by_the_threshold() -> None:
    one = Labels(("miku",), ("character",))
    assert choose(np.array([0.9], np.float32), one, Choice(OWN, frozenset({"character"})))["character"] == {
        "miku": pytest.approx(0.9)
    }


def test_all_ratings_are_reported_and_the_likeliest_is_named() -> None:
    tags = kept(exclude=plain_list("explicit"))
    assert list(tags["rating"]) == ["safe", "explicit"]
    assert rating(tags) == "explicit"
    assert rating({"general": {"sky": 0.9}}) == ""


def test_scores_are_plain_numbers_by_the_models_own_names() -> None:
    assert kept()["character"] == {"saber_(fate)": pytest.approx(0.86), "miku": pytest.approx(0.95)}
    assert {type(score) for tags in kept().values() for score in tags.values()} == {float}


@pytest.mark.parametrize("name", sorted(KAOMOJI))
def test_kaomoji_keep_their_underscores(name: str) -> None:
    assert spelled(name, escape=False) == name


def test_only_parentheses_are_escaped() -> None:
    assert spelled("fate_(series)_\\o/_[x]") == "fate \\(series\\) \\o/ [x]"
    assert spelled("a_(b)", spaces=False, escape=False) == "a_(b)"


def test_plain_spelling_undoes_the_written_one() -> None:
    for name in ("saber_(fate)", "^_^", "\\o/", "Long_Hair"):
        assert normal(spelled(name)) == normal(name)


def test_categories_are_checked() -> None:
    assert category_list("General, character", CATEGORIES) == ("general", "character")
    with pytest.raises(Told, match="charakter: no such category.*rating, general"):
        category_list("charakter, general", CATEGORIES)
    with pytest.raises(Told, match="no category"):
        category_list(" ", CATEGORIES)
