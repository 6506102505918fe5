"""The commands as a whole: short bodies, options that are written once, help with examples."""

import ast
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from places import PACK
from typer.testing import CliRunner

from resonance.cli.app import app
from resonance.gen_img import options as gen_img

from .cli_options import COMMANDS, options

SOURCES = {path.name: ast.parse(path.read_text("utf-8")) for path in (PACK / "resonance" / "cli").glob("*.py")}
LONGEST = 60
OWN = {"--out", "--to", "--size", "--seed", "--system", "--max-tokens", "--server", "--workflow"}
"""Options whose text belongs to the command."""


def body(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines without the signature and the docstring."""
    first = function.body[1 if ast.get_docstring(function) and len(function.body) > 1 else 0]
    return (function.end_lineno or 0) - first.lineno + 1


def test_the_command_is_found_in_the_folder_above_a_checkout_named_as_it_is(tmp_path: Path):
    (tmp_path / "resonance").symlink_to(PACK)
    call = [sys.executable, "-m", "resonance.cli", "report", "--help"]
    ran = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True)
    assert "resonance report" in ran.stdout, ran.stderr


def test_no_function_is_long():
    functions = [
        (name, each)
        for name, tree in SOURCES.items()
        for each in ast.walk(tree)
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert len(functions) > 50
    assert [(name, each.name) for name, each in functions if body(each) > LONGEST] == []


def test_an_option_is_written_once():
    texts = defaultdict[str, set[str]](set)
    for command in COMMANDS:
        for option in options(command):
            for name in option.names:
                texts[name].add(option.info.help or "")
    assert {name for name, said in texts.items() if len(said) > 1} <= OWN
    written = [
        each.value
        for tree in SOURCES.values()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "Option"
        for each in call.args
        if isinstance(each, ast.Constant)
    ]
    assert {name for name in written if written.count(name) > 1} <= OWN


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_has_an_example_that_the_command_understands(name: str):
    text = COMMANDS[name].callback.__doc__ or ""
    examples = re.findall(rf"^\s*resonance {name} (.*)$", text, re.MULTILINE)
    assert 1 <= len(examples) <= 2
    known = {option for each in options(name) for option in each.names}
    if name == "paint":
        known |= {f"--{option}" for option in gen_img.OPTIONS}
    for example in examples:
        assert {word for word in re.findall(r"--[\w.-]+", example) if "." not in word} <= known
    done = CliRunner().invoke(app, [name, "--help"])
    assert done.exit_code == 0 and f"resonance {name}" in done.output


def test_one_name_means_one_thing():
    assert having("--llm") == having("--llm-model") == ["rounds", "describe", "canvas"]
    assert having("--model") == ["rounds", "explore", "vary"]


def having(option: str) -> list[str]:
    return [name for name in COMMANDS if any(option in each.names for each in options(name))]
