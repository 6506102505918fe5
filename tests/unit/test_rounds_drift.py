from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from gallery_session import TAGS, color, make_session
from PIL import Image
from skimage.color import rgb2lab

from resonance.gallery import drift, grid, thumbnails
from resonance.session import query
from resonance.session.ledger import Ledger


@pytest.mark.parametrize("rgb", [(255, 255, 255), (0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255), (12, 99, 200)])
def test_lab_is_scikit_images(rgb: tuple[int, int, int]):
    right = rgb2lab(np.array(rgb, np.float64)[None, None] / 255)[0, 0]
    assert drift.lab(Image.new("RGB", (3, 2), rgb)) == pytest.approx(tuple(right), abs=0.03)


def test_lab_is_averaged_over_the_pixels_as_they_look():
    pixels = np.random.default_rng(1).integers(0, 256, (40, 30, 3), np.uint8)
    right = rgb2lab(pixels / 255).mean(axis=(0, 1))
    assert drift.lab(Image.fromarray(pixels)) == pytest.approx(tuple(right), abs=0.03)


def test_a_lineage_is_followed_from_its_first_picture_to_its_last_result(tmp_path: Path):
    folder = make_session(tmp_path / "output", "s", rounds=4, lineages=3)
    roots = {"input": tmp_path / "input", "output": tmp_path / "output"}
    ids = [item[0] for item in grid.grid(folder)["items"] if item[2] == 1]
    found = drift.drift(folder, ids[2], roots)
    assert found == drift.drift(folder, ids[0], roots) == drift.drift(folder, ids[3], roots)
    points = found["points"]
    assert (found["every"], found["missing"]) == (1, 0)
    assert [(p["id"], p["round"]) for p in points] == [*zip(ids, (1, 2, 3, 4), strict=True), (ids[3], 5)]
    assert [p["kept"] for p in points[:-1]] == [(TAGS - n) / TAGS for n in range(4)] and points[-1]["kept"] is None
    for point in points:
        right = rgb2lab(np.array(color(1, point["round"]), np.float64)[None, None] / 255)[0, 0]
        assert point["lab"] == pytest.approx(tuple(right), abs=2), "WebP is not exact"


def test_pictures_that_are_gone_leave_a_gap(tmp_path: Path):
    folder = make_session(tmp_path / "output", "s", rounds=3, lineages=2, failed=1, pending=1)
    roots = {"input": tmp_path / "input", "output": tmp_path / "output"}
    (tmp_path / "input" / "s" / "1.png").unlink()
    ledger = Ledger(folder)
    ledger._db.execute("UPDATE item SET source = NULL WHERE id = 4")
    ledger._db.execute("UPDATE item SET words = NULL WHERE id = 1")
    ledger.close()
    first = drift.drift(folder, 1, roots)["points"]
    assert [p["lab"] is None for p in first] == [True, False, False] and [p["kept"] for p in first] == [None, 1, None]
    assert [(p["id"], p["lab"] is None) for p in drift.drift(folder, 4, roots)["points"]] == [(4, True), (6, False)]
    with pytest.raises(query.NoItem):
        drift.drift(folder, 99, roots)


def test_of_a_long_line_every_nth_round_is_told(tmp_path: Path):
    folder = make_session(tmp_path / "output", "s", rounds=250, lineages=1)
    roots = {"input": tmp_path / "input", "output": tmp_path / "output"}
    found = drift.drift(folder, 101, roots)
    assert found["every"] == 3
    assert [p["round"] for p in found["points"]] == sorted({*range(1, 251, 3), 101, 250, 251})
    assert len(list((folder / thumbnails.FOLDER).iterdir())) <= len(found["points"])


def test_thumbnails_are_made_a_while_and_the_next_call_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = make_session(tmp_path / "output", "s", rounds=3, lineages=1)
    roots = {"input": tmp_path / "input", "output": tmp_path / "output"}
    monkeypatch.setattr(drift, "SECONDS", 1.5)
    # Its own clock: other threads read the real one meanwhile.
    monkeypatch.setattr(drift, "time", SimpleNamespace(monotonic=iter(range(100)).__next__))
    calls = [drift.drift(folder, 1, roots) for _ in range(5)]
    assert [call["missing"] for call in calls] == [3, 2, 1, 0, 0]
    assert [p["lab"] is None for p in calls[1]["points"]] == [False, False, True, True]
    assert calls[4]["points"] == drift.drift(folder, 3, roots)["points"]
