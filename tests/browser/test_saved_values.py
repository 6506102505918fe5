"""A workflow that is saved and opened again has every value, whichever option of a dynamic combo is chosen."""

from typing import Any

import pytest

from .desk import Desk

SAVE_AND_OPEN = """async cases => {
    const settle = () => new Promise(done => setTimeout(done, 5))
    const saved = id => (app.graph.getNodeById(id).widgets ?? []).filter(widget => widget.serialize !== false)
    const values = id => Object.fromEntries(saved(id).map(({ name, value }) => [name, value]))
    const other = ({ type, value, name, options }) => {
        if (Array.isArray(options?.values)) return options.values.at(-1)
        if (type === 'number') return Math.min(options.max ?? 7, (options.min ?? 0) + 3)
        if (type === 'toggle') return !value
        return typeof value === 'string' ? `text of ${name}` : value
    }
    app.graph.clear()
    app.graph.state.lastNodeId = 1000  // a page remembers values by the numbers of nodes, beyond the graph
    const ids = cases.map(([kind, choices]) => {
        const { id } = app.graph.add(LiteGraph.createNode(kind))
        for (const [name, value] of choices) {
            const widget = saved(id).find(widget => widget.name === name)
            widget.value = value
            widget.callback?.(value)
        }
        return id
    })
    await settle()
    for (const [i, [, choices]] of cases.entries()) {
        const chosen = new Set(choices.map(([name]) => name))
        for (const widget of saved(ids[i])) if (!chosen.has(widget.name)) widget.value = other(widget)
    }
    const before = ids.map(values)
    await app.loadGraphData(structuredClone(app.graph.serialize()))
    await settle()
    const after = ids.map(values)
    const lost = (_, i) => JSON.stringify(before[i]) !== JSON.stringify(after[i])
    return cases.map((which, i) => [...which, before[i], after[i]]).filter(lost)
}"""


def choices(info: dict[str, Any], prefix: str = "") -> list[list[list[str]]]:
    """For each way to choose from a node's dynamic combos: what to set, in order."""
    found: list[list[list[str]]] = [[]]
    for name, (kind, *rest) in {**info.get("required", {}), **info.get("optional", {})}.items():
        if kind == "COMFY_DYNAMICCOMBO_V3":
            deeper = [
                [[f"{prefix}{name}", option["key"]], *further]
                for option in rest[0]["options"]
                for further in choices(option["inputs"], f"{prefix}{name}.")
            ]
            found = [[*before, *chosen] for before in found for chosen in deeper]
    return found


@pytest.mark.parametrize("renderer", ["classic"], indirect=True)  # how values are saved does not depend on it
def test_every_value_of_every_node_survives_saving(desk: Desk) -> None:
    nodes = {id_: info["input"] for id_, info in desk.comfy.get("/object_info").items() if id_.startswith("Resonance")}
    cases = [[id_, chosen] for id_, info in nodes.items() for chosen in choices(info)]
    assert len(cases) > len(nodes) > 20
    assert desk.page.evaluate(SAVE_AND_OPEN, cases) == []
