import pytest

from resonance.prompt import ORDERS, compose, compose_negative, normal, split_tags


def test_parts_stand_in_img2tag2imgs_order():
    assert (
        compose(preamble="masterpiece", triggers="oil style", tags="1girl, solo", caption="A girl.", suffix="4k")
        == "masterpiece, oil style, 1girl, solo, A girl., 4k"
    )


@pytest.mark.parametrize("order", ORDERS)
def test_triggers_follow_the_preamble_in_every_order(order: str):
    words = {"preamble": "P", "tags": "T", "caption": "C", "suffix": "S"}
    wanted = ", ".join("P, X" if part == "preamble" else words[part] for part in order.split(", "))
    assert compose(**words, triggers="X", order=order) == wanted


def test_parts_are_stripped_and_empty_ones_leave_no_delimiter():
    assert compose(preamble=" \n", triggers=", x,", tags="  a, b, ", caption="\nA girl.\n") == "x, a, b, A girl."
    assert compose() == ""


def test_the_delimiter_stands_between_parts_only():
    assert compose(preamble="p", triggers="x", tags="a, b", caption="c", delimiter="\n") == "p, x\na, b\nc"


def test_nothing_is_changed_unless_asked_for():
    assert compose(preamble="a", tags="a, b_c,b_c") == "a, a, b_c,b_c"


def test_banned_tags_are_taken_out_of_the_tags_only():
    assert compose(preamble="solo", tags="1girl, solo", caption="solo", banned="solo") == "solo, 1girl, solo"


@pytest.mark.parametrize(
    "banned", ["hatsune miku (cosplay)", r"Hatsune_Miku_\(cosplay\)", "x,\nHATSUNE MIKU  (COSPLAY)"]
)
def test_bans_ignore_case_underscores_and_escapes(banned: str):
    assert compose(tags=r"1girl, hatsune_miku_\(cosplay\), solo", banned=banned) == "1girl, solo"


@pytest.mark.parametrize(
    ("caption", "written"),
    [
        ("A red boat (wooden, 16:9) at dawn (6:30).", r"A red boat \(wooden, 16:9\) at dawn \(6:30\)."),
        ("((SALE))", r"\(\(SALE\)\)"),
        ("half a smile :) (", r"half a smile :\) \("),
        (r"snow queen \(tale\) (old)", r"snow queen \(tale\) \(old\)"),
        (r"C:\\(x) embedding:easy [dawn] {red|blue}", r"C:\\(x\) embedding:easy [dawn] {red|blue}"),
    ],
)
def test_parentheses_of_a_caption_are_text_unless_they_shall_act(caption: str, written: str):
    words = {"preamble": "(oil:1.2)", "tags": r"boat, paper \(material\)", "caption": caption, "suffix": "(4k)"}
    before, after = r"(oil:1.2), boat, paper \(material\), ", ", (4k)"
    assert compose(**words) == before + written + after
    assert compose(**words, caption_weights="act") == before + caption + after


def test_a_limit_counts_and_leaves_escapes_whole():
    assert compose(caption="a (b c) d", limit=9, limit_counts="characters") == r"a \(b c\)"
    assert compose(caption="a (b c) d", limit=8, limit_counts="characters") == r"a \(b"


def test_bans_are_whole_tags():
    assert compose(tags="hair, red hair, chair", banned="hair") == "red hair, chair"


def test_duplicates_go_and_own_words_are_preferred():
    words = compose(
        preamble="Masterpiece, masterpiece",
        triggers="oil style",
        tags="oil_style, a, A, b",
        caption="b, a, a",
        suffix="b",
        duplicates="remove",
    )
    assert words == "Masterpiece, oil style, a, b, a, a, b"


def test_duplicates_do_not_tear_weighted_groups():
    assert compose(preamble="(a, b:1.2)", tags="a, c, c", duplicates="remove") == "(a, b:1.2), a, c"


def test_limit_of_tags_counts_what_is_left_after_bans():
    assert compose(preamble="p", tags="a, b, c, d", caption="e", banned="a", limit=2) == "p, b, c, e"


def test_limit_of_words_shortens_the_caption_then_the_tags_and_nothing_else():
    words = {"preamble": "own words", "tags": "red hair, solo", "caption": "A girl, standing.", "suffix": "4k"}
    assert compose(**words, limit=100, limit_counts="words") == "own words, red hair, solo, A girl, standing., 4k"
    assert compose(**words, limit=8, limit_counts="words") == "own words, red hair, solo, A girl, 4k"
    assert compose(**words, limit=5, limit_counts="words") == "own words, red hair, 4k"
    assert compose(**words, limit=1, limit_counts="words") == "own words, 4k"


def test_limit_of_characters_is_kept_without_cutting_a_word():
    words = compose(tags="abc, defg", caption="hij klm", limit=12, limit_counts="characters")
    assert words == "abc, defg"


def test_negative_is_yours_then_the_loras():
    assert compose_negative(" blurry, ", "photo") == "blurry, photo"
    assert compose_negative("", "photo") == "photo"
    assert compose_negative("blurry", "Blurry, photo") == "blurry, Blurry, photo"
    assert compose_negative("blurry", "Blurry, photo", "remove") == "blurry, photo"


def test_entries_are_split_outside_of_matching_parentheses():
    assert split_tags(r"a, (b, c:1.1), d \(e, f\), ") == ["a", "(b, c:1.1)", r"d \(e", r"f\)"]
    assert split_tags(">:(, a, b") == [">:(", "a", "b"]
    assert normal("  A_b   C ") == "a b c"
