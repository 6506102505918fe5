"""What typings/ says of ComfyUI is so in its sources, which are read here and not imported."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from places import PACK

from .comfy import find_comfyui

TYPINGS = PACK / "typings"
STUBS = [path.relative_to(TYPINGS) for path in sorted(TYPINGS.rglob("*.pyi"))]


def source_of(stub: Path) -> str:
    comfyui = find_comfyui()
    assert comfyui
    module = stub.with_suffix("")
    # comfy_api.latest is a package, and has the files of which the stubs stand beside it.
    paths = module.with_suffix(".py"), module / "__init__.py", module.parent / "latest" / f"{module.name}.py"
    return next(comfyui / path for path in paths if (comfyui / path).is_file()).read_text(encoding="utf-8")


def functions(tree: ast.AST, name: str = "") -> Iterator[tuple[str, ast.arguments]]:
    """Functions by name; constructors by that of their class."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield name if node.name == "__init__" else node.name, node.args
        elif not isinstance(node, ast.expr):
            yield from functions(node, node.name if isinstance(node, ast.ClassDef) else name)


def takes(theirs: ast.arguments, ours: ast.arguments) -> bool:
    known, wanted = ({each.arg for each in (*a.args, *a.kwonlyargs)} for a in (theirs, ours))
    return wanted <= known or theirs.kwarg is not None


@pytest.mark.parametrize("stub", STUBS, ids=str)
def test_a_stub_says_what_comfyui_has(stub: Path) -> None:
    source = source_of(stub)
    tree = ast.parse((TYPINGS / stub).read_text(encoding="utf-8"))
    theirs = list(functions(ast.parse(source)))
    for name, ours in functions(tree):
        assert any(name == found and takes(arguments, ours) for found, arguments in theirs), name
    # Options of the command become attributes.
    words = set(re.findall(r"\w+", source.replace("--", "").replace("-", "_")))
    targets = [node.target for node in ast.walk(tree) if isinstance(node, ast.AnnAssign)]
    classes = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    named = classes | {target.id for target in targets if isinstance(target, ast.Name)}
    assert {name for name in named if not name.startswith("_")} <= words
