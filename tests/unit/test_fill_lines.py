"""The session of prompt lines: every shot that is wanted is made once, whatever becomes of the text, the wildcards and the process."""

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from resonance.files import store
from resonance.gallery import page
from resonance.paint.lines import read_lines
from resonance.paint.shots import Widgets
from resonance.paint.wildcards import WildcardFiles
from resonance.session import query
from resonance.session.chain import Chain, Stop, WrongKind, check, own
from resonance.session.fill.grid import Grid
from resonance.session.fill.lines import Lines, alike
from resonance.session.item import Item
from resonance.session.made import Made
from resonance.session.payloads import Exploration, Plain, PromptLine, payload_of
from resonance.session.reason import Outcome, Reason
from resonance.session.rebuild import rebuild
from resonance.session.status import FILE
from resonance.told import Told
from resonance.vary.grid import combine

PNG = store.encode_png(Image.new("RGB", (4, 4), "red"), {})
WIDGETS = Widgets(width=512, height=768, steps=20, scale=7.0)


class Session:
    """A session that is worked on by one process after another."""

    def __init__(self, base: Path) -> None:
        self.folder, self.wildcards = base / "output" / "s", base / "wildcards"
        self.made: list[Item] = []
        self.chain: Chain | None = None

    def press(self, text: str, widgets: Widgets = WIDGETS, **more: Any) -> tuple[int, int]:
        """What pressing Run does. How many shots came, and how many went."""
        wildcards = WildcardFiles([self.wildcards])
        fill = Lines(text=read_lines(text, wildcards), widgets=widgets, wildcards=wildcards, **more)
        check(self.folder, fill, 5)
        if self.chain is None:
            self.chain = Chain(own(self.folder, 5, fill.kind, "test "), fill)
        self.chain.fill = fill
        return self.chain.begin()[:2]

    def claim(self, most: int = 1) -> list[Item]:
        assert self.chain
        got = self.chain.claim("run", most=most, alike=alike)
        return [] if isinstance(got, Stop) else list(got)

    def keep(self, items: list[Item]) -> None:
        assert self.chain
        for item in items:
            self.chain.keep(item, Made(pictures=(PNG,), texts={}))
            self.made.append(item)

    def work(self, pictures: int = 10_000, most: int = 1) -> "Session":
        """Makes so many."""
        while pictures > 0 and (items := self.claim(min(most, pictures))):
            self.keep(items)
            pictures -= len(items)
        return self

    def die(self) -> None:
        """Ends without a word; the next one settles what was claimed."""
        assert self.chain
        self.chain.close()
        self.chain = None

    def settle(self, reason: Reason, text: str = "") -> None:
        assert self.chain
        self.chain.settle_all(lambda run, process: Outcome(reason, text))

    def prompts(self) -> list[str]:
        return [line(item).prompt for item in self.made]


def line(item: Item) -> PromptLine:
    assert isinstance(item.payload, PromptLine)
    return item.payload


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    (tmp_path / "output").mkdir()
    (tmp_path / "wildcards").mkdir()
    session = Session(tmp_path)
    yield session
    if session.chain:
        session.chain.close()


def test_a_line_is_a_picture_with_what_it_gives_and_what_the_node_has(session: Session):
    text = (
        "a barn --n bad --w 1024 --h 640 --s 30 --l 5.5 --t 0.4 --d 7 --f x.png --am 0.8,-0.5 --nl none\n{e$$cat|dog}"
    )
    assert session.press(text, per_line=2) == (4, 0)
    first, second, cat, dog = [line(item) for item in session.work().made]
    assert first == PromptLine(
        key=first.key,
        line=text.split("\n")[0],
        prompt="a barn",
        negative="bad",
        width=1024,
        height=640,
        steps=30,
        scale=5.5,
        strength=0.4,
        seed=7,
        file="x.png",
        options="--nl none --am 0.8,-0.5",
    )
    assert replace(second, key=first.key, file="x.png") == first
    assert (cat.prompt, dog.prompt, cat.seed) == ("cat", "dog", dog.seed)
    assert (cat.negative, cat.width, cat.height, cat.steps, cat.scale, cat.strength) == (None, 512, 768, 20, 7.0, None)
    assert [item.seed for item in session.made] == [7, 7, cat.seed, cat.seed]
    assert [item.lineage for item in session.made] == ["X0001", "X0002", "X0003", "X0004"]
    assert session.claim() == []
    with Image.open(session.folder / "round-0001" / "x.png") as image:
        assert Item.from_json(image.info["resonance"]).payload == first


