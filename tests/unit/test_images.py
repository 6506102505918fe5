"""Pictures between files, Pillow and tensors."""

import random
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, features

from resonance import images
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


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in images.FORMATS if name != "AVIF" or features.check("avif")])
def test_a_damaged_file_is_read_or_refused_but_never_breaks(tmp_path: Path, name: str) -> None:
    chance = random.Random(name)
    picture = Image.effect_mandelbrot((40, 30), (-2, -1, 1, 1), 20).convert("RGB")
    buffer, exif = BytesIO(), Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "camera"
    picture.save(buffer, name, **({} if name in ("GIF", "BMP") else {"exif": exif}))
    path = tmp_path / "damaged"
    for _ in range(200):
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
    tensor = torch.tensor([-1.0, 2.0, 0.5, float("nan")]).view(4, 1, 1, 1).expand(4, 1, 1, 3)
    assert [image.getpixel((0, 0))[0] for image in images.from_tensor(tensor)] == [0, 255, 128, 0]


@pytest.mark.parametrize(("channels", "mode"), [(1, "RGB"), (3, "RGB"), (4, "RGBA")])
def test_channels_choose_the_mode(channels: int, mode: str) -> None:
    assert images.from_tensor(torch.zeros(1, 2, 3, channels))[0].mode == mode
