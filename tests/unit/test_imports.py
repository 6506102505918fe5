"""No module of the pack imports itself in a circle; that imports run downwards is a contract in pyproject.toml."""

from pathlib import Path

import contracts
import grimp
import pytest


def test_there_is_no_circle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(contracts.copy_pack(tmp_path).parent)
    graph = grimp.build_graph("pack", cache_dir=None)
    imports = {module: sorted(graph.find_modules_directly_imported_by(module)) for module in graph.modules}
    assert len(imports) > 100
    ended = set[str]()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " -> ".join((*way, module))
        if module not in ended:
            for following in imports[module]:
                visit(following, (*way, module))
            ended.add(module)

    for module in sorted(imports):
        visit(module, ())
