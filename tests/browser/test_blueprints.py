"""The subgraph blueprints: found in the node library, put onto the graph with a pointer, and run."""

import json
from typing import Any

import pytest
from examples.blueprints import BLUEPRINTS
from host.comfy import node
from host.regional import HALVES
from playwright.sync_api import expect

from resonance.canvas.listing import write

from .desk import Desk

pytestmark = pytest.mark.leaves_traces

SMALL = {
    "checkpoint": "tiny_sd15.safetensors",
    "width": 64,
    "height": 64,
    "steps": 2,
    "your words": "red",
    "negative": "",
}

CONNECT = """([values, canvas]) => {
    const graph = app.rootGraph, [node] = graph.nodes
    const widgets = new Map((node.widgets ?? []).map(widget => [widget.name, widget]))
    for (const [name, value] of Object.entries(values)) if (widgets.has(name)) widgets.get(name).value = value
    const join = (type, wanted, set) => {
        const from = LiteGraph.createNode(type)
        graph.add(from)
        for (const [name, value] of Object.entries(set)) from.widgets.find(w => w.name === name).value = value
        from.connect(0, node, node.inputs.findIndex(input => input.name === wanted))
    }
    const has = name => node.inputs.some(input => input.name === name)
    if (has('images')) join('EmptyImage', 'images', { width: 64, height: 64, color: 0xff0000 })
    if (has('canvas')) join('ResonanceCanvas', 'canvas', { canvas_text: canvas })
    node.outputs.forEach((output, place) => {
        const to = LiteGraph.createNode('ProbeValue')
        graph.add(to)
        node.connect(place, to, 0)
    })
    return { title: node.title, inputs: node.inputs.map(input => input.name) }
}"""
"""Sets what has these names on the only node, connects a red picture and a layout where they belong, and looks at its outputs."""

SAYS: dict[str, list[Any]] = {
    "Tag a picture": [["red"]],
    "Caption a picture": [["red picture"]],
    "Words to picture": [[{"shape": [1, 64, 64, 3], "mean": [1, 0, 0]}], ["red"]],
    "Regions to picture": [[{"shape": [1, 64, 64, 3], "mean": [0.5, 0, 0.5]}]],
}
"""What comes out, in order."""


@pytest.mark.one_page
@pytest.mark.parametrize(
    "name",
    ["Words to picture", *(pytest.param(each, marks=pytest.mark.long) for each in SAYS if each != "Words to picture")],
)
def test_a_blueprint_comes_from_the_node_library_and_runs(desk: Desk, name: str) -> None:
    page, blueprint = desk.page, BLUEPRINTS[name]
    page.keyboard.press("n")
    library = page.locator(".side-bar-panel")
    library.locator("input").first.fill(name)
    expect(library.get_by_text("Resonance", exact=True)).to_be_visible()
    library.get_by_text(name, exact=True).click()
    page.mouse.move(700, 200)
    page.mouse.click(700, 200)
    page.wait_for_function("() => app.rootGraph.nodes.some(node => node.isSubgraphNode?.() && !node.flags.ghost)")
    made = desk.page.evaluate(CONNECT, [SMALL, write(HALVES)])
    assert made["title"] == name
    assert made["inputs"] == [label for _, _, label in blueprint.inputs]
    prompt = desk.prompt()
    for part in prompt.values():
        if part["class_type"] == "CLIPLoader":  # ComfyUI's own takes no encoder as small as this one
            part |= node("SmallCLIP", name="tiny-qwen3vl.safetensors")
    outputs = desk.comfy.run(prompt)
    probes = [id_ for id_, part in prompt.items() if part["class_type"] == "ProbeValue"]
    assert [json.loads(outputs[id_]["value"][0]) for id_ in probes] == SAYS[name]
