"""Texts of models and people that are almost valid are read, or refused with a sentence: `nox -s fuzz`."""

import contextlib
import json
import os
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from places import PACK

from resonance.canvas.boxes import read_boxes, to_boxes, to_ideogram
from resonance.canvas.exchange import read_any
from resonance.canvas.listing import digest, write
from resonance.canvas.masks import masks
from resonance.canvas.read import Reading, partial, read_canvas
from resonance.canvas.write_program import write_program
from resonance.files.lora_metadata import Metadata, read_metadata
from resonance.files.names import inside
from resonance.img2tag2img import config
from resonance.interpret.taggers.labels import Labels, read_labels
from resonance.paint.dynamic import Choices, walk
from resonance.paint.lines import PromptText, picture_line, read_lines
from resonance.paint.options import read_options, write_options
from resonance.paint.read_back import ReadBack, read_texts
from resonance.paint.shots import randoms_of
from resonance.paint.wildcards import WildcardFiles
from resonance.roulette import Draw, Plan, draw, parse
from resonance.session.item import Item, batch_from_json
from resonance.session.naming import stem_of
from resonance.session.pattern import LONGEST, TOKENS, check_pattern, path_by
from resonance.session.payloads import Exploration
from resonance.told import Told
from resonance.vary.transform import Transform, calls, read_program
from resonance.vary.transform import write as write_transform

from .almost import almost

CORPUS = PACK / "tests" / "corpus"
SIZE = (1024, 768)
CHECKPOINTS = ("a.safetensors", "b.safetensors", "sdxl/c.safetensors")
LORAS = ("x.safetensors", "y.safetensors", "styles/oil.safetensors", "fast.safetensors")

INPUTS = int(os.environ.get("RESONANCE_FUZZ", 0))
"""Other texts each time, for each reader; 0: the same few."""
FEW = 100
SLOWEST = 1.0
"""Seconds that a text may take."""
ACCEPTED = 0.1
"""Of the texts, for their depths are to be reached."""


class Reader(NamedTuple):
    """What reads a text, maybe from a file of that name, and what is done with what was read, which must be right."""

    read: Callable[[str, Path], Any]
    use: Callable[[Any], None]


def layout(text: str, path: Path) -> Reading:
    partial(text)
    return read_any(text, *SIZE)


def boxes(text: str, path: Path) -> Reading:
    return Reading(*read_boxes(text, *SIZE, "A picture"))


def plan(text: str, path: Path) -> Plan:
    return parse(text)


def configuration(text: str, path: Path) -> config.Config:
    path.write_text(text, "utf-8", newline="")
    return config.load(path)


def items(text: str, path: Path) -> list[Item]:
    return batch_from_json(text)


def labels(text: str, path: Path) -> Labels:
    path.write_text(text, "utf-8", newline="")
    return read_labels(path)


def pattern(text: str, path: Path) -> str:
    return check_pattern(text)


def program(text: str, path: Path) -> Transform:
    return Transform(*read_program(text))


def lines(text: str, path: Path) -> PromptText:
    read = read_lines(text, WildcardFiles([path.parent / "wildcards"]))
    read.count(4, 2)
    return read


def wildcards(text: str, path: Path) -> Choices:
    folder = path.parent / "written"
    folder.mkdir(exist_ok=True)
    (folder / path.name).write_text(text, "utf-8", newline="")
    files = WildcardFiles([folder, path.parent / "wildcards"])
    name = path.stem if path.suffix == ".txt" else f"{path.stem}/*"
    files.check(name)
    return files(name)


def metadata(text: str, path: Path) -> Metadata:
    header = text.encode(errors="replace")
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    return read_metadata(path)


def parameters(text: str, path: Path) -> ReadBack:
    return picture({"parameters": text})


def graph(text: str, path: Path) -> ReadBack:
    return picture({"prompt": text})


def picture(texts: dict[str, str]) -> ReadBack:
    if found := read_texts(texts):
        return found
    raise Told("This says no prompt.")


def use_layout(reading: Reading) -> None:
    assert len(reading.notes) <= 51 and all(note and len(note) < 400 for note in reading.notes)
    canvas = reading.canvas
    assert read_canvas(write(canvas)).canvas == canvas and digest(canvas)
    masks(canvas)
    for text in (write_program(canvas), json.dumps(to_boxes(canvas, *SIZE)), json.dumps(to_ideogram(canvas))):
        if canvas.locals:
            assert len(read_any(text, *SIZE).canvas.regions) == len(canvas.regions)


def use_plan(read: Plan) -> None:
    assert read.summary() and Plan.from_json(read.to_json()).to_json() == read.to_json()
    with contextlib.suppress(Told):
        drawn = draw(read.expand(CHECKPOINTS, LORAS), 7)
        assert Draw.from_dict(json.loads(json.dumps(drawn.to_dict(), allow_nan=False))) == drawn


def use_config(read: config.Config) -> None:
    assert read.url and read.latent("square")
    draw(read.plan, 7)


def use_items(items: list[Item]) -> None:
    for item in items:
        use_item(item)


