import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from resonance.drive.exploration import Exploring
from resonance.paint.wildcards import WildcardFiles
from resonance.session.fill.grid import Grid
from resonance.session.item import Item
from resonance.session.ledger import Ledger
from resonance.session.payloads import written
from resonance.session.prompts import prompt_of
from resonance.told import Told
from resonance.vary.grid import (
    BATCH_CLI,
    STEPS,
    Combination,
    combine,
    explored,
    older,
    read_aspects,
    read_prompts,
    read_scales,
    split,
)
from resonance.vary.transform import seed_of


def steps(scale: float) -> int:
    return 20


@pytest.mark.parametrize(("scale", "s", "h"), [(6, 40, 62), (9, 55, 83), (10, 60, 90), (3.5, 27, 44), (6.5, 42, 65)])
def test_steps_follow_the_scale_as_in_both_versions(scale: float, s: int, h: int):
    assert [rule(scale) for rule in STEPS.values()] == [s, h]


def test_prompts_are_parted_by_lines_of_dashes():
    assert read_prompts("a red\n  house\n---\nb --- c\r\n ---\r\n\n---\nd") == ["a red house", "b --- c", "d"]
    with pytest.raises(Told, match="There is no prompt"):
        read_prompts(" \n---\n")


def test_additions_stand_directly_behind_the_prompt():
    assert read_prompts(", in space\n---\n at night\n---\n", "Nice view") == [
        "Nice view, in space",
        "Nice view at night",
        "Nice view",
    ]
    assert read_prompts("", "Nice view|fog") == ["Nice view|fog"]


@pytest.mark.parametrize(
    ("prompt", "parts"),
    [
        ("a", ("a", "")),
        ("a --n b, c", ("a", "b, c")),
        ("a\t--n  b --n c", ("a", "b --n c")),
        ("--n b", ("", "b")),
        ("cat|dog --n", ("cat|dog", "")),
        ("{red|blue} boat, |_| --n blurry|grainy", ("{red|blue} boat, |_|", "blurry|grainy")),
        ("a --no b", ("a --no b", "")),
        ("semi--n transparent", ("semi--n transparent", "")),
    ],
)
def test_the_negative_stands_behind_a_mark_of_its_own(prompt: str, parts: tuple[str, str]):
    assert split(prompt) == parts
    assert older(prompt) == ""


@pytest.mark.parametrize(
    ("prompt", "parts"),
    [
        ("a | b", ("a", "b")),
        ("Nice view|fog, in space", ("Nice view", "fog, in space")),
        ("boat, (sea:1.2)|(blurry:1.3)", ("boat, (sea:1.2)", "(blurry:1.3)")),
        ("一艘船｜x, 船|模糊", ("一艘船｜x, 船", "模糊")),
        ("{red|blue|{a|b}} boat|blurry", ("{red|blue|{a|b}} boat", "blurry")),
        ("a :{ face|blurry", ("a :{ face", "blurry")),
    ],
)
def test_one_bar_between_words_is_read_as_before_and_said(prompt: str, parts: tuple[str, str]):
    assert split(prompt) == parts
    assert older(prompt).endswith("Write it behind --n instead: " + " --n ".join(parts))


@pytest.mark.parametrize(
    "prompt",
    [
        "1girl, |_|, smile",
        "1girl, ||_||",
        "{red|blue} boat",
        "boat, |, sea",
        "boat |, blurry",
        "boat，|，blurry",
        "a|b|c",
        "|b",
        "a|",
        "6|9",
    ],
)
def test_every_other_bar_is_part_of_the_words(prompt: str):
    assert split(prompt) == (prompt, "")
    assert older(prompt) == ""


@pytest.mark.parametrize(
    ("sizes", "text", "expected"),
    [
        (BATCH_CLI, "portrait, landscape, square, optimal", [(448, 768), (768, 448), (576, 576), (512, 512)]),
        ("SD1.5", "Portrait, landscape\nsquare, optimal", [(576, 768), (768, 576), (512, 512), (512, 512)]),
        ("SDXL", "portrait, landscape, square, optimal", [(832, 1216), (1216, 832), (1024, 1024), (1024, 1024)]),
        ("SDXL", "3:2, 1/1, 1216x832, 65x70", [(1216, 832), (1024, 1024), (1216, 832), (64, 64)]),
        ("SD1.5", "3:2", [(640, 384)]),
        (BATCH_CLI, "2:3", [(448, 704)]),
    ],
)
def test_aspects_mean_sizes_of_the_chosen_family(sizes: str, text: str, expected: list[tuple[int, int]]):
    assert [size for _, size in read_aspects(text, sizes)] == expected


