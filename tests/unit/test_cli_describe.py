"""`resonance describe`: what it writes, what it skips, and what a kill leaves."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_llm import FakeLLM
from PIL import Image
from places import PACK
from typer.testing import CliRunner, Result

from resonance.cli.app import app
from resonance.interpret.descriptions import CSV, JSONL, Description, Form, Lines
from resonance.llm import sending
from resonance.told import Told

COLORS = ("red", "green", "blue")


@pytest.fixture(scope="module")
def taggers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from models import tagger

    folder = tmp_path_factory.mktemp("models")
    tagger.build(folder)
    return folder / "taggers"


@pytest.fixture
def fake() -> Iterator[FakeLLM]:
    with FakeLLM() as fake:
        yield fake


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return pictures(tmp_path / "pictures", 3)


def pictures(folder: Path, count: int) -> Path:
    """``01.png`` red, ``02.png`` green, ``sub/03.png`` blue, and so on; every third below ``sub``."""
    for number in range(count):
        path = folder / ("sub" if number % 3 == 2 else "") / f"{number + 1:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 24), COLORS[number % 3]).save(path)
    return folder


def describe(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["describe", *map(str, arguments)])


def events(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def texts(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in sorted(folder.rglob("*.txt"))}


def rows(path: Path) -> list[dict[str, str]]:
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# What is written


@pytest.mark.parametrize("engine", ["torch", "onnx"])
def test_tags_go_into_text_files_beside_the_pictures(folder: Path, taggers: Path, engine: str):
    done = describe(folder, "--tagger", f"tiny-{engine}", "--taggers", taggers, "--batch", 2)
    assert done.exit_code == 0, done.output
    found = texts(folder)
    assert list(found) == ["01.txt", "02.txt", "sub/03.txt"]
    assert [text.split(",")[0].strip() for text in found.values()] == list(COLORS)
    assert "3 described, 0 skipped, 0 failed" in done.stderr


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_one_file_holds_tags_caption_and_both_composed(folder: Path, taggers: Path, fake: FakeLLM, form: str):
    asked = ["--tagger", taggers / "tiny-onnx", "--llm", f"{fake.url}/ok", "--seed", 7, "--to", form]
    words = ["--preamble", "oil painting", "--suffix", "sharp", "--order", "preamble, caption, tags, suffix"]
    done = describe(folder, *asked, *words)
    assert done.exit_code == 0, done.output
    found = rows(folder / f"metadata.{form}")
    assert [row["file_name"] for row in found] == ["01.png", "02.png", "sub/03.png"]
    assert [row["caption"] for row in found] == [f"a {color} picture, seed 7" for color in COLORS]
    assert found[0]["text"] == "oil painting, a red picture, seed 7, red, bright, sharp"
    assert found[0]["tags"] == "red, bright" and found[0]["rating"] == "sensitive"
    assert texts(folder) == {}


@pytest.mark.parametrize(
    ("options", "text"), [((), r"red \(16:9\)"), (("--caption-weights", "act"), "red (16:9)")], ids=["as text", "act"]
)
def test_parentheses_of_a_caption_weigh_nothing_unless_they_shall(
    folder: Path, fake: FakeLLM, options: tuple[str, ...], text: str
):
    fake.pieces = ["red (16", ":9)"]
    done = describe(folder, "--llm", f"{fake.url}/pieces", "--to", "jsonl", *options)
    assert done.exit_code == 0, done.output
    assert {(row["text"], row["caption"]) for row in rows(folder / "metadata.jsonl")} == {(text, "red (16:9)")}


def test_tags_are_chosen_as_tag_images_does(tmp_path: Path, taggers: Path):
    tmp_path.joinpath("in").mkdir()
    Image.new("RGB", (8, 8), "white").save(tmp_path / "in" / "a.png")

    def said(*options: object) -> str:
        done = describe(tmp_path / "in", "--tagger", taggers / "tiny-onnx", "--overwrite", *options)
        assert done.exit_code == 0, done.output
        return texts(tmp_path / "in")["a.txt"].strip()

    assert said() == r"snow queen \(tale\), bright, ^_^, paper \(material\)"
    assert said("--underscores", "--no-escape", "--separator", " | ").startswith("snow_queen_(tale) | bright")
    assert said("--tag-order", "best first", "--maximum", 2) == "bright, snow queen \\(tale\\)"
    assert said("--exclude", "Snow_Queen (tale), bright") == r"^_^, paper \(material\)"
    assert said("--banned", "BRIGHT") == r"snow queen \(tale\), ^_^, paper \(material\)"
    assert said("--categories", "rating") == "general"
    assert said("--general-threshold", 1) == r"snow queen \(tale\)"


def test_a_script_reads_events(folder: Path, fake: FakeLLM):
    done = describe(folder, "--llm", f"{fake.url}/ok", "--json")
    first, *each, last = events(done)
    assert first == {"event": "begin", "pictures": 3, "skipped": 0}
    assert [(e["event"], e["file_name"], e["text"]) for e in each[:1]] == [
        ("picture", "01.png", "a red picture, seed 0")
    ]
    assert last == {"event": "end", "described": 3, "skipped": 0, "failed": 0, "stopped": False}


# What is skipped, and what is wrong


@pytest.mark.parametrize("form", ["txt", "jsonl", "csv"])
def test_what_is_described_is_skipped_unless_it_shall_be_overwritten(folder: Path, fake: FakeLLM, form: str):
    def run(*options: object) -> list[str]:
        done = describe(folder, "--llm", f"{fake.url}/ok", "--to", form, "--json", *options)
        assert done.exit_code == 0, done.output
        return [event["file_name"] for event in events(done) if event["event"] == "picture"]

    assert len(run()) == 3 and run() == []
    Image.new("RGB", (8, 8), "red").save(folder / "04.png")
    assert run("--seed", 1) == ["04.png"]
    assert len(run("--seed", 2, "--overwrite")) == 4
    if form == "txt":
        assert all("seed 2" in text for text in texts(folder).values())
    else:
        found = rows(folder / f"metadata.{form}")
        assert sorted(row["file_name"] for row in found) == ["01.png", "02.png", "04.png", "sub/03.png"]
        assert all("seed 2" in row["text"] for row in found)


def test_a_broken_picture_is_told_and_left(folder: Path, taggers: Path):
    (folder / "00.png").write_bytes(b"no picture")
    (folder / ".hidden.png").write_bytes(b"no picture")
    done = describe(folder, "--tagger", taggers / "tiny-onnx", "--json", "--batch", 8)
    assert done.exit_code == 0
    assert [(e["event"], e.get("file_name")) for e in events(done)[1:3]] == [
        ("failed", "00.png"),
        ("picture", "01.png"),
    ]
    assert "00.png is not a picture that can be read" in done.stderr
    assert events(done)[-1]["failed"] == 1 and events(done)[-1]["described"] == 3


def test_a_picture_that_is_cut_off_is_described_with_a_note(folder: Path, taggers: Path):
    Image.effect_noise((64, 64), 80).save(folder / "00.bmp")
    (folder / "00.bmp").write_bytes((folder / "00.bmp").read_bytes()[:3000])
    done = describe(folder, "--tagger", taggers / "tiny-onnx", "--json", "--batch", 8)
    note, picture = events(done)[1:3]
    text = "00.bmp is damaged: its pixels are taken as far as they go, and the rest is grey or black."
    assert note == {"event": "note", "file_name": "00.bmp", "text": text}
    assert (picture["event"], picture["file_name"], events(done)[-1]["failed"]) == ("picture", "00.bmp", 0)
    assert done.stderr.count(text) == 1


def test_pictures_that_would_share_a_text_file_are_told_apart(folder: Path, fake: FakeLLM):
    Image.new("RGB", (8, 8), "blue").save(folder / "01.webp")
    done = describe(folder, "--llm", f"{fake.url}/ok")
    assert "01.webp would share its text file with 01.png" in done.stderr and "3 described" in done.stderr
    assert texts(folder)["01.txt"] == "a red picture, seed 0\n"


def test_a_model_that_fails_on_one_picture_is_asked_about_the_next(folder: Path, fake: FakeLLM):
    fake.script = [("", "content_filter")]
    done = describe(folder, "--llm", f"{fake.url}/ok", "--json")
    assert done.exit_code == 0
    assert [e["event"] for e in events(done)] == ["begin", "failed", "picture", "picture", "end"]


@pytest.mark.parametrize("picture", [0, 2])  # 0: while it is asked what it is
def test_a_server_that_loads_its_model_is_waited_for(
    folder: Path, fake: FakeLLM, monkeypatch: pytest.MonkeyPatch, picture: int
):
    monkeypatch.setattr(sending, "SOONEST", 0.1)

    def load() -> None:
        fake.loads_for = 0.2

    answering(fake, picture, load) if picture else load()
    done = describe(folder, "--llm", f"{fake.url}/ok", "--json")
    assert done.exit_code == 0, done.output
    waiting = [event["text"] for event in events(done) if event["event"] == "waiting"]
    assert waiting[0].startswith(f"{fake.url} answers 503 (Loading model). Asking again in")
    assert waiting[0] in done.stderr and events(done)[-1]["described"] == 3


def test_a_command_can_be_told_not_to_wait(folder: Path, fake: FakeLLM):
    fake.loads_until = time.monotonic() + 60
    done = describe(folder, "--llm", f"{fake.url}/ok", "--wait-seconds", 0)
    assert (
        done.exit_code == 1 and "answers 503 (Loading model): look at the server, or raise wait_seconds" in done.stderr
    )


def test_a_model_that_fails_on_every_picture_ends_the_command(tmp_path: Path, fake: FakeLLM):
    done = describe(pictures(tmp_path, 5), "--llm", f"{fake.url}/error500")
    assert done.exit_code == 1
    assert len(fake.bodies) == 3 and "Failed to create bitmap" in done.stderr


def test_nothing_is_sent_to_a_server_that_the_keys_file_does_not_list(folder: Path, tmp_path: Path):
    keys = tmp_path / "keys.json"
    done = describe(folder, "--llm", "http://192.0.2.1:8080", "--keys", keys)
    assert done.exit_code == 1
    assert "nothing is sent to it until you allow it" in done.stderr and str(keys) in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "--tagger for tags, --llm for captions"),
        (["--llm", "model.gguf"], "a server such as http://127.0.0.1:8080 or a GGUF file, got 'model.gguf'"),
        (["--llm", "LLAMACPP"], "takes no pictures: start the server with a model that sees pictures"),
        (["--llm", "x", "--order", "tags"], "Expected one of these as --order: preamble, tags, caption, suffix"),
        (["--llm", "x", "--out", "a.jsonl"], "--out is for jsonl and csv"),
        (["--tagger", "nobody", "--taggers", "TAGGERS"], "There is no tagger 'nobody' in"),
        (["--tagger", "joytag", "--taggers", "TAGGERS"], "lacks model.onnx, top_tags.txt"),
    ],
)
def test_what_cannot_be_done_is_told_before_anything_is_done(
    folder: Path, taggers: Path, fake: FakeLLM, options: list[str], said: str
):
    here = {"TAGGERS": str(taggers), "LLAMACPP": f"{fake.url}/llamacpp"}
    done = describe(folder, *(here.get(option, option) for option in options))
    assert done.exit_code == 1 and said in done.stderr, done.output
    assert texts(folder) == {} and fake.bodies == []


def test_an_empty_folder_is_told(tmp_path: Path):
    assert "There are no pictures in" in describe(tmp_path, "--llm", "http://127.0.0.1:9").stderr


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", "[1, 2, 3]"),
        ("a.jsonl", '{"caption": "no name"}\n'),
        ("a.csv", "file;text\n1;2\n"),
        ("a.csv", "no line end"),
    ],
)
def test_a_file_of_another_kind_is_left_as_it_is(folder: Path, tmp_path: Path, name: str, content: str):
    out = tmp_path / name
    out.write_text(content)
    done = describe(folder, "--llm", "http://127.0.0.1:9", "--to", out.suffix[1:], "--out", out)
    assert done.exit_code == 1 and "holds something else" in done.stderr
    assert out.read_text() == content


# Ctrl-C and kills


def answering(fake: FakeLLM, number: int, act: Callable[[], object]) -> None:
    """Does something while the server answers for the ``number``-th time."""

    class Seen(list[Any]):
        def append(self, entry: Any) -> None:
            super().append(entry)
            if entry[0] == "POST" and sum(method == "POST" for method, *_ in self) == number:
                act()

    fake.seen = Seen(fake.seen)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_finishes_the_picture_and_the_next_run_goes_on(tmp_path: Path, fake: FakeLLM, sent: int):
    folder, before = pictures(tmp_path, 6), signal.getsignal(sent)
    answering(fake, 2, lambda: os.kill(os.getpid(), sent))
    done = describe(folder, "--llm", f"{fake.url}/ok", "--json")
    assert done.exit_code == 130
    assert events(done)[-1] == {"event": "end", "described": 2, "skipped": 0, "failed": 0, "stopped": True}
    assert list(texts(folder)) == ["01.txt", "02.txt"]
    assert events(describe(folder, "--llm", f"{fake.url}/ok", "--json"))[-1]["described"] == 4
    assert len(texts(folder)) == 6
    assert signal.getsignal(sent) is before


def test_ctrl_c_twice_stops_at_once(folder: Path, fake: FakeLLM):
    def twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGINT)

    answering(fake, 1, twice)
    begun = time.monotonic()
    done = describe(folder, "--llm", f"{fake.url}/stall", "--json", "--timeout", 60)
    assert done.exit_code == 130 and time.monotonic() - begun < 10
    assert events(done)[-1] == {"event": "end", "described": 0, "skipped": 0, "failed": 0, "stopped": True}


def test_a_killed_run_is_gone_on_with_and_describes_every_picture_once(tmp_path: Path, fake: FakeLLM):
    fake.script, fake.pause = [("a picture that takes its time", "stop")] * 100, 0.1
    runs = {form: begin(pictures(tmp_path / form, 12), fake, form) for form in ("txt", "jsonl", "csv")}
    kept: dict[str, set[str]] = {}
    for form, process in runs.items():
        assert process.stdout
        # What begins, and two pictures: the next one is on.
        kept[form] = {json.loads(process.stdout.readline()).get("file_name", "") for _ in range(3)} - {""}
        process.kill()
        process.communicate()
    fake.script = []
    for form in runs:
        folder = tmp_path / form
        done = describe(folder, "--llm", f"{fake.url}/ok", "--to", form, "--json")
        assert done.exit_code == 0
        again = [event["file_name"] for event in events(done) if event["event"] == "picture"]
        assert 0 < len(again) <= 10 and not kept[form] & set(again)
        if form == "txt":
            assert len(texts(folder)) == 12 and all(text.endswith("\n") for text in texts(folder).values())
        else:
            names = [row["file_name"] for row in rows(folder / f"metadata.{form}")]
            assert len(names) == len(set(names)) == 12
        assert not list(folder.rglob("*.tmp"))


def begin(folder: Path, fake: FakeLLM, form: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "resonance.cli", "describe", str(folder), "--llm", f"{fake.url}/ok"]
    return subprocess.Popen([*command, "--to", form, "--json"], cwd=PACK, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("form", [JSONL(), CSV()], ids=["jsonl", "csv"])
def test_a_line_that_was_cut_off_anywhere_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Form):
    monkeypatch.setattr(os, "fsync", lambda file: None)  # a thousand of them take their time
    said = [
        Description("a.png", 'a "quoted" word, and\na second line', "x, y", 'a "quoted" word', "general"),
        Description("sub/b\udcff.png", "größer \u2028 als", 'ends with "quotes"', "", ""),
        Description("c.png", ""),
    ]
    path = tmp_path / "out"
    whole = form.head + b"".join(form.line(each) for each in said)
    for cut in range(len(form.head), len(whole) + 1):
        path.write_bytes(whole[:cut])
        kept = Lines(path, form)
        missing = [each for each in said if not kept.done(each.file_name)]
        assert len(missing) == sum(cut < len(form.head + b"".join(map(form.line, said[: n + 1]))) for n in range(3))
        for each in missing:
            kept.add(each)
        kept.finish()
        assert path.read_bytes() == whole


FORMULAS = ("=1+1", "+1", "-1", "@a", "\tx", "\rx", "'=1", "''@")
PLAIN = ("a boat", "a=1", "'tis", "", " =1", "1-2")


@pytest.mark.parametrize("text", [*FORMULAS, *PLAIN])
def test_a_spreadsheet_is_given_no_formula_where_that_is_asked_for(tmp_path: Path, text: str):
    form, path = CSV(quote_formulas=True), tmp_path / "out.csv"
    kept = Lines(path, form)
    said = Description(f"{text}.png", text, text, text, text)
    kept.add(said)
    kept.finish()
    [row] = rows(path)
    mark = "'" if text in FORMULAS else ""
    assert row == {name: f"{mark}{value}" for name, value in vars(said).items()}
    assert Lines(path, form).done(said.file_name)


def test_formulas_are_left_as_they_are_for_a_data_set(folder: Path, fake: FakeLLM):
    done = describe(folder, "--llm", f"{fake.url}/ok", "--preamble", "=1+1", "--to", "csv")
    assert done.exit_code == 0 and rows(folder / "metadata.csv")[0]["text"].startswith("=1+1")
    done = describe(
        folder, "--llm", f"{fake.url}/ok", "--preamble", "=1+1", "--to", "csv", "--overwrite", "--quote-formulas"
    )
    assert done.exit_code == 0 and rows(folder / "metadata.csv")[0]["text"].startswith("'=1+1")
    done = describe(folder, "--llm", f"{fake.url}/ok", "--quote-formulas")
    assert done.exit_code == 1 and "--quote-formulas is for csv" in done.stderr


@pytest.mark.parametrize("line", ["{}", "[" * 100_000], ids=["no picture", "nested"])
def test_a_line_that_no_description_has_is_named(tmp_path: Path, line: str):
    path = tmp_path / "out.jsonl"
    path.write_text(f"{line}\n")
    with pytest.raises(Told, match='line 1 is not like {"file_name"'):
        Lines(path, JSONL())


def test_describing_anew_keeps_the_old_until_the_new_is_there(tmp_path: Path):
    path = tmp_path / "out.jsonl"
    for text in ("old", "new"):
        kept = Lines(path, JSONL())
        for name in ("a.png", "b.png")[: 1 if text == "new" else 2]:
            kept.add(Description(name, text))
    # Killed before the end: nothing is lost, and the next start puts it in order.
    assert [row["text"] for row in rows(path)] == ["old", "old", "new"]
    Lines(path, JSONL())
    assert [(row["file_name"], row["text"]) for row in rows(path)] == [("a.png", "new"), ("b.png", "old")]


# What it costs to ask for help


def test_the_help_loads_nothing_heavy():
    script = (
        "import sys; from resonance.cli.app import app; from typer.testing import CliRunner\n"
        "assert 'describe' in CliRunner().invoke(app, ['--help']).output\n"
        "assert '--tagger' in CliRunner().invoke(app, ['describe', '--help']).output\n"
        "assert '--answer-form' in CliRunner().invoke(app, ['canvas', '--help']).output\n"
        "sys.exit({'torch', 'aiohttp', 'timm', 'onnxruntime', 'diffusers', 'ray'} & sys.modules.keys() or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=PACK, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
