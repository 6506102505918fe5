import pytest

from resonance.sizes import Fit, aspect_of, buckets, choose, fitted, nearest_bucket, read_aspect
from resonance.told import Told

PAPER = """
512x2048 512x1984 512x1920 512x1856 576x1792 576x1728 576x1664 640x1600 640x1536 704x1472 704x1408 704x1344 768x1344 768x1280
832x1216 832x1152 896x1152 896x1088 960x1088 960x1024 1024x1024 1024x960 1088x960 1088x896 1152x896 1152x832 1216x832 1280x768
1344x768 1408x704 1472x704 1536x640 1600x640 1664x576 1728x576 1792x576 1856x512 1920x512 1984x512 2048x512
"""


def test_buckets_of_1024_are_the_sizes_sdxl_was_trained_on():
    trained = {tuple(map(int, size.split("x"))) for size in PAPER.split()}
    assert len(trained) == 40
    assert set(buckets(1024)) == trained | {(1344, 704)}


@pytest.mark.parametrize("side", [256, 300, 512, 768, 1000, 1536, 2048])
def test_buckets_of_any_side_are_near_its_area_in_steps_of_64(side: int):
    sizes = buckets(side)
    assert {(h, w) for w, h in sizes} == set(sizes)
    assert all(w % 64 == h % 64 == 0 and 0.6 * side**2 < w * h <= side**2 for w, h in sizes)


@pytest.mark.parametrize(
    ("picture", "bucket"),
    [
        ((640, 480), (1152, 896)),
        ((480, 640), (896, 1152)),
        ((1920, 1080), (1344, 768)),
        ((1, 1), (1024, 1024)),
        ((3000, 3001), (1024, 1024)),
        ((10_000, 10), (2048, 512)),
    ],
)
def test_nearest_bucket_follows_the_aspect_not_the_resolution(picture: tuple[int, int], bucket: tuple[int, int]):
    assert nearest_bucket(*picture) == bucket


def test_of_two_buckets_with_one_aspect_the_larger_is_taken():
    assert nearest_bucket(3, 5, 512) == (384, 640)
    sizes = [size for size in buckets(2048) if size[0] == size[1]]
    assert nearest_bucket(1, 1, 2048) == max(sizes)


def test_only_equal_sides_are_square():
    assert [aspect_of(*size) for size in ((5, 5), (6, 5), (5, 6))] == ["square", "landscape", "portrait"]


@pytest.mark.parametrize(
    ("sizes", "landscape", "portrait", "square"),
    [("SDXL", (1216, 832), (832, 1216), (1024, 1024)), ("SD1.5", (768, 576), (576, 768), (512, 512))],
)
def test_classes_have_img2tag2imgs_sizes(sizes: str, landscape, portrait, square):
    choice = {"sizes": sizes}
    assert choose(choice, (200, 100)) == choose(choice, aspect="Landscape ") == landscape
    assert choose(choice, (100, 200)) == choose(choice, aspect="2:3") == portrait
    assert choose(choice, (100, 100)) == choose(choice, aspect="square") == square


@pytest.mark.parametrize(
    ("preset", "size"),
    [("portrait", (448, 768)), ("landscape", (768, 448)), ("square", (576, 576)), ("optimal", (512, 512))],
)
def test_presets_do_not_look_at_the_picture(preset: str, size: tuple[int, int]):
    assert choose({"sizes": preset}) == choose({"sizes": preset}, (300, 100)) == size


def test_own_sizes_are_taken_by_class():
    own = {
        "sizes": "own sizes",
        "landscape_width": 96,
        "landscape_height": 64,
        "portrait_width": 64,
        "portrait_height": 96,
    }
    own |= {"square_width": 80, "square_height": 80}
    assert [choose(own, picture) for picture in ((2, 1), (1, 2), (1, 1))] == [(96, 64), (64, 96), (80, 80)]


def test_the_aspect_goes_before_the_picture():
    assert choose({"sizes": "SDXL"}, (100, 100), "3:2") == (1216, 832)
    assert choose({"sizes": "nearest bucket", "bucket_side": 1024}, (100, 100), "1920x1080") == (1344, 768)


@pytest.mark.parametrize(
    ("choice", "aspect", "said"),
    [
        ({"sizes": "SDXL"}, "", "connect image or aspect"),
        ({"sizes": "SDXL"}, "wide", "'wide' is not an aspect. Give landscape, portrait, square"),
        ({"sizes": "SDXL"}, "0:3", "not an aspect"),
        ({"sizes": "nearest bucket", "bucket_side": 1024}, "portrait", "cannot tell how portrait"),
    ],
)
def test_what_cannot_be_told_is_said(choice: dict[str, object], aspect: str, said: str):
    with pytest.raises(Told, match=said):
        choose(choice, None, aspect)


def test_sides_are_read_in_the_usual_forms():
    assert [read_aspect(text) for text in ("3:2", "16 / 9", "1216x832", "SQUARE")] == [
        (3, 2),
        (16, 9),
        (1216, 832),
        "square",
    ]


@pytest.mark.parametrize(
    ("picture", "size", "fit", "box", "place"),
    [
        ((200, 100), (50, 50), "crop", (0.25, 0, 0.75, 1), (0, 0, 50, 50)),
        ((100, 400), (50, 50), "crop", (0, 0.375, 1, 0.625), (0, 0, 50, 50)),
        ((200, 100), (50, 50), "pad", (0, 0, 1, 1), (0, 12, 50, 37)),
        ((100, 200), (50, 50), "pad", (0, 0, 1, 1), (12, 0, 37, 50)),
        ((10_000, 1), (64, 64), "pad", (0, 0, 1, 1), (0, 31, 64, 32)),
        ((200, 100), (50, 50), "squash", (0, 0, 1, 1), (0, 0, 50, 50)),
        ((96, 64), (48, 32), "crop", (0, 0, 1, 1), (0, 0, 48, 32)),
        ((96, 64), (48, 32), "pad", (0, 0, 1, 1), (0, 0, 48, 32)),
    ],
)
def test_a_picture_comes_to_a_size_from_its_middle(
    picture: tuple[int, int], size: tuple[int, int], fit: Fit, box: tuple[float, ...], place: tuple[int, ...]
):
    assert fitted(picture, size, fit) == (box, place)