@pytest.mark.parametrize("text", ["tall", "3:0", "0:3", "8x8", "3x2", "20000x64", "-3:2", "", ",", "3:2:1"])
def test_what_is_no_aspect_is_refused_in_words(text: str):
    with pytest.raises(Told, match=r"no aspect|not an aspect|sides must be"):
        read_aspects(text, "SDXL")
    with pytest.raises(Told, match="sizes must be one of"):
        read_aspects("square", "huge")


def test_scales_are_numbers_with_commas_or_blanks():
    assert read_scales("6, 7.5 9,.5") == [6, 7.5, 9, 0.5]
    for wrong in ("six", "nan", "inf", "1e3", "-1", "101", "", ",", "6;7"):
        with pytest.raises(Told, match="no scale|not a scale"):
            read_scales(wrong)


def test_combinations_are_in_order_and_equal_pictures_are_there_once():
    aspects = [("square", (64, 64)), ("64x64", (64, 64)), ("wide", (96, 64))]
    found = combine(["a", "b", "a"], aspects, [6, 9, 6.0], steps)
    assert [(c.prompt, c.aspect, c.width, c.scale) for c in found] == [
        (prompt, aspect, width, scale)
        for prompt in ("a", "b")
        for aspect, width in (("square", 64), ("wide", 96))
        for scale in (6, 9)
    ]
    with pytest.raises(Told, match="100,001 combinations are more than the 100,000"):
        combine(["a"], aspects[:1], list(map(float, range(100_001))), steps)


def test_a_payload_is_read_with_care():
    whole = {"prompt": "a", "aspect": "square", "width": 64, "height": 64, "scale": 6, "steps": 20, "seed": 1}
    assert Combination.read(whole) == Combination("a", "square", 64, 64, 6.0, 20)
    for key, wrong in (("prompt", 1), ("width", "64"), ("scale", True), ("steps", None), ("height", 10**9)):
        with pytest.raises(Told, match="not an item of Explore|must be from"):
            Combination.read({**whole, key: wrong})


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "s", seed=7, kind="explore")
    yield ledger
    ledger.close()


def grid(scales: list[float], seeds: int = 0, prompts: tuple[str, ...] = ("a",)) -> Grid:
    return Grid(combine(list(prompts), [("square", (64, 64))], scales, steps), seeds)


def test_all_combinations_of_a_round_share_its_seed(ledger: Ledger):
    with ledger.transaction():
        fill = grid([6, 9], seeds=2)
        fill.begin(ledger)
        assert fill.open_round(ledger) == 1
        ledger._db.execute("UPDATE item SET state = 'done'")
        assert fill.open_round(ledger) == 2
        ledger._db.execute("UPDATE item SET state = 'done'")
        assert fill.open_round(ledger) is None
    items = [ledger.find(round_, f"X000{n}") for round_ in (1, 2) for n in (1, 2)]
    assert [item and item.seed for item in items] == [7, 7, seed_of(7, 2), seed_of(7, 2)]
    assert [item and (item.source, item.payload.scale) for item in items] == [(None, 6), (None, 9)] * 2