def use_item(read: Item) -> None:
    assert read.stem and Item.from_json(read.to_json()) == read
    assert json.dumps(json.loads(read.to_json()), ensure_ascii=False, allow_nan=False).encode()
    assert len(stem_of(read, "variation", 0, lambda name: False)) < 250
    with contextlib.suppress(Told):
        Draw.from_dict(read.draw or {})
    with contextlib.suppress(Told):
        assert not isinstance(read.payload, Exploration) or read.payload.combination


def use_labels(read: Labels) -> None:
    assert sum(map(len, read.groups.values())) == len(read)
    assert all(name.encode() for name in read.names)


def use_pattern(read: str) -> None:
    names = path_by(read, dict.fromkeys(TOKENS, read))[0].split("/")
    assert len(names) == len(read.split("/"))
    assert all(inside(Path("s"), name) and 0 < len(name.encode()) <= LONGEST for name in names)


def use_program(read: Transform) -> None:
    assert len([*calls(read, 7)]) == len(read.pairs) * read.iterations
    assert read_program(write_transform(read))[0] == read.pairs


def use_lines(read: PromptText) -> None:
    assert len(read.notes(4)) <= 11
    for line in read.lines:
        for nodes in islice(line.texts(), 20):
            with contextlib.suppress(Told):
                said = line.choose(nodes, randoms_of(7), WildcardFiles([]))
                assert read_options(f"x {write_options(said.options)}").options == said.options


def use_wildcards(read: Choices) -> None:
    [number] = read.lot.draw(1, randoms_of(7))
    assert [*walk(read.entries[number])] or read.entries[number] == ()


def use_metadata(read: Metadata) -> None:
    assert json.loads(read.json).keys() == read.texts.keys()
    assert "".join([read.json, *read.tags(), *read.triggers]).encode()


def use_read_back(read: ReadBack) -> None:
    assert read.prompt.strip() and f"{read.prompt}{read.negative}{read.sampler}".encode()
    line = picture_line(1, "a.png [input]", read.prompt, read.negative)
    assert line.choose(line.nodes, randoms_of(7), WildcardFiles([])).options.seeds is None


READERS = {
    "answers": Reader(layout, use_layout),
    "canvas": Reader(layout, use_layout),
    "program": Reader(layout, use_layout),
    "boxes": Reader(boxes, use_layout),
    "ideogram": Reader(layout, use_layout),
    "roulette": Reader(plan, use_plan),
    "ini": Reader(configuration, use_config),
    "toml": Reader(configuration, use_config),
    "item": Reader(items, use_items),
    "tags": Reader(labels, use_labels),
    "pattern": Reader(pattern, use_pattern),
    "transform": Reader(program, use_program),
    "lines": Reader(lines, use_lines),
    "wildcards": Reader(wildcards, use_wildcards),
    "lora": Reader(metadata, use_metadata),
    "parameters": Reader(parameters, use_read_back),
    "graph": Reader(graph, use_read_back),
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "loras" / "people").mkdir(parents=True)
    (tmp_path / "loras" / "people" / "ada.safetensors").touch()
    (tmp_path / "wildcards" / "animals").mkdir(parents=True)
    (tmp_path / "wildcards" / "animals" / "cats.txt").write_text("tabby\n2::black {fat|thin}\n", "utf-8")
    return tmp_path


def accepted(reader: Reader, path: Path, text: str) -> bool:
    """Whether a text is read; anything but a value that is right or a sentence is raised."""
    try:
        value = reader.read(text, path)
    except Told as error:
        assert str(error).strip() and str(error).encode()
        return False
    reader.use(value)
    return True


@pytest.mark.parametrize("name", READERS)
def test_what_is_valid_is_read(place: Path, name: str):
    for seed in (CORPUS / name).iterdir():
        assert accepted(READERS[name], place / seed.name, seed.read_text("utf-8").replace("LORAS", f"{place}/loras")), (
            seed
        )


@pytest.mark.parametrize("name", READERS)
def test_what_is_almost_valid_is_read_or_refused_with_a_sentence(place: Path, name: str):
    files = sorted((CORPUS / name).iterdir())
    taken: list[bool] = []
    times: list[float] = []

    @settings(
        max_examples=INPUTS or FEW,
        deadline=None,
        database=None,
        derandomize=not INPUTS,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(almost([file.read_text("utf-8") for file in files]))
    def each(made: tuple[int, str]) -> None:
        number, text = made
        text = text.replace("LORAS", f"{place}/loras")

        def timed() -> float:
            begun = time.thread_time()
            taken.append(accepted(READERS[name], place / files[number].name, text))
            return time.thread_time() - begun

        took = timed()
        times.append(min(took, timed()) if took > SLOWEST else took)  # garbage may have been collected meanwhile
        assert times[-1] <= SLOWEST

    each()
    share = sum(taken) / len(taken)
    print(f"\n{name:10}{len(times):8,} inputs{share:8.1%} accepted, the longest {max(times) * 1000:4.0f} ms", end="")
    assert share >= (ACCEPTED if INPUTS else ACCEPTED / 2)  # so few may not be typical
