"""Prompt lines as a node is set to them: read when somebody presses Run, from a box or a file, and in which passes they are painted."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from resonance.files import store, texts
from resonance.paint.passes import Passes, passes
from resonance.paint.shots import Widgets
from resonance.paint.wildcards import WildcardFiles
from resonance.session.fill.asked_lines import LARGEST_TEXT, AskedLines, read_box
from resonance.session.ledger import Ledger
from resonance.session.payloads import PromptLine
from resonance.told import Told

WIDGETS = Widgets(width=64, height=64, steps=20, scale=7.0)


@pytest.fixture
def ledger(tmp_path: Path) -> Any:
    (tmp_path / "output").mkdir()
    ledger = Ledger(tmp_path / "output" / "s", 5, "p", "lines")
    yield ledger
    ledger.close()


def asked(base: Path, text: str = "", file: str = "", notes: list[str] | None = None, **more: Any) -> AskedLines:
    return AskedLines(
        text=text,
        file=file,
        folder=base / "output" / "s",
        widgets=WIDGETS,
        roots={"input": base / "input"},
        text_roots={"input": base / "input", "lines": base / "lines"},
        wildcard_roots=[base / "wildcards"],
        note=(notes if notes is not None else []).append,
        **more,
    )


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def prompts(ledger: Ledger) -> list[str]:
    payloads = ledger.payloads(1).values()
    return [payload.prompt for payload in payloads if isinstance(payload, PromptLine)]


def test_options_that_nothing_takes_are_told(ledger: Ledger, tmp_path: Path):
    def said(nodes: list[str]) -> list[str]:
        notes = list[str]()
        asked(
            tmp_path, "a --am 0.5 --n b --w 64\nc --ow 512 --oh 512 --nl 2 --glt 700", notes=notes, nodes=nodes
        ).first("s", 1)
        return notes

    assert said([]) == [
        "--am does nothing here: connect item to LoRA Stack.",
        "--ow, --oh do nothing here: connect item to Encode Line.",
        "--nl does nothing here: connect item to Negative Scale.",
        "--glt does nothing here: connect item to Gradual Latent.",
    ]
    assert said(["LoRA Stack", "Encode Line", "Negative Scale"]) == [
        "--glt does nothing here: connect item to Gradual Latent."
    ]


def test_what_diffusers_cannot_do_is_told_or_refused_before_there_is_a_session(tmp_path: Path):
    for folder in ("p", "m", "g"):
        store.write(tmp_path / "input" / folder, [("1.png", store.encode_png(Image.new("RGB", (4, 4)), {}))])
    notes = list[str]()
    text = "a (b:1.2) BREAK c --am 0.5 --n d --w 64\ne --ow 512 --dsd1 3 --nl 2 --t 0.5\n{f --c g|h}"
    asked(tmp_path, text, notes=notes, nodes=None, pictures="p", masks="m", guides="g").first("s", 1)
    assert notes == [
        "--am does nothing without ComfyUI.",
        "--ow does nothing without ComfyUI.",
        "--nl does nothing without ComfyUI.",
        "--dsd1 does nothing without ComfyUI.",
        "Guide pictures do nothing without ComfyUI.",
    ]
    notes.clear()
    asked(tmp_path, "a --n b AND c", notes=notes, nodes=None).first("s", 1)
    assert notes == [], "a negative prompt is one all the same"
    with pytest.raises(Told, match="Masks say where a start picture may change, and there is none"):
        asked(tmp_path, "a", nodes=None, masks="m").first("s", 1)
    refused = (
        "Line 2, column 4: AND stands between the prompts of several regions, and only ComfyUI paints them. If it is a word of the"
        " prompt, write it in small letters.\nLine 3, column 6: AND stands"
    )
    with pytest.raises(Told, match=refused):
        asked(tmp_path, "a\n b AND c --n d\n{e f AND g|h}", nodes=None).first("s", 1)


def test_only_a_run_that_begins_reads_the_lines(ledger: Ledger, tmp_path: Path):
    with ledger.transaction():
        assert asked(tmp_path, "a\nb").begin(ledger) == (2, 0)
    going_on = asked(tmp_path, "{ cannot be read", pictures="nowhere")
    assert going_on.open_round(ledger) == 1
    item = ledger.next(1)
    assert item and going_on.locate(item) is None
    with pytest.raises(Told, match="There is no folder 'nowhere'"):
        going_on.begin(ledger)
    with pytest.raises(Told, match=r"Line 1, column 1: this \{ is not closed"):
        asked(tmp_path, "{ cannot be read").first("s", 5)


def test_a_file_goes_before_the_box_and_the_session_keeps_a_copy(ledger: Ledger, tmp_path: Path):
    put(tmp_path / "lines" / "night.txt", "\ufeffa\r\nb")
    asked(tmp_path, "box", "night.txt").begin(ledger)
    assert prompts(ledger) == ["a", "b"]
    copy = tmp_path / "output" / "s" / "lines" / "night.txt"
    before = copy.stat().st_mtime_ns
    put(tmp_path / "input" / "night.txt", "c")
    asked(tmp_path, "box", "night.txt [lines]").begin(ledger)
    assert copy.stat().st_mtime_ns == before, "what is the same is not written again"
    asked(tmp_path, "box", "night.txt").begin(ledger)
    assert prompts(ledger) == ["c"] and copy.read_text() == "c", "the input folder is looked into first"


def test_where_the_file_is_gone_the_copy_is_read(ledger: Ledger, tmp_path: Path):
    file = put(tmp_path / "input" / "sub" / "night.txt", "a")
    asked(tmp_path, file="sub/night.txt").begin(ledger)
    file.unlink()
    notes = list[str]()
    asked(tmp_path, file="sub/night.txt", per_line=2, notes=notes).begin(ledger)
    assert prompts(ledger) == ["a", "a"]
    assert notes == ["sub/night.txt is gone: the session goes on with its own copy."]
    with pytest.raises(Told, match=r"There is no file 'other.txt'. Searched: .*input, .*lines\.$"):
        asked(tmp_path, file="other.txt").first("s", 5)


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"a\nb\xff", r"night.txt is not UTF-8 \(line 2\)"), (b"a" * 2_000_000, "night.txt has more than 1 MB. Split it")],
)
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, data: bytes, says: str):
    path = tmp_path / "night.txt"
    path.write_bytes(data)
    with pytest.raises(Told, match=says):
        texts.read_text(path, 1 << 20)


@pytest.mark.parametrize("name", ["../night.txt", "night.txt [output]", "/etc/passwd"])
def test_a_file_outside_is_refused(tmp_path: Path, name: str):
    put(tmp_path / "night.txt", "a")
    with pytest.raises(Told, match="is not a path below|there is no root"):
        texts.find(name, {"input": tmp_path / "input", "lines": tmp_path / "lines"})


def test_a_text_that_is_too_large_for_a_workflow_is_to_be_a_file():
    text = "a" * LARGEST_TEXT
    assert read_box(text, WildcardFiles([])).lines[0].text == text
    with pytest.raises(Told, match="The lines have 65 kB, and 64 kB fit into a workflow"):
        read_box(text + "a" * 1024, WildcardFiles([]))


def test_what_may_be_unexpected_is_said_once_for_each_time_the_lines_are_read(ledger: Ledger, tmp_path: Path):
    notes = list[str]()
    fill = asked(tmp_path, "a --w 70\nb --d 1,2", notes=notes, remark="alone")
    fill.first("s", 5)
    fill.begin(ledger)
    assert notes == [
        "alone",
        "Line 1, column 7: --w 70 is read as 64.",
        "Line 2: --d gives 2 seeds, but the line makes only 1 picture.",
    ]


@pytest.mark.parametrize(
    ("steps", "strength", "starts", "highres", "found"),
    [
        (20, None, False, 0.0, Passes((512, 768), 20, 20, 1.0, 1.0)),
        (20, 0.5, False, 0.0, Passes((512, 768), 20, 20, 1.0, 1.0)),
        (20, 0.5, True, 0.0, Passes((512, 768), 10, 10, 0.5, 0.5)),
        (100, 0.29, True, 0.0, Passes((512, 768), 29, 29, 0.29, 0.29)),
        (3, 0.1, True, 0.0, Passes((512, 768), 1, 1, 0.1, 0.1)),
        (20, 0.5, False, 0.5, Passes((256, 384), 20, 10, 0.5, 1.0)),
        (20, 0.5, True, 0.3, Passes((128, 224), 10, 10, 0.5, 0.5)),
        (20, None, False, 0.01, Passes((32, 32), 20, 20, 1.0, 1.0)),
    ],
)
def test_the_passes_of_a_picture(steps: int, strength: float | None, starts: bool, highres: float, found: Passes):
    assert passes((512, 768), steps, strength, starts, highres) == found


def test_the_first_pass_may_have_steps_and_a_strength_of_its_own():
    size, half = (512, 768), (256, 384)
    assert passes(size, 48, 0.5, False, 0.5, 28, 0.25) == Passes(half, 28, 24, 0.5, 1.0)
    assert passes(size, 48, 0.5, True, 0.5, 28, 0.25) == Passes(half, 7, 24, 0.5, 0.25)
    assert passes(size, 48, 0.5, True, 0.5, 28) == Passes(half, 14, 24, 0.5, 0.5)
    assert passes(size, 48, 0.5, True, 0.0, 28, 0.25) == Passes(size, 24, 24, 0.5, 0.5), "there is one pass"
