"""Names of model files as workflows have them."""

import pytest

from resonance.files.lookup import meant, nearest

LINUX = ["a.gguf", "sub/b.gguf", "sub\\c.gguf", "sub/c.gguf"]
WINDOWS = ["a.gguf", "sub\\b.gguf"]


@pytest.mark.parametrize(
    ("name", "names", "found"),
    [
        ("a.gguf", LINUX, "a.gguf"),
        ("sub\\b.gguf", LINUX, "sub/b.gguf"),
        ("sub/b.gguf", WINDOWS, "sub\\b.gguf"),
        ("sub\\c.gguf", LINUX, "sub\\c.gguf"),
        ("b.gguf", LINUX, None),
        ("..\\sub\\b.gguf", LINUX, None),
        ("", LINUX, None),
    ],
)
def test_a_name_with_the_slashes_of_another_system_finds_its_file(name: str, names: list[str], found: str | None):
    assert meant(name, names) == found


def test_what_is_nearest_is_offered():
    assert (
        nearest("qwen-vl-7b.gguf", ["gemma.gguf", "qwen/qwen-vl-8b.gguf"])
        == "Nearest: qwen/qwen-vl-8b.gguf, gemma.gguf."
    )
    assert nearest("xyz", ["gemma.gguf"]) == "Nearest: gemma.gguf."
    assert nearest("xyz", []) == "There are none at all."