def test_iterations_are_rounds_with_seeds_and_choices_of_their_own(session: Session):
    session.press("a {red|blue|green} barn\nb --d 4", iterations=3, per_line=4)
    made = session.work().made
    assert [item.round for item in made] == [1] * 8 + [2] * 8 + [3] * 8
    assert len({item.seed for item in made}) == 13 and {line(item).prompt for item in made} >= {
        "a red barn",
        "a blue barn",
    }
    assert [item.lineage for item in made[:8]] == [item.lineage for item in made[8:16]]
    again = {(item.round, item.lineage): item.payload for item in made}
    assert len(again) == 24


def test_the_same_session_seed_makes_the_same_and_another_does_not(session: Session, tmp_path: Path):
    wildcards = WildcardFiles([])
    fill = Lines(text=read_lines("{a|b|c} {d|e|f}", wildcards), widgets=WIDGETS, wildcards=wildcards)
    first = fill.first("s", 5)
    assert fill.first("s", 5) == first != fill.first("s", 6)
    session.press("x\n{a|b|c} {d|e|f}")
    assert session.work().made[1].payload == first.payload
    assert (first.index, first.total, first.lineage) == (1, 1, "X0001")


TEXT = "a\nb --d 1,2\n{red|blue} c\nd --w 640\n{e$$x|y} e"


@pytest.mark.parametrize("done", (0, 1, 5, 10))
@pytest.mark.parametrize("batch", [1, 4])
def test_killed_anywhere_and_resumed_with_other_lines_each_wanted_shot_is_made_once(
    session: Session, done: int, batch: int
):
    session.press(TEXT, per_line=2, iterations=1)
    session.work(done, batch)
    before = Counter(line(item).line for item in session.made)
    lost = session.claim(batch)
    session.die()
    text = "new\n{e$$x|y} e\nd --w 640\n# a note\na\na\nb --d 1,2"
    session.press(text, per_line=2)
    session.settle(Reason.GONE)
    session.work(most=batch)
    made = Counter(line(item).line for item in session.made)
    wanted = {"new": 2, "{e$$x|y} e": 2, "d --w 640": 2, "a": 4, "b --d 1,2": 2}
    gone = "{red|blue} c"
    assert {each: made[each] for each in wanted} == wanted
    claimed = sum(
        line(item).line == gone for item in lost
    )  # a dead run's claim comes back, and was asked for when it was claimed
    assert made[gone] == before[gone] + claimed and set(made) <= {*wanted, gone}
    assert len({(item.round, line(item).key) for item in session.made}) == len(session.made)


def test_lines_that_are_added_while_it_works_are_taken_in(session: Session):
    assert session.press("a\nb\nc") == (3, 0)
    session.work(1)
    [running] = session.claim()
    assert session.press("c\nnew\na") == (1, 0), "b is being painted"
    session.keep([running])
    session.work()
    assert session.prompts() == ["a", "b", "c", "new"]
    assert session.press("c\nnew\na\nb") == (0, 0) and session.claim() == []
    assert session.press("a", per_line=3) == (2, 0) and session.press("a", per_line=2) == (0, 1)
    assert len(session.work().made) == 5


def test_what_waits_has_its_turns_in_the_order_of_the_lines(session: Session):
    session.press("a\nb\nc\nd")
    session.work(1)
    assert session.press("d\nx\nc\nb\na") == (1, 0)
    assert session.work().prompts() == ["a", "d", "x", "c", "b"]


def test_shuffled_turns_follow_from_the_seed_and_differ_from_round_to_round(session: Session):
    text = "\n".join(f"line {number}" for number in range(12))
    session.press(text, iterations=2, shuffle=True)
    session.work(5)
    assert session.press(text, iterations=2, shuffle=True) == (0, 0)
    prompts = session.work().prompts()
    first, second = prompts[:12], prompts[12:]
    assert sorted(first) == sorted(second) == sorted(text.split("\n")) and first != second != text.split("\n") != first


def test_what_a_line_leaves_open_belongs_to_it(session: Session):
    session.press("a\nb --s 5")
    session.work(1)
    assert session.press("a\nb --s 5", replace(WIDGETS, steps=30)) == (1, 0)
    session.work()
    assert [(line(item).prompt, line(item).steps) for item in session.made] == [("a", 20), ("a", 30), ("b", 5)]
    assert len({item.seed for item in session.made}) == 3


