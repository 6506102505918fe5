"""No module of the library imports itself in a circle; that imports run downwards is a contract in pyproject.toml."""

import grimp


def test_there_is_no_circle() -> None:
    graph = grimp.build_graph("resonance", cache_dir=None)
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