def test_choices_in_prompts_are_made_by_the_seed_and_kept(ledger: Ledger, tmp_path: Path):
    (tmp_path / "w.txt").write_text("\n".join(f"old {n}" for n in range(50)))
    prompts = ["__w__ {a|b} boat --n {c|d}"]
    wide = combine(prompts, [("square", (64, 64))], [6.0, 9.0], steps)
    with ledger.transaction():
        for seeds, text in ((1, "old"), (2, "new")):
            fill = Grid(wide, seeds, WildcardFiles([tmp_path]))
            fill.begin(ledger)
            fill.open_round(ledger)
            ledger._db.execute("UPDATE item SET state = 'done'")
            (tmp_path / "w.txt").write_text("\n".join(f"new {n}" for n in range(50)))
            assert re.fullmatch(rf"{text} \d+ [ab] boat --n [cd]", ledger.payloads(seeds)["X0001"].words)
    first, second = (ledger.payloads(round_) for round_ in (1, 2))
    assert first["X0001"].words == first["X0002"].words != second["X0001"].words
    assert {written(each) for each in (*first.values(), *second.values())} == {*prompts}
    item = fill.first("s", 7)
    assert Item.from_json(item.to_json()).payload == item.payload and item.payload.words.startswith("new")
    with pytest.raises(Told, match=r"The prompt cannot be read. Line 1, column 3: .*only Prompt Lines can make"):
        Grid(combine(["a {e$$b|c}"], [("square", (64, 64))], [6.0], steps), 1, WildcardFiles([])).first("s", 7)


def test_the_command_does_not_take_choices_for_words():
    asked = Exploring(prompts="a {b|c}").inputs()
    assert Exploring.of_graph({**asked, "wildcards": False}).prompts == "a {b|c}"
    with pytest.raises(Told, match="has choices and wildcards in it, which only ComfyUI makes"):
        Exploring.of_graph({**asked, "wildcards": True})


def test_lineages_stay_with_their_combinations(ledger: Ledger):
    with ledger.transaction():
        for fill in (grid([6, 9]), grid([9, 12, 6]), grid([9, 6], prompts=("b", "a"))):
            fill.begin(ledger)
            fill.open_round(ledger)
            ledger._db.execute("UPDATE item SET state = 'done'")
    names = {name: (payload.words, payload.scale) for name, payload in ledger.payloads().items()}
    assert names == {
        "X0001": ("a", 6),
        "X0002": ("a", 9),
        "X0003": ("a", 12),
        "X0004": ("b", 9),
        "X0005": ("b", 6),
    }
    first = grid([6, 9]).first("s", 7)
    assert (first.lineage, first.seed, first.total, first.payload.scale) == ("X0001", 7, 2, 6)


def test_a_new_seed_costs_the_same_after_thousands(ledger: Ledger):
    fill = grid([6, 9])
    work: list[int] = []
    for rounds in (10, 2000):
        with ledger.transaction():
            names = fill._names(ledger)
            for round_ in range(ledger.last_round() + 1, rounds + 1):
                fill._add(ledger, round_, names)
            ledger._db.execute("UPDATE item SET state = 'done'")
            done: list[int] = []
            ledger._db.set_progress_handler(lambda done=done: done.append(1), 1)  # a step of SQLite's machine
            assert fill.open_round(ledger) == rounds + 1
            ledger._db.set_progress_handler(None, 1)
            assert ledger.lineages(rounds + 1) == {"X0001", "X0002"}
        work.append(len(done))
    assert work[1] < 2 * work[0]


def test_the_combinations_of_a_chain_are_made_once():
    written = ("a\n---\nb", "", "square, 3:2", "SDXL", "6 9")
    found = explored(*written, "fixed", 12)
    assert len(found) == 8 and {each.steps for each in found} == {12}
    assert explored(*written, "fixed", 12) is found
    assert {each.steps for each in explored(*written, "S: 10 + 5 x scale", 12)} == {40, 55}


def test_a_root_that_is_not_there_holds_no_prompt(tmp_path: Path):
    (tmp_path / "prompt.txt").write_text("not in the root")
    for name in ("[pictures]", "a.png [pictures]"):
        with pytest.raises(Told, match=r"There is no folder . in \[pictures\]"):
            prompt_of(name, {"pictures": tmp_path / "gone"})


def test_a_link_to_a_prompt_elsewhere_is_refused(tmp_path: Path):
    root = tmp_path / "output"
    (root / "s").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("secret")
    (root / "s" / "prompt.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(Told, match="leads out"):
        prompt_of("s/a.png [output]", {"output": root})
    (root / "s" / "prompt.txt").unlink()
    (root / "s" / "prompt.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Told, match="not text of at most"):
        prompt_of("s/a.png [output]", {"output": root})