def test_a_wildcard_file_that_changes_changes_no_shot_that_is_known(session: Session):
    (session.wildcards / "w.txt").write_text("one\n")
    session.press("__w__ a\n__w__ b")
    session.work(1)
    (session.wildcards / "w.txt").write_text("two\n")
    assert session.press("__w__ a\n__w__ b\n__w__ c") == (1, 0)
    assert session.work().prompts() == ["one a", "one b", "two c"]
    (session.wildcards / "w.txt").unlink()
    with pytest.raises(Told, match="There is no wildcard 'w'"):
        session.press("__w__ a")


def test_a_batch_takes_neighbours_whose_options_agree(session: Session):
    session.press(
        "a --n x\n{b|c} --d 5\nd --f y\ne --w 640\nf --w 640 --am 0.5\ng --w 640 --am 0.5\nh --w 640 --am .50\ni"
    )
    sizes = list[int]()
    while items := session.claim(2):
        sizes.append(len(items))
        session.keep(items)
    assert sizes == [2, 1, 1, 2, 1, 1]
    assert len(session.made) == 8 and len({item.stem for item in session.made}) == 8


def test_what_a_line_calls_its_picture_is_its_name_and_no_others(session: Session):
    session.press("a --f My Barn.jpeg\nb --f my barn\nc --f v1.5\nd --f prompt.txt", per_line=2)
    session.work()
    files = [item["files"][0].removeprefix("round-0001/") for item in query.read_round(session.folder, 1)[1]]
    stems = [f"{item.stem}.png" for item in session.made]
    assert files == [
        "My Barn.jpg",
        stems[1],
        "my barn_2.png",
        stems[3],
        "v1.5.png",
        stems[5],
        "prompt.txt.png",
        stems[7],
    ]
    session.die()
    (session.folder / FILE).unlink()
    assert (rebuilt := rebuild(session.folder)).left == () and rebuilt.items == 8


def test_a_name_in_a_ledger_leads_nowhere(session: Session):
    session.press("a --f x")
    [item] = session.claim()
    with pytest.raises(Told, match="The file name '../x' must not"):
        session.keep([replace(item, payload=replace(line(item), file="../x"))])


def test_a_batch_that_fails_costs_no_attempt_and_the_one_at_fault_is_found(session: Session):
    session.press("a\nb\nbad\nc\nd")
    runs = list[list[str]]()
    while items := session.claim(4):
        runs.append(words := [line(item).prompt for item in items])
        if "bad" in words:
            session.settle(Reason.ERROR, "no paint")
        else:
            session.keep(items)
    assert runs == [["a", "b", "bad", "c"], ["a"], ["b"], ["bad"], ["c"], ["d"], ["bad"], ["bad"]]
    states = {
        item["prompt"] or "bad": (item["state"], item["attempts"]) for item in query.read_round(session.folder, 1)[1]
    }
    assert states == {**dict.fromkeys("abcd", ("done", 0)), "bad": ("failed", 3)}


def test_the_members_of_a_batch_are_kept_one_by_one(session: Session):
    session.press("a\nb\nc")
    first, second, third = session.claim(3)
    session.keep([second])
    session.settle(Reason.INTERRUPTED)
    assert [line(item).prompt for item in session.claim(3)] == ["a", "c"]
    assert first.seed != third.seed


def test_start_pictures_masks_and_guides_are_laid_when_a_shot_comes_and_stay(session: Session, tmp_path: Path):
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / "input").mkdir(exist_ok=True)
        (tmp_path / "input" / name).write_bytes(PNG)
    roots = {"input": tmp_path / "input"}
    three = {
        "pictures": ["a.png [input]", "b.png [input]", "c.png [input]"],
        "masks": ["a.png [input]", "b.png [input]"],
    }
    session.press("one\ntwo", iterations=2, roots=roots, **three, guides=["c.png [input]"])
    pairs = {
        (item.round, line(item).prompt): (item.source, line(item).mask, line(item).guide)
        for item in session.work(1).made
    }
    session.press("new\ntwo\none", iterations=2, roots=roots, **three)
    pairs |= {
        (item.round, line(item).prompt): (item.source, line(item).mask, line(item).guide)
        for item in session.work().made
    }
    names = {key: tuple(each and each[0] for each in value) for key, value in pairs.items()}
    assert names == {
        (1, "one"): ("a", "a", "c"),
        (1, "two"): ("b", "b", "c"),
        (2, "one"): ("c", "a", "c"),
        (2, "two"): ("a", "b", "c"),
        (1, "new"): ("a", "a", None),
        (2, "new"): ("a", "b", None),
    }
    assert session.chain and session.chain.locate(session.made[0]) == tmp_path / "input" / "a.png"
    assert session.chain.locate(replace(session.made[0], source=None)) is None


