from pathlib import Path

import pytest

from resonance.files import store
from resonance.session import installation, query
from resonance.session.installation import Foreign
from resonance.session.ledger import Ledger
from resonance.told import Told

GRAPH = {
    "prompt": {"1": {"class_type": "ResonanceRoundInput", "inputs": {"seed": 2**53, "scale": 0.1}}},
    "extra_data": {"ü": None},
}


def test_the_secret_is_drawn_once_and_for_each_installation(tmp_path: Path) -> None:
    first = installation.secret(tmp_path / "user" / "__resonance")
    assert len(first) == 64 and installation.secret(tmp_path / "user" / "__resonance") == first
    assert installation.secret(tmp_path / "other") != first


def test_a_graph_is_known_again_by_who_has_kept_it_and_by_nobody_else(tmp_path: Path) -> None:
    ours, theirs = (installation.secret(tmp_path / name) for name in ("ours", "theirs"))
    ledger = Ledger(tmp_path / "s", seed=1)
    assert ledger.graph(ours) is None
    ledger.update(graph=GRAPH, secret=ours)
    assert ledger.graph(ours) == GRAPH
    with pytest.raises(
        Foreign, match="'s' was not kept by this installation, .* open one in ComfyUI and press Run there once"
    ):
        ledger.graph(theirs)
    ledger.close()
    assert ours.encode() not in b"".join(path.read_bytes() for path in (tmp_path / "s").iterdir())


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE session SET graph = replace(graph, 'ResonanceRoundInput', 'Planted')",
        "UPDATE session SET mark = NULL",
        "UPDATE session SET mark = ''",
        "UPDATE session SET mark = 'ü'",
    ],
)
def test_what_somebody_else_has_changed_is_not_run_unseen(tmp_path: Path, change: str) -> None:
    ours = installation.secret(tmp_path)
    ledger = Ledger(tmp_path / "s", seed=1)
    ledger.update(graph=GRAPH, secret=ours)
    ledger._db.execute(change)
    with pytest.raises(Foreign):
        ledger.graph(ours)
    ledger.close()
    known = query.known(tmp_path / "s")
    assert known and known.graph
    with pytest.raises(Foreign):
        known.own_graph("s", ours)


def test_where_no_secret_can_be_kept_graphs_are_known_until_the_process_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise Told("it is read-only")

    monkeypatch.setattr(store, "write", refuse)
    secret = installation.secret(tmp_path)
    assert installation.secret(tmp_path) == secret and "it is read-only" in caplog.text
    ledger = Ledger(tmp_path / "s", seed=1)
    ledger.update(graph=GRAPH, secret=secret)
    assert ledger.graph(secret) == GRAPH
    installation._for_this_process.cache_clear()  # as in the next process
    with pytest.raises(Foreign):
        ledger.graph(installation.secret(tmp_path))
    ledger.close()


@pytest.mark.parametrize("damage", ["", "short", "ü" * 64])
def test_a_damaged_secret_is_not_used(tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "installation").write_text(damage, "utf-8")
    assert installation.secret(tmp_path) not in ("", damage) and "cannot be used" in caplog.text
