import os
import subprocess
import sys
import threading
import time
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from resonance import images, pixels
from resonance.files import pictures, store
from resonance.gallery import thumbnails
from resonance.told import Told


@pytest.fixture
def session(tmp_path: Path) -> Path:
    (tmp_path / "s" / "round-0001").mkdir(parents=True)
    return tmp_path / "s"


def save(
    path: Path, size: tuple[int, int] = (640, 320), color: tuple[int, ...] = (255, 0, 0), **settings: object
) -> Path:
    Image.new("RGBA" if len(color) == 4 else "RGB", size, color).save(path, **settings)
    return path


def look(data: bytes) -> tuple[tuple[int, int], tuple[int, ...]]:
    with Image.open(BytesIO(data), formats=["WEBP"]) as image:
        pixel = image.convert("RGB").getpixel((image.width // 2, image.height // 2))
        assert isinstance(pixel, tuple)
        return image.size, pixel


@pytest.mark.parametrize("suffix", sorted(images.SUFFIXES))
@pytest.mark.parametrize("size", [(640, 320), (90, 4000), (20, 10), (1, 1)])
def test_the_longest_side_is_192_and_nothing_grows(session: Path, suffix: str, size: tuple[int, int]):
    picture = save(session / f"a{suffix}", size)
    got, pixel = look(thumbnails.make(session, picture))
    longest = max(size)
    assert max(got) == min(192, longest) and min(got) == max(1, round(min(size) * min(1, 192 / longest)))
    assert pixel[0] > 240 and max(pixel[1:]) < 15


def test_thumbnails_stand_upright_and_on_white(session: Path):
    exif = Image.Exif()
    exif[0x0112] = 6
    assert look(thumbnails.make(session, save(session / "a.jpg", exif=exif)))[0] == (96, 192)
    assert min(look(thumbnails.make(session, save(session / "b.png", color=(255, 0, 0, 0))))[1]) > 250


def test_a_large_jpeg_is_read_at_an_eighth(session: Path, monkeypatch: pytest.MonkeyPatch):
    sizes: list[tuple[int, int]] = []
    upright = pixels.on_white
    monkeypatch.setattr(pixels, "on_white", lambda image, by: (sizes.append(image.size), upright(image, by))[1])
    assert look(thumbnails.make(session, save(session / "a.jpg", (4096, 4096))))[0] == (192, 192)
    assert sizes == [(512, 512)]


def test_it_is_made_once_and_again_when_the_picture_changed(session: Path, monkeypatch: pytest.MonkeyPatch):
    read: list[Path] = []
    reader = images.read
    monkeypatch.setattr(images, "read", lambda path, side: (read.append(path), reader(path, side))[1])
    picture = save(session / "round-0001" / "a.png")
    assert thumbnails.kept(session, picture) is None
    first = thumbnails.make(session, picture)
    assert thumbnails.kept(session, picture) == thumbnails.make(session, picture) == first
    assert len(read) == 1
    save(picture, color=(0, 255, 0))
    os.utime(picture, (1, 1))
    assert thumbnails.kept(session, picture) is None
    assert look(thumbnails.make(session, picture))[1][1] > 240
    assert len(read) == 2


def test_a_half_written_thumbnail_is_made_again(session: Path):
    picture = save(session / "a.png")
    whole = thumbnails.make(session, picture)
    (kept,) = (session / thumbnails.FOLDER).iterdir()
    for broken in (b"", whole[:-1], bytes(len(whole)), whole + b"x"):
        kept.write_bytes(broken)
        assert thumbnails.kept(session, picture) is None
        assert thumbnails.make(session, picture) == whole == kept.read_bytes()


def test_many_threads_get_the_same_thumbnail(session: Path):
    picture = save(session / "a.png", (2000, 2000))
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(thumbnails.make(session, picture))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 12 and len(set(found)) == 1
    assert [path.read_bytes() for path in (session / thumbnails.FOLDER).iterdir()] == [found[0]]


def test_where_it_cannot_be_kept_it_is_made_all_the_same(session: Path, caplog: pytest.LogCaptureFixture):
    picture = save(session / "a.png")
    (session / thumbnails.FOLDER).write_text("in the way")
    assert look(thumbnails.make(session, picture))[0] == (192, 96)
    assert "are not kept" in caplog.text


def test_a_link_in_the_place_of_the_folder_is_not_followed(session: Path, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (session / thumbnails.FOLDER).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Told, match="through a link"):
        thumbnails.make(session, save(session / "a.png"))
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_what_is_no_picture_is_refused_in_words(session: Path, monkeypatch: pytest.MonkeyPatch):
    text = session / "a.png"
    text.write_text("not a picture")
    cut = session / "b.png"
    cut.write_bytes(save(session / "c.png").read_bytes()[:60])
    os.mkfifo(session / "pipe.png")
    for picture, why in ((text, "not a picture"), (cut, "not a picture"), (session / "none.png", "is gone")):
        with pytest.raises(Told, match=why):
            thumbnails.make(session, picture)
    for look_ in (thumbnails.kind, lambda picture: thumbnails.make(session, picture)):
        for picture in (session / "pipe.png", session):
            with pytest.raises(Told, match="is not a file"):
                look_(picture)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(Told, match="decompression bomb"):
        thumbnails.make(session, session / "c.png")


def test_the_kind_of_a_file_is_told_by_its_bytes(session: Path):
    for suffix, right in ((".png", "image/png"), (".jpg", "image/jpeg"), (".webp", "image/webp"), (".bmp", None)):
        save(session / f"a{suffix}").rename(session / "a.html")
        assert thumbnails.kind(session / "a.html") == right
    (session / "b.png").write_text("<script>alert(1)</script>")
    assert thumbnails.kind(session / "b.png") is None


def test_thumbnails_are_no_pictures_of_the_session(session: Path):
    picture = save(session / "round-0001" / "a.png")
    thumbnails.make(session, picture)
    assert pictures.listing("s [output]", {"output": session.parent}) == ["s/round-0001/a.png [output]"]
    store.sweep(session)
    assert thumbnails.kept(session, picture)


BOMB = """
import resource, sys, time
from pathlib import Path
from resonance.gallery import thumbnails
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
thumbnails.make(Path(sys.argv[1]), Path(sys.argv[2]))
before = peak()
thumbnails.make(Path(sys.argv[1]), Path(sys.argv[3]))
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="measured as Linux counts")
@pytest.mark.parametrize(
    ("mode", "size"),
    [("RGB", (8000, 8000)), ("RGBA", (8000, 4000)), ("LA", (8000, 4000)), ("I;16", (8000, 8000)), ("P", (8000, 8000))],
)
def test_a_picture_of_few_bytes_and_many_pixels_takes_little_memory(session: Path, mode: str, size: tuple[int, int]):
    picture, small = session / "large.png", save(session / "small.png")
    Image.new(mode, size).save(picture, compress_level=1)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", BOMB, session, small, picture]
    run = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert float(run.stdout) < 300


@pytest.mark.parametrize(("mode", "size"), [("RGB", (8001, 8000)), ("RGBA", (8001, 4000)), ("L", (20000, 4000))])
def test_what_is_too_large_to_show_says_so(session: Path, mode: str, size: tuple[int, int]):
    picture = session / "large.png"
    Image.new(mode, size).save(picture, compress_level=1)
    start = time.monotonic()
    data = thumbnails.make(session, picture)
    assert time.monotonic() - start < 1
    assert look(data)[0] == (thumbnails.SIDE, thumbnails.SIDE)
    assert len(set(np.asarray(Image.open(BytesIO(data)).convert("L")).ravel().tolist())) > 10, "it is written upon"
    assert thumbnails.kept(session, picture) == data
