"""Five thousand spoilt answers: each gives a canvas or one CanvasError, quickly, and nothing else happens."""

import builtins
import contextlib
import random
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from resonance.canvas.canvas import Canvas, CanvasError
from resonance.canvas.listing import digest, write
from resonance.canvas.read import Reading, partial, read_canvas

from .canvas_samples import ANSWER, PROGRAM

HARM = ["__import__('os').system('touch {0}')", "open('{0}', 'w').close()", "exec(\"open('{0}','w')\")"]
HARM += [
    "import antigravity",
    "[*map(print, '{0}')]",
    "lambda: open('{0}', 'w')",
    "f\"{{open('{0}', 'w')}}\"",
    "globals()",
]
ODD = ["\0", "\ud800", "\udfff", "\ufeff", "\u2028", "😀", "e\u0301", "\r", "\x0c", "\x1b[31m", "‮", "９", "\x85"]
MARKS = [
    "'",
    '"',
    "'''",
    '"""',
    "\\",
    "`",
    "```",
    "```python\n",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    ",",
    ":",
    "#",
    "//",
    "/*",
    ";",
    "=",
]
WORDS = [
    "None",
    "True",
    "NaN",
    "Infinity",
    "1e999",
    "9" * 5000,
    "-",
    "0x" + "f" * 5000,
    "**",
    "canvas.",
    "return ",
    "yield ",
    "async ",
]
WORDS += [
    "canvas.add_local_description(",
    "canvas.set_global_description(",
    '"global": ',
    '"regions": [',
    "def f():\n",
    "\n\t",
]


def spoilt(draw: random.Random, texts: list[str], sentinel: Path) -> str:
    """A sample, cut, shuffled, or with something put into it, several times."""
    text = draw.choice(texts)
    for _ in range(draw.randint(1, 6)):
        at, to = sorted(draw.randint(0, len(text)) for _ in range(2))
        match draw.randrange(8):
            case 0:
                text = text[:to]
            case 1:
                text = text[at:]
            case 2:
                text = text[:at] + text[min(to, at + 40) :]
            case 3:
                text = text[:to] + text[at:]
            case 4:
                text = text.replace(draw.choice(MARKS), draw.choice(MARKS), draw.randint(1, 9))
            case 5:
                text = text[:at] + draw.choice("([{'\"-!") * draw.choice([1, 50, 3000]) + text[at:]
            case 6:
                text = text.replace("'calm'", draw.choice(HARM).format(sentinel))
            case _:
                text = text[:at] + draw.choice(ODD + MARKS + WORDS + HARM).replace("{0}", str(sentinel)) + text[at:]
    return text


@pytest.fixture
def no_effects(tmp_path: Path) -> Iterator[Path]:
    """A file that must not come to be; neither may modules, builtins or warnings."""
    sentinel = tmp_path / "touched"
    modules, names = set(sys.modules), dict(vars(builtins))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield sentinel
    assert not sentinel.exists() and list(tmp_path.iterdir()) == []
    assert set(sys.modules) == modules and vars(builtins) == names


def outcome(text: str) -> Reading | str:
    growing = partial(text)
    try:
        reading = read_canvas(text)
    except CanvasError as error:
        said = str(error)
        assert 0 < len(said) < 400 and "\n" not in said and type(error) is CanvasError
        return said
    assert isinstance(reading.canvas, Canvas) and growing == reading.canvas
    assert len(reading.notes) <= 51 and all(len(note) < 400 for note in reading.notes)
    assert read_canvas(write(reading.canvas)).canvas == reading.canvas and digest(reading.canvas)
    return reading


@pytest.mark.parametrize("count", [750, pytest.param(5000, marks=pytest.mark.long)])
def test_spoilt_answers_give_a_canvas_or_one_error(no_effects: Path, count: int):
    draw = random.Random(count)
    texts = [PROGRAM, ANSWER, write(read_canvas(PROGRAM).canvas), PROGRAM.split("```")[1].removeprefix("python\n")]
    start = time.monotonic()
    outcomes = [outcome(spoilt(draw, texts, no_effects)) for _ in range(count)]
    canvases = [one for one in outcomes if isinstance(one, Reading)]
    assert 0.3 < len(canvases) / count < 0.9
    assert len({one for one in outcomes if isinstance(one, str)}) > 100
    assert time.monotonic() - start < 60


TEN = 10 * 2**20
CALL = "c.add_local_description(\n"


@pytest.mark.parametrize(
    "text",
    [
        "a" * TEN,
        PROGRAM + "#" * TEN,
        PROGRAM + "\n" * TEN,
        ANSWER + " " * TEN,
        ANSWER[:-3] + "[" * 8_000_000,
        '{"a":' * 1_500_000,
        "{" * 8_000_000,
        '{"global": {}, "regions": [' + '{"description": "' * 400_000,
        '{"regions": [' + '{"description": "' + "{" * 8_000_000,
        '"' * 8_000_000,
        '[{"prefixes": ["' + "\\" * 8_000_000,
        "[{" + '"a": 1, ' * 900_000,
        '[{"a": ' + '\\"' * 4_000_000,
        '[{"a": ' + '\\"' * 4_000_000 + "\\",
        '[{"a": ' + "/* " * 2_500_000,
        CALL * 41_000,
        (CALL + ")\n") * 38_000,
        CALL + "'" * 1_000_000,
        CALL + "\\" * 1_000_000,
        CALL + "a'" * 500_000,
        CALL + "a " * 500_000 + "'",
        CALL + "(" * 1_000_000,
        "```\n" * 250_000 + CALL,
        "c = Canvas()" + " " * 1_000_000 + "x\n" + CALL + ")",
        "c" + " " * 1_000_000 + ".\n" + CALL + ")",
        ";" * 900_000 + CALL + ")",
        "x;" * 400_000 + CALL + ")",
        CALL + "-" * 900_000 + "1)",
        CALL + "f(" * 190 + ")" * 191,
        CALL + "[" * 190 + "]" * 190 + ")",
        CALL + "distance_to_viewer=0x" + "f" * 900_000 + ")",
        CALL + "location='" + "left " * 180_000 + "')",
        CALL + "'\\d')",
        CALL + "1if 1else 2)",
    ],
    ids=lambda text: f"{text[:24]!r}...{len(text)}",
)
def test_huge_and_deep_texts_take_no_time(no_effects: Path, text: str):
    start = time.monotonic()
    for reads in (read_canvas, partial):
        with contextlib.suppress(CanvasError):
            reads(text)
    assert time.monotonic() - start < 20
