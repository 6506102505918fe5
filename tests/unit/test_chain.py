"""One life of a session: what is claimed is committed once or settled, whoever works on it and however it ends."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from resonance.files import store
from resonance.roulette import parse
from resonance.session import query
from resonance.session.chain import Chain, PlanDraws, Stop, Why, WrongKind, check, own
from resonance.session.fill.grid import Grid
from resonance.session.fill.pictures import Pictures
from resonance.session.item import Item, Words
from resonance.session.ledger import Lost
from resonance.session.made import Made
from resonance.session.owning import Busy
from resonance.session.reason import Outcome, Reason
from resonance.told import NoSpace, Told
from resonance.vary.grid import combine

PNG = store.encode_png(Image.new("RGB", (4, 4), "red"), {})


def begun(base: Path, count: int = 4, rounds: int = 2, plan: str = "", words_first: bool = False) -> Chain:
    pictures = base / "input" / "first"
    pictures.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (pictures / f"{number}.png").write_bytes(PNG)
    fill = Pictures("first", rounds, {"input": base / "input", "output": base / "output"})
    ledger = own(base / "output" / "s", 1, fill.kind, "test ")
    chain = Chain(ledger, fill, PlanDraws(parse(plan)) if plan else None, words_first)
    chain.begin()
    return chain


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    chain = begun(tmp_path)
    yield chain
    chain.close()


def claimed(chain: Chain, run: str = "run", most: int = 1, worker: str = "") -> list[Item]:
    got = chain.claim(run, most=most, worker=worker)
    assert not isinstance(got, Stop), got
    return list(got)


def stopped(chain: Chain) -> Stop:
    got = chain.claim("run")
    assert isinstance(got, Stop), got
    return got


def states(chain: Chain, round_: int = 1) -> list[tuple[str, int]]:
    return [(item["state"], item["attempts"]) for item in query.read_round(chain.ledger.folder, round_)[1]]


def made(**more: object) -> Made:
    return Made(pictures=(PNG,), prompt="red", **more)  # type: ignore[arg-type]


def test_of_three_items_of_one_run_one_fails_and_only_that_one_is_made_again(chain: Chain):
    items = claimed(chain, "a", most=3)
    assert [item.lineage for item in items] == ["X0001", "X0002", "X0003"]
    chain.keep(items[0], made())
    chain.keep(items[2], made())
    chain.settle(items[1], Outcome(Reason.ERROR, "no paint"))
    assert states(chain) == [("done", 0), ("pending", 1), ("done", 0), ("pending", 0)]
    assert [item.lineage for item in claimed(chain, "b", most=3)] == ["X0004"]
    chain.settle_all(lambda run, process: Outcome(Reason.INTERRUPTED))
    with pytest.raises(Lost):
        chain.keep(items[1], made())


@pytest.mark.parametrize("reason", [Reason.ERROR, Reason.NO_RESULT, Reason.DIED])
def test_a_run_that_fails_on_three_items_counts_for_none_and_they_are_tried_alone_first(chain: Chain, reason: Reason):
    assert len(claimed(chain, "a", most=3)) == 3
    chain.settle_all(lambda run, process: Outcome(reason, "no paint"))
    assert chain.ledger.session().state == "open"
    assert states(chain) == [("pending", 0)] * 4
    items = [claimed(chain, run, most=3) for run in "bcde"]
    assert [[item.lineage for item in each] for each in items] == [["X0001"], ["X0002"], ["X0003"], ["X0004"]]
    chain.keep(items[0][0], made())
    chain.settle(items[1][0], Outcome(Reason.ERROR, "no paint"))
    chain.settle(items[2][0], Outcome(Reason.INTERRUPTED))
    assert states(chain) == [("done", 0), ("pending", 1), ("pending", 0), ("claimed", 0)]
    chain.settle(items[3][0], Outcome(Reason.INTERRUPTED))
    assert [item.lineage for item in claimed(chain, "f", most=3)] == ["X0003"], "it was not tried to its end"
    assert [item.lineage for item in claimed(chain, "g", most=3)] == ["X0004"]
    assert [item.lineage for item in claimed(chain, "h", most=3)] == ["X0002"]


def test_half_a_letter_in_a_prompt_costs_no_picture(chain: Chain):
    [item] = claimed(chain, "a")
    chain.keep(item, Made(pictures=(PNG,), prompt="a \ud83d boat", texts={"prompt": '"a \\ud83d boat"'}))
    [kept, *_] = query.read_round(chain.ledger.folder, 1)[1]
    assert (kept["state"], kept["prompt"]) == ("done", "a \ufffd boat")


def test_only_items_that_are_alike_are_claimed_together(chain: Chain):
    got = chain.claim("a", most=4, alike=lambda item: item.index <= 2)
    assert not isinstance(got, Stop) and [item.index for item in got] == [1, 2]


def test_only_items_that_fit_together_are_claimed_together(chain: Chain):
    got = chain.claim("a", most=4, fits=lambda items: sum(item.index for item in items) < 7)
    assert not isinstance(got, Stop) and [item.index for item in got] == [1, 2, 3]


def test_only_items_of_which_the_same_is_drawn_are_claimed_together(tmp_path: Path):
    chain = begun(tmp_path, 12, 1, 'model.checkpoint = ["a.safetensors", "b.safetensors"]')
    runs = list[list[str]]()
    while not isinstance(got := chain.claim("run", most=12), Stop):
        runs.append([(item.draw or {})["checkpoint"] for item in got])
        for item in got:
            chain.keep(item, Made(pictures=(PNG,)))
    chain.close()
    assert [set(run) for run in runs] == [{runs[0][0]}, {runs[1][0]}] and runs[0][0] != runs[1][0]
    assert sum(map(len, runs)) == 12


def test_the_next_round_waits_for_the_last_item_of_this_one(tmp_path: Path):
    chain = begun(tmp_path, count=2)
    first, second = claimed(chain, "a")[0], claimed(chain, "b")[0]
    assert stopped(chain).why is Why.WAIT
    chain.keep(first, made())
    assert stopped(chain).why is Why.WAIT
    chain.keep(second, made())
    for _ in range(2):
        [item] = claimed(chain)
        assert item.round == 2
        chain.keep(item, made())
    assert stopped(chain).why is Why.FINISHED and chain.ledger.session().state == "finished"
    chain.close()


def test_words_come_first_where_that_is_wanted(tmp_path: Path):
    chain = begun(tmp_path, count=2, rounds=1, words_first=True)
    first, second = claimed(chain, "a")[0], claimed(chain, "b")[0]
    assert first.phase == second.phase == "describe"
    chain.keep(first, Made(words=Words("red", "")))
    assert stopped(chain).why is Why.WAIT, "painting begins when all words are there"
    chain.keep(second, Made(words=Words("blue", "")))
    painted = [claimed(chain)[0] for _ in range(2)]
    assert [(item.phase, item.words) for item in painted] == [("paint", Words("red", "")), ("paint", Words("blue", ""))]
    chain.close()


def test_a_worker_stays_with_what_it_has_loaded_and_leaves_to_others_what_they_have(tmp_path: Path):
    chain = begun(tmp_path, 12, 1, 'model.checkpoint = ["a.safetensors", "b.safetensors"]')
    loaded: dict[str, list[str]] = {"1": [], "2": []}
    while True:
        for worker in loaded:
            got = chain.claim("run", worker=worker)
            if isinstance(got, Stop):
                assert got.why is Why.FINISHED
                break
            draw = got[0].draw
            assert draw
            loaded[worker].append(draw["checkpoint"])
            chain.keep(got[0], made())
        else:
            continue
        break
    changes = [sum(a != b for a, b in zip(each, each[1:], strict=False)) for each in loaded.values()]
    assert {loaded["1"][0], loaded["2"][0]} == {"a.safetensors", "b.safetensors"} and sum(changes) <= 1
    chain.close()


def test_a_single_worker_goes_on_in_the_next_round_with_what_the_last_one_left(tmp_path: Path):
    chain = begun(tmp_path, 6, 2, 'model.checkpoint = ["a.safetensors", "b.safetensors"]')
    drawn: list[tuple[int, str]] = []
    while not isinstance(got := chain.claim("run"), Stop):
        assert got[0].draw
        drawn.append((got[0].round, got[0].draw["checkpoint"]))
        chain.keep(got[0], made())
    models = [model for _, model in drawn]
    turn = [round_ for round_, _ in drawn].index(2)
    assert len(drawn) == 12 and models[turn - 1] == models[turn]
    assert sum(a != b for a, b in zip(models, models[1:], strict=False)) == 2
    chain.close()


def test_a_full_disk_pauses_and_costs_nothing(chain: Chain, monkeypatch: pytest.MonkeyPatch):
    items = claimed(chain, "a", most=2)
    chain.settle_all(lambda run, process: Outcome(Reason.NO_SPACE, "no room"))
    assert states(chain)[: len(items)] == [("pending", 0)] * 2
    assert stopped(chain) == Stop(Why.PAUSED, "the disk is full (no room)")
    chain.begin()
    monkeypatch.setattr("resonance.session.chain.ROOM", 2**62)
    assert stopped(chain).why is Why.NO_SPACE and chain.ledger.session().state == "paused"


def test_a_full_disk_is_known_by_its_number_not_by_a_sentence(chain: Chain, monkeypatch: pytest.MonkeyPatch):
    [item] = claimed(chain)

    def full(*_: object) -> None:
        raise OSError(28, "kein Platz mehr")

    monkeypatch.setattr("resonance.files.store._write", full)
    with pytest.raises(NoSpace, match="kein Platz mehr"):
        chain.keep(item, made())


def test_what_is_known_of_how_it_was_made_is_in_the_picture(chain: Chain):
    [item] = claimed(chain)
    [file] = chain.keep(item, made(words=Words("red", ""), facts={"scale": 6.5, "steps": 20}, texts={"workflow": "{}"}))
    with Image.open(chain.ledger.folder / file) as image:
        said = json.loads(image.info["resonance"])
        assert image.info["workflow"] == "{}"
    assert (said["words"]["tags"], said["payload"]) == ("red", {"scale": 6.5, "steps": 20})


def test_an_item_is_taken_by_those_who_know_what_they_make(chain: Chain):
    wanted = Item(session="s", round=1, index=0, lineage="X0099", seed=3, source="s/start/a.png [output]")
    item = chain.take(wanted, "run")
    assert item.token and item.id and chain.take(wanted, "run").id == item.id
    chain.give_back([item])


def test_a_second_owner_and_another_kind_are_refused(chain: Chain, tmp_path: Path):
    with pytest.raises(Busy, match=r"Session 's' is open in another program \(test .*, process \d+\)"):
        own(chain.ledger.folder, 1, "rounds", "")
    grid = Grid(combine(["a"], [("square", (64, 64))], [6.0], lambda _: 10), 1)
    with pytest.raises(WrongKind, match="one of 'rounds', not of 'explore'"):
        check(chain.ledger.folder, grid, 1)
    with pytest.raises(Told, match="There is no folder 'none'"):
        check(tmp_path / "output" / "new", Pictures("none", 1, {"input": tmp_path / "input"}), 1)
    assert not (tmp_path / "output" / "new").exists()
