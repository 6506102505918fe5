"""A workflow that is saved and opened again has every value, whichever option of a dynamic combo is chosen."""

from typing import Any

from .desk import Desk

SET_ALL = """async ([kind, choices]) => {
    app.graph.clear()
    const made = LiteGraph.createNode(kind)
    app.graph.add(made)
    for (const [name, value] of choices) {
        const widget = made.widgets.find(w => w.name === name)
        widget.value = value
        widget.callback?.(value)
    }
    await new Promise(done => setTimeout(done))
    for (const widget of made.widgets ?? []) {
        if (widget.serialize === false || choices.some(([name]) => name === widget.name)) continue
        const values = widget.options?.values
        if (Array.isArray(values)) widget.value = values.at(-1)
        else if (widget.type === 'number') widget.value = Math.min(widget.options.max ?? 7, (widget.options.min ?? 0) + 3)
        else if (widget.type === 'toggle') widget.value = !widget.value
        else if (typeof widget.value === 'string') widget.value = `text of ${widget.name}`
    }
    const values = () => Object.fromEntries(
        (app.graph.nodes[0].widgets ?? []).filter(w => w.serialize !== false).map(w => [w.name, w.value]))
    const before = values()
    await app.loadGraphData(structuredClone(app.graph.serialize()))
    await new Promise(done => setTimeout(done, 30))
    return [before, values()]
}"""

COMBO, GROWING = "COMBO", "COMFY_DYNAMICCOMBO_V3"


def choices(info: dict[str, Any], prefix: str = "") -> list[list[list[str]]]:
    """One entry for each option of each dynamic combo: what to set, in order."""
    found: list[list[list[str]]] = [[]]
    inputs = {**info.get("required", {}), **info.get("optional", {})}
    for name, (kind, *rest) in inputs.items():
        if kind == GROWING:
            deeper = [
                [[f"{prefix}{name}", option["key"]], *further]
                for option in rest[0]["options"]
                for further in choices(option["inputs"], f"{prefix}{name}.")
            ]
            found = [[*before, *chosen] for before in found for chosen in deeper]
    return found


def test_every_value_of_every_node_survives_saving(desk: Desk) -> None:
    nodes = {id_: info for id_, info in desk.comfy.get("/object_info").items() if id_.startswith("Resonance")}
    changed = {}
    for id_, info in nodes.items():
        for chosen in choices(info["input"]):
            before, after = desk.page.evaluate(SET_ALL, [id_, chosen])
            if before != after:
                changed[id_, str(chosen)] = (before, after)
    assert changed == {}
