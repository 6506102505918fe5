"""Which part of a prompt has which place in a picture of colours, and which LoRA: held against gen_img's rule, written down a second time."""

import random
from typing import Any

import pytest
import torch

from resonance.attention.from_mask import parts
from resonance.attention.parts import resize
from resonance.canvas.canvas import Lora
from resonance.told import Told

Pixels = list[list[tuple[int, int, int]]]

RED, GREEN, YELLOW, BLUE = (255, 0, 0), (0, 255, 0), (255, 255, 0), (0, 0, 255)
EXAMPLE = "aoi 2girls, smile, sitting AND beni 2girls, looking back AND 2girls, outdoors"


def picture(pixels: Pixels) -> torch.Tensor:
    return torch.tensor(pixels) / 255


def shown(prompt: str, pixels: Pixels, *names: str, codes: int | None = None) -> list[Any]:
    found = parts(prompt, picture(pixels), [Lora(name) for name in names], codes)
    return [
        (part.words, None if part.mask is None else part.mask.tolist(), part.lora and part.lora.file) for part in found
    ]


class Nowhere(Exception):
    """The colour of a part is not in the picture."""


def rule(prompt: str, pixels: Pixels, names: list[str], codes: int | None) -> list[Any]:
    """gen_img's: region i is part i and LoRA i. By channels i is red, green, blue over 255, and one that is all 0 is the whole picture; by
    codes the pixels of exactly the colour with the bits of i + 1. From the fourth channel, or the last code in use, on: the whole picture."""
    expected: list[Any] = []
    for i, words in enumerate(prompt.split(" AND ")):
        place: list[list[float]] | None = None
        if codes is None and i <= 2:
            values = [[pixel[i] / 255 for pixel in row] for row in pixels]
            place = values if sum(map(sum, values)) > 0 else None
        elif codes is not None and i < codes:
            red, green, blue = (i + 1) % 2, (i + 1) // 2 % 2, (i + 1) // 4
            place = [[float(pixel == (255 * red, 255 * green, 255 * blue)) for pixel in row] for row in pixels]
            if not any(map(any, place)):
                raise Nowhere
        expected.append((words.strip(), place, names[i] if i < len(names) else None))
    return expected


def test_gen_imgs_own_example():
    """Three parts, red and green in use, blue empty: the third acts everywhere."""
    pixels = [[RED] * 2 + [GREEN] * 2] * 2
    assert shown(EXAMPLE, pixels, "aoi.safetensors", "beni.safetensors") == [
        ("aoi 2girls, smile, sitting", [[1, 1, 0, 0]] * 2, "aoi.safetensors"),
        ("beni 2girls, looking back", [[0, 0, 1, 1]] * 2, "beni.safetensors"),
        ("2girls, outdoors", None, None),
    ]


def drawn(rng: random.Random) -> tuple[str, Pixels, list[str], int | None]:
    """A prompt, a picture, LoRAs and codes, of which about every second fit together."""
    words = ("red", "", "sAND", "AND", "and", "a, b", "(c:1.2)", " d ")
    count = rng.randint(1, 9)
    prompt = " AND ".join(" ".join(rng.choices(words, k=rng.randint(1, 3))) for _ in range(count)).strip()
    codes = rng.choice((None, *range(1, 8)))
    colors = [(255 * (n & 1), 255 * (n >> 1 & 1), 255 * (n >> 2 & 1)) for n in range(min(codes or 3, count) + 1)]
    if codes is None:
        shade = rng.choice(((0, 0), (0, 255), (0, 1, 128, 255)))
        colors = [tuple(rng.choice(shade) if rng.random() < 0.7 else 0 for _ in "rgb") for _ in range(3)]
    else:
        colors += [(254, 0, 0), (128, 255, 0)]
    width = rng.randint(1, 9)
    pixels = [rng.choices(colors, k=width) for _ in range(rng.randint(1, 5))]
    parts_there = len(prompt.split(" AND "))
    return prompt, pixels, [f"{n}.safetensors" for n in range(rng.randint(0, parts_there))], codes


def test_300_random_pictures_and_prompts_are_read_as_the_rule_says():
    rng, refused, everywhere = random.Random(17), 0, 0
    for _ in range(300):
        prompt, pixels, names, codes = drawn(rng)
        try:
            expected = rule(prompt, pixels, names, codes)
        except Nowhere:
            refused += 1
            with pytest.raises(Told, match="No pixel is"):
                shown(prompt, pixels, *names, codes=codes)
            continue
        found = shown(prompt, pixels, *names, codes=codes)
        assert [(words, lora) for words, _, lora in found] == [(words, lora) for words, _, lora in expected]
        for (_, mask, _), (_, place, _) in zip(found, expected, strict=True):
            assert mask == (None if place is None else torch.tensor(place).tolist())
        everywhere += any(mask is None for _, mask, _ in found)
    assert 50 < refused < 200 and everywhere > 50


def test_places_by_codes_are_whole_pixels_at_any_size():
    """Scaled smoothly, a picture has colours between two that are a third one's, or nobody's."""
    pixels = [[RED] * 5 + [GREEN] * 3 + [YELLOW] * 4 + [BLUE]] * 7
    found = parts("a AND b AND c AND d", picture(pixels), codes=4)
    for size in ((64, 48), (3, 9)):
        scaled = resize(torch.stack([part.mask for part in found if part.mask is not None]), *size)
        assert set(scaled.unique().tolist()) == {0, 1} and (scaled.sum(0) == 1).all()


def test_a_line_break_beside_the_word_is_as_good_as_a_blank():
    prompts = ["a AND b", "a\nAND b", " a AND\nb\n", "a\n\nAND\n\nb"]
    assert [[words for words, _, _ in shown(prompt, [[RED, GREEN]])] for prompt in prompts] == [["a", "b"]] * 4


def test_pictures_without_colours_and_with_transparency():
    grey, seen = torch.tensor([[[0.0], [1.0]]]), torch.tensor([[[1.0, 0, 0, 0], [0, 1, 0, 1]]])
    assert [[part.mask.tolist() for part in parts("a AND b", image)] for image in (grey, seen)] == [
        [[[0, 1]], [[0, 1]]],
        [[[1, 0]], [[0, 1]]],
    ]


def test_what_people_are_told():
    with pytest.raises(Told, match=r"^There are 2 LoRAs, but the prompt has only one part: write AND, in capitals"):
        shown("a and b", [[RED]], "1", "2")
    says = r"^No pixel is yellow \(255, 255, 0\), the colour of part 3, 'a cat'.* or set codes to 2, with which this part acts everywhere\.$"
    with pytest.raises(Told, match=says):
        shown("a AND b AND a cat, white", [[RED, GREEN, (255, 254, 0)]], codes=7)
    with pytest.raises(Told, match=r"^No pixel is red \(255, 0, 0\), the colour of part 1, 'a':.* as PNG\.$"):
        shown("a", [[(254, 0, 0)]], codes=1)
