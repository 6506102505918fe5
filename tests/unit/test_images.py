"""Pictures between files, Pillow and tensors."""

import os
import random
import struct
import threading
import time
from io import BytesIO
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms, features
from PIL.PngImagePlugin import PngInfo

from resonance import images, pixels
from resonance.sizes import Fit
from resonance.told import Told

RED, WHITE = (255, 0, 0), (255, 255, 255)


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def test_transparency_is_laid_over_white(tmp_path: Path) -> None:
    rgba = Image.new("RGBA", (2, 1), (255, 0, 0, 255))
    rgba.putpixel((1, 0), (0, 0, 0, 0))
    read = images.read(saved(tmp_path / "rgba.png", rgba))
    assert (read.mode, read.getpixel((0, 0)), read.getpixel((1, 0))) == ("RGB", RED, WHITE)


def test_half_transparent_grey_is_mixed_with_white(tmp_path: Path) -> None:
    read = images.read(saved(tmp_path / "la.png", Image.new("LA", (1, 1), (0, 128))))
    assert read.getpixel((0, 0)) == (127, 127, 127)


def test_a_transparent_palette_colour_becomes_white(tmp_path: Path) -> None:
    palette = Image.new("P", (2, 1), 0)
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.putpixel((1, 0), 1)
    read = images.read(saved(tmp_path / "palette.png", palette, transparency=1))
    assert (read.getpixel((0, 0)), read.getpixel((1, 0))) == (RED, WHITE)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_a_rotated_picture_stands_upright(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    lying = Image.new("RGB", (64, 32), (0, 0, 255))
    lying.paste(RED, (0, 0, 32, 32))
    read = images.read(saved(tmp_path / f"lying{suffix}", lying, exif=exif))
    assert read.size == (32, 64)
    assert read.getpixel((16, 8))[0] > 200 and read.getpixel((16, 56))[2] > 200


def test_sixteen_bits_keep_their_grey(tmp_path: Path) -> None:
    grey = Image.fromarray(np.full((2, 2), 0x8000, np.uint16))
    assert images.read(saved(tmp_path / "grey.png", grey)).getpixel((0, 0)) == (128, 128, 128)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    read = images.read(saved(tmp_path / "picture.tif", Image.new("RGB", (3, 2), WHITE).convert(mode)))
    assert (read.mode, read.size, read.getpixel((0, 0))) == ("RGB", (3, 2), WHITE)


def test_one_pixel_is_a_picture(tmp_path: Path) -> None:
    assert images.read(saved(tmp_path / "dot.png", Image.new("RGB", (1, 1), RED))).size == (1, 1)


def test_what_is_no_picture_is_named_without_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "note.png"
    path.write_text("not a picture")
    with pytest.raises(Told, match=r"^note\.png is not a picture") as error:
        images.read(path)
    assert str(tmp_path) not in str(error.value)


def test_a_file_that_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(Told, match=r"^gone\.png: the file is gone$"):
        images.read(tmp_path / "gone.png")


def test_a_postscript_file_is_refused_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "drawing.png"
    Image.new("RGB", (4, 4)).save(path, format="EPS")
    with pytest.raises(Told, match="not a picture"):
        images.read(path)


def test_a_picture_too_large_to_unpack_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "huge.png", Image.new("L", (100, 100)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(Told, match="decompression bomb"):
        images.read(path)


def test_big_endian_grey_keeps_its_grey(tmp_path: Path) -> None:
    grey = Image.frombytes("I;16B", (8, 8), (np.arange(64) * 1000).astype(">u2").tobytes())
    read = images.read(saved(tmp_path / "grey.tif", grey))
    assert [read.getpixel((x, 0))[0] for x in (0, 1, 7)] == [0, 1000 >> 8, 7000 >> 8]


@pytest.mark.parametrize(
    ("values", "dtype", "seen"),
    [
        ((0.0, 0.5, 1.0), np.float32, (0, 127, 255)),
        ((0.0, 128.0, 255.0), np.float32, (0, 128, 255)),
        ((0, 128, 200), np.int32, (0, 128, 200)),
        ((0, 0x8000, 0xFFFF), np.int32, (0, 127, 255)),
        ((-5, 50_000_000, 100_000_000), np.int32, (0, 127, 255)),
    ],
)
def test_32_bit_grey_is_read_by_its_range(tmp_path: Path, values: tuple[float, ...], dtype: Any, seen: Any) -> None:
    read = images.read(saved(tmp_path / "grey.tif", Image.fromarray(np.array([values], dtype))))
    assert tuple(read.getpixel((x, 0))[0] for x in range(3)) == seen


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    for odd in (np.nan, np.inf, -np.inf):
        path = saved(tmp_path / "grey.tif", Image.fromarray(np.array([[0.5, odd, 0.7]], np.float32)))
        with pytest.raises(Told, match="NaN or infinity"):
            images.read(path)


def test_long_texts_in_a_file_do_not_keep_its_pixels_away(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    texts = PngInfo()
    texts.add_text("workflow", "x" * 2_000_000, zip=True)
    assert (
        images.read(saved(tmp_path / "long.png", Image.new("RGB", (8, 8), RED), pnginfo=texts)).getpixel((0, 0)) == RED
    )
    assert "long.png" in caplog.text


@pytest.mark.parametrize("name", ["PNG", "JPEG", "BMP", "TIFF"])
def test_a_file_that_is_cut_off_is_read_as_far_as_it_goes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    buffer = BytesIO()
    noise = np.random.default_rng(1).integers(100, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(buffer, name)
    path = tmp_path / "cut.img"
    path.write_bytes(buffer.getvalue()[: len(buffer.getvalue()) * 2 // 3])
    read = np.asarray(images.read(path), np.float32)
    rows = read[::-1] if name == "BMP" else read
    assert np.abs(rows[:16] - np.asarray(noise[::-1] if name == "BMP" else noise, np.float32)[:16]).mean() < 40
    assert "cut.img is damaged" in caplog.text


DISPLAY_P3 = {
    b"rXYZ": (0.51512, 0.24120, -0.00105),
    b"gXYZ": (0.29198, 0.69225, 0.04189),
    b"bXYZ": (0.15710, 0.06657, 0.78407),
}


def with_primaries(profile: bytes, primaries: dict[bytes, tuple[float, ...]]) -> bytes:
    """A profile with others, by the specification of ICC profiles: a table of tags, each with its place."""
    out = bytearray(profile)
    for number in range(int.from_bytes(out[128:132], "big")):
        tag, at, _ = struct.unpack_from(">4sII", out, 132 + 12 * number)
        if tag in primaries:
            struct.pack_into(">3i", out, at + 8, *(round(value * 65536) for value in primaries[tag]))
    return bytes(out)


def test_a_profile_is_converted(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = with_primaries(srgb, DISPLAY_P3)
    picture = Image.new("RGB", (8, 8), (200, 60, 40))
    assert images.read(saved(tmp_path / "p3.png", picture, icc_profile=profile)).getpixel((0, 0)) == (217, 42, 23)
    for harmless in (srgb, b"no profile", b""):
        path = saved(tmp_path / "plain.png", picture, icc_profile=harmless)
        assert images.read(path).getpixel((0, 0)) == (200, 60, 40)


def test_a_pipe_is_no_picture_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    start = time.monotonic()
    with pytest.raises(Told, match=r"^a\.png is not a picture that can be read \(it is not a file\)$"):
        images.read(tmp_path / "a.png")
    assert time.monotonic() - start < 1


def test_a_disk_that_does_not_answer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ever = threading.Event()
    monkeypatch.setattr(pixels, "open_file", lambda path: ever.wait())
    monkeypatch.setattr(images, "PATIENCE", 0.2)
    start = time.monotonic()
    with pytest.raises(Told, match=r"^a\.png is not a picture that can be read \(its disk took more than 0.2 s\)$"):
        images.read(tmp_path / "a.png")
    monkeypatch.setattr(images, "PATIENCE", 60.0)

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        images.read(tmp_path / "a.png", check=interrupt)
    assert time.monotonic() - start < 2
    ever.set()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in images.FORMATS if name != "AVIF" or features.check("avif")])
@pytest.mark.parametrize("count", [40, pytest.param(400, marks=pytest.mark.long)])
def test_a_damaged_file_is_read_or_refused_but_never_breaks(tmp_path: Path, name: str, count: int) -> None:
    chance = random.Random(f"{name} {count}")
    picture = Image.effect_mandelbrot((40, 30), (-2, -1, 1, 1), 20).convert("RGB")
    buffer, exif = BytesIO(), Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "camera"
    picture.save(buffer, name, **({} if name in ("GIF", "BMP") else {"exif": exif}))
    path = tmp_path / "damaged"
    for _ in range(count):
        data = bytearray(buffer.getvalue())
        for _ in range(chance.choice((1, 3, 10))):
            data[chance.randrange(min(len(data), 200))] = chance.randrange(256)
        path.write_bytes(data if chance.random() < 0.8 else data[: chance.randrange(len(data))])
        try:
            assert images.read(path).mode == "RGB"
        except Told as error:
            assert str(error).startswith("damaged is not a picture that can be read (")


def test_pictures_survive_the_way_through_a_tensor() -> None:
    picture = Image.effect_mandelbrot((7, 5), (-2, -1, 1, 1), 20).convert("RGB")
    tensor = images.to_tensor(picture)
    assert tensor.shape == (1, 5, 7, 3) and tensor.dtype == torch.float32
    assert np.array_equal(np.asarray(images.from_tensor(tensor)[0]), np.asarray(picture))


def test_a_batch_of_tensors_is_clipped_and_rounded() -> None:
    tensor = torch.tensor([-1.0, 2.0, 0.5, float("inf")]).view(4, 1, 1, 1).expand(4, 1, 1, 3)
    assert [image.getpixel((0, 0))[0] for image in images.from_tensor(tensor)] == [0, 255, 128, 255]


@pytest.mark.parametrize(
    ("tensor", "said"),
    [
        (None, "got nothing"),
        (torch.zeros(1, 2, 3), r"got the shape \[1, 2, 3\]"),
        (torch.zeros(1, 4, 8, 8, 3), r"got the shape \[1, 4, 8, 8, 3\]"),
        (torch.zeros(1, 8, 8, 2), r"got the shape \[1, 8, 8, 2\]"),
        (torch.zeros(0, 8, 8, 3), "There is no picture: "),
        (torch.zeros(1, 8, 0, 3), "There is no picture: "),
        (torch.full((1, 8, 8, 3), float("nan")), "holds no numbers"),
    ],
    ids=["nothing", "three axes", "a video", "two channels", "an empty batch", "no width", "NaN"],
)
def test_what_is_no_picture_is_said(tensor: torch.Tensor, said: str) -> None:
    with pytest.raises(Told, match=said):
        images.from_tensor(tensor)


@pytest.mark.parametrize(("channels", "mode"), [(1, "RGB"), (3, "RGB"), (4, "RGBA")])
def test_channels_choose_the_mode(channels: int, mode: str) -> None:
    assert images.from_tensor(torch.zeros(1, 2, 3, channels))[0].mode == mode


def marked(*sizes: tuple[int, int]) -> list[torch.Tensor]:
    """A white spot at 60 % of the width and 40 % of the height on black, ``[1, H, W]`` of each size."""
    found: list[torch.Tensor] = []
    for width, height in sizes:
        across, down = (torch.arange(side) + 0.5 for side in (width, height))
        near = ((across / width - 0.6).abs() < 0.05) & ((down / height - 0.4).abs() < 0.05)[:, None]
        found.append(near[None].float())
    return found


def middle(plane: torch.Tensor) -> tuple[float, float]:
    """Where the weight of ``[H, W]`` lies, in pixels."""
    down, across = (torch.arange(side) + 0.5 for side in plane.shape)
    return float((plane.sum(0) * across).sum() / plane.sum()), float((plane.sum(1) * down).sum() / plane.sum())


@pytest.mark.parametrize("fit", get_args(Fit))
@pytest.mark.parametrize("size", [(96, 64), (64, 96), (200, 300), (101, 75)], ids=str)
@pytest.mark.parametrize("mask_size", [(101, 75), (40, 40)], ids=str)
def test_a_picture_and_its_mask_are_fitted_alike(fit: Fit, size: tuple[int, int], mask_size: tuple[int, int]) -> None:
    [plane], [mask] = marked((101, 75)), marked(mask_size)
    picture = plane[..., None].expand(2, -1, -1, 3)
    made, masks = images.fitted(picture, size, fit), images.fitted_mask(mask, picture, size, fit)
    assert made.shape == (2, size[1], size[0], 3) and masks.shape == (1, size[1], size[0])
    pixel = 0 if mask_size == (101, 75) else max(size) / min(mask_size)
    assert middle(made[1, ..., 0]) == pytest.approx(middle(masks[0]), abs=0.1 + pixel / 2)
    if size == (101, 75):
        assert torch.equal(made, picture), "nothing to do"


def test_the_border_of_a_fitted_picture_is_its_edge_and_black_in_the_mask() -> None:
    picture = torch.zeros(3, 20, 40, 3)
    picture[:, :, :20, 0], picture[:, :, 20:, 2] = 1, 1
    made, mask = images.fitted(picture, (40, 40), "pad"), images.fitted_mask(None, picture, (40, 40), "pad")
    assert torch.equal(made[0, 0], picture[0, 0]) and torch.equal(made[2, -1], picture[0, 0])
    assert mask.shape == (3, 40, 40) and mask[:, 10:30].eq(1).all() and mask.mean() == 0.5
    assert images.fitted_mask(torch.ones(20, 40), picture, (40, 40), "pad").equal(mask[:1])
    assert images.fitted_mask(None, picture, (40, 40), "crop").eq(1).all()


def test_a_fitted_mask_does_not_ring_and_shrinks_by_the_mean() -> None:
    picture, mask = torch.zeros(1, 64, 64, 3), torch.zeros(1, 64, 64)
    mask[..., 31:] = 1
    for side in (16, 200):
        row = images.fitted_mask(mask, picture, (side, side), "squash")[0, 0]
        assert (row.diff() >= -1e-6).all() and row[0] == 0 and row[-1] == 1
        assert float(row.mean()) == pytest.approx(33 / 64, abs=0.01)
