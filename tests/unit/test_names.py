"""One noun, one meaning: names that stood for several things stand for one."""

import ast
from collections import Counter

from places import PACK

ONE_CLASS = {"Engine", "Kept", "Plan", "Run", "Server", "Words"}
ONE_FUNCTION = {"read"}


def top_level() -> Counter[tuple[str, bool]]:
    """How often each name is that of a class (True) or function at the top level of a module."""
    found = Counter[tuple[str, bool]]()
    for folder in ("nodes", "resonance"):
        for path in (PACK / folder).rglob("*.py"):
            for node in ast.parse(path.read_text("utf-8")).body:
                if isinstance(node, ast.ClassDef):
                    found[node.name, True] += 1
                elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    found[node.name, False] += 1
    return found


def test_each_of_these_names_has_one_meaning() -> None:
    found = top_level()
    assert {name: found[name, True] for name in ONE_CLASS} == dict.fromkeys(ONE_CLASS, 1)
    assert {name: found[name, False] for name in ONE_FUNCTION} == dict.fromkeys(ONE_FUNCTION, 1)
