"""Every language says what English says, and the browser part asks for no text that is not there."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from places import PACK

LOCALES = PACK / "locales"
ENGLISH = LOCALES / "en"
LANGUAGES = sorted(folder.name for folder in LOCALES.iterdir() if folder != ENGLISH)
NAMES = sorted(path.name for path in ENGLISH.iterdir())
FILES = [LOCALES / language / name for language in ["en", *LANGUAGES] for name in NAMES]
SCRIPTS = PACK / "js" / "src"
SOURCES = {str(path.relative_to(SCRIPTS)): path.read_text(encoding="utf-8") for path in sorted(SCRIPTS.rglob("*.ts"))}


def file_id(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def texts(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Dotted key and text of every text."""
    if isinstance(value, str):
        yield prefix[:-1], value
    else:
        for key, part in value.items():
            yield from texts(part, f"{prefix}{key}.")


def placeholders(text: str) -> list[str]:
    return sorted(set(re.findall(r"\{\w+\}", text)))


OURS = dict(texts(read(ENGLISH / "main.json")["resonance"]))
SECTIONS = "|".join(read(ENGLISH / "main.json")["resonance"])


def asked_for(source: str) -> set[str]:
    """Patterns of the keys in a source: what ``t`` is called with, and what else looks like a key of ours."""
    quoted = re.findall(rf"""\bt\(\s*'([^']*)'|['"](?:resonance\.)?((?:{SECTIONS})\.[\w.]+)['"]""", source)
    built = re.findall(rf"`((?:{SECTIONS})\.[^`]*\$[^`]*)`", source)
    keys = {re.escape(called or other) for called, other in quoted}
    return keys | {r"\w+".join(map(re.escape, re.split(r"\$\{[^}]*\}", key))) for key in built}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_the_files_of_english(language: str) -> None:
    assert sorted(path.name for path in (LOCALES / language).iterdir()) == NAMES


@pytest.mark.parametrize("path", FILES, ids=file_id)
def test_files_are_written_in_one_form(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == json.dumps(read(path), indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("path", FILES, ids=file_id)
def test_every_text_of_english_is_there_with_its_placeholders(path: Path) -> None:
    english, ours = (dict(texts(read(folder / path.name))) for folder in (ENGLISH, path.parent))
    assert ours.keys() == english.keys()
    assert [key for key, text in ours.items() if not text.strip()] == []
    assert {key: placeholders(text) for key, text in ours.items()} == {
        key: placeholders(text) for key, text in english.items()
    }


@pytest.mark.parametrize("path", [p for p in FILES if p.name != "main.json"], ids=file_id)
def test_labels_that_comfyui_shows_hold_no_signs_that_it_reads_as_syntax(path: Path) -> None:
    shown = {key: text for key, text in texts(read(path)) if not key.endswith(".tooltip")}
    assert {key: text for key, text in shown.items() if re.search(r"[|@{}]", text)} == {}


@pytest.mark.parametrize(
    ("source", "keys"),
    [
        ("t('new.key')", {r"new\.key"}),
        ("t(on ? 'gallery.small' : 'gallery.large')", {r"gallery\.small", r"gallery\.large"}),
        ("title: 'resonance.gallery.title'", {r"gallery\.title"}),
        ("t(`background.no_${kind}`)", {r"background\.no_\w+"}),
        ("text('name'); import('./gallery'); names.split('.')", set()),
    ],
)
def test_the_scan_finds_keys_in_every_way_they_are_written(source: str, keys: set[str]) -> None:
    assert asked_for(source) == keys


@pytest.mark.parametrize("name", SOURCES)
def test_the_browser_part_asks_only_for_texts_that_are_there(name: str) -> None:
    missing = [key for key in asked_for(SOURCES[name]) if not any(re.fullmatch(key, ours) for ours in OURS)]
    assert missing == []


def test_the_browser_part_asks_for_every_text() -> None:
    asked = re.compile("|".join(set().union(*map(asked_for, SOURCES.values()))))
    assert [key for key in OURS if not asked.fullmatch(key)] == []
