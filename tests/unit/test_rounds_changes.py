from resonance.gallery import changes


def test_tags_are_parted_by_commas_and_compared_without_case_blanks_and_escapes():
    now = r"Sky , sea (blue),, saber \(weapon\)," + "\n rain"
    assert changes.change(r"sea \(blue\), SKY, snow, saber (weapon)", now) == {
        "kept": ["Sky", "sea (blue)", r"saber \(weapon\)"],
        "added": ["rain"],
        "dropped": ["snow"],
    }


def test_a_tag_said_twice_counts_once():
    assert changes.change("a, A, b", "b, B") == {"kept": ["b"], "added": [], "dropped": ["a"]}


def test_where_either_has_no_tags_there_is_no_change():
    assert changes.change("", "a") is changes.change(" , ", "a") is changes.change("a", "") is None


def test_markup_in_tags_stays_text():
    tag = "<img src=x onerror=alert(1)>"
    assert changes.change("a", f"a, {tag}") == {"kept": ["a"], "added": [tag], "dropped": []}


def test_kept_is_the_share_of_the_first_tags_that_are_still_there():
    assert changes.kept(["", "a, b, c, d", "a, b, x, y, z", "", "D", "x"]) == [None, 1, 0.5, None, 0.25, 0]
    assert changes.kept(["", ""]) == [None, None]
    assert changes.kept([]) == []