def test_a_session_that_is_renamed_keeps_the_pictures_of_others(session: Session):
    start = "other/round-0001/x.png [output]"
    session.press("a", iterations=2, pictures=[start])
    item = session.work(1).made[0]
    session.die()
    session.folder = session.folder.rename(session.folder.with_name("t"))
    (session.folder / "round-0001" / "x.png").write_bytes(PNG)
    session.press("a", iterations=2, pictures=[start])
    assert item.source == start and [each.source for each in session.claim()] == [start]


def test_too_many_are_refused_before_anything_is_begun(session: Session):
    with pytest.raises(Told, match="This text asks for 150,000 pictures"):
        session.press("a\n" * 3, per_line=50_000)
    assert not session.folder.exists()


def test_what_cannot_be_chosen_takes_nothing_in(session: Session):
    session.press("a")
    with pytest.raises(Told, match=r"Line 2, column (8|14): --w takes"):
        session.press("b\nc {--w x|--w y}")
    assert session.work().prompts() == ["a"]


def test_another_kind_of_session_is_refused_both_ways(session: Session):
    session.press("a")
    grid = Grid(combine(["a"], [("square", (64, 64))], [6.0], lambda scale: 20), 1)
    with pytest.raises(WrongKind, match="is one of 'lines', not of 'explore'"):
        check(session.folder, grid, 1)


def test_a_ledger_is_made_anew_from_the_pictures_and_goes_on(session: Session):
    session.press("{a|b|c} x\nc --d 3", iterations=2)
    session.work(3)
    session.die()
    (session.folder / FILE).unlink()
    rebuilt = rebuild(session.folder)
    assert (rebuilt.items, rebuilt.seed, rebuilt.left) == (3, 5, ())
    assert session.press("{a|b|c} x\nc --d 3", iterations=2) == (1, 0)
    session.work()
    assert len({(item.round, line(item).key) for item in session.made}) == len(session.made) == 4
    assert query.known(session.folder).kind == "lines"  # type: ignore[union-attr]


def test_a_ledger_of_this_version_has_no_other_tables_and_columns(session: Session, tmp_path: Path):
    session.press("a\nb")
    session.claim(2)
    session.settle(Reason.ERROR, "no")
    grid = own(tmp_path / "output" / "g", 1, "explore", "test ")
    grid.close()
    with sqlite3.connect(session.folder / FILE) as ours, sqlite3.connect(tmp_path / "output" / "g" / FILE) as theirs:
        schema = "SELECT name, sql FROM sqlite_master ORDER BY name"
        assert ours.execute(schema).fetchall() == theirs.execute(schema).fetchall()
        assert ours.execute("SELECT attempts FROM item").fetchall() == [(-1,), (-1,)]
    assert [item["attempts"] for item in query.read_round(session.folder, 1)[1]] == [0, 0]


def test_payloads_are_told_apart_by_what_they_hold():
    shot = PromptLine(key="k", line="a {b|c}", prompt="a b", width=8, height=8, steps=1, scale=1, seed=1)
    assert payload_of(json.loads(json.dumps(shot.to_dict()))) == shot and shot.words == "a b"
    explored = {"prompt": "a", "aspect": "square", "width": 8, "height": 8, "scale": 6, "steps": 1, "seed": 1}
    assert isinstance(payload_of(explored), Exploration) and isinstance(payload_of({}), Plain)
    with pytest.raises(Told, match=r"lacks key, prompt, width"):
        payload_of({"line": "a"})
    with pytest.raises(Told, match="holds 5 as 'negative', which must be text"):
        payload_of({**shot.to_dict(), "negative": 5})


def test_a_page_shows_the_lines(session: Session, tmp_path: Path):
    session.press("a {red|blue} <barn>", iterations=2)
    session.work()
    path = tmp_path / "page.html"
    page.write(session.folder, path, {"output": session.folder.parent})
    text = path.read_text("utf-8")
    assert "Prompt lines" in text and "<dt>Iterations</dt><dd>2</dd>" in text and "a {red|blue} &lt;barn&gt;" in text


def test_two_thousand_lines_are_taken_in_again_in_less_than_thrice_the_time_of_reading_them(session: Session):
    text = "\n".join(f"a photo of barn {number}, oil on canvas --n blurry --s 20" for number in range(2000))
    session.press(text)

    def timed(again: bool) -> float:
        begun = time.thread_time()
        if again:
            assert session.press(text) == (0, 0)
        else:
            read_lines(text, WildcardFiles([]))
        return time.thread_time() - begun

    times = [(timed(False), timed(True)) for _ in range(3)]
    reading, pressing = (min(each) for each in zip(*times, strict=True))
    assert pressing < 3 * reading, (reading, pressing)
