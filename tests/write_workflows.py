"""Writes example workflows and subgraph blueprints: `python tests/write_workflows.py [name ...]`, without names all of them.
`write_cards.py` draws the pictures of the workflows.

The graphs of `examples/` are given in API form and are loaded, laid out and saved by the real front end in Chromium, so
that order and form of the widgets are its own. Needs chromium and the package playwright.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

from examples import EXAMPLES
from examples.blueprints import BLUEPRINTS
from examples.reference import MODELS
from host.comfy import Comfy
from places import PACK, find_comfyui
from playwright.sync_api import Browser, Page, sync_playwright
from write_samples import SMALL

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
VIEW = {"width": 1440, "height": 900}
WIDTH, HEIGHT = 1770, 1095
"""Of a whole graph: the front end's Fit View, which fills three quarters of `VIEW`, then zooms to 0.6 or more."""
SIDE, GAP, TITLE, WIDEST = 26, 26, 30, 400
"""Between two columns; between two nodes of one; height of a title; width of a column."""
ROOM = {
    **dict.fromkeys(("PreviewImage", "SaveImage", "SaveVideo", "ResonanceRoundOutput", "LoadImage"), 340),
    "PreviewAny": 240,
    "ResonanceContactSheet": 240,
}
"""Least heights of nodes that show a picture or a text once they have run."""
SAYS = {
    "ResonanceLoadTagger": 50,
    "ResonanceTagImages": 90,
    "ResonanceCaptionImages": 90,
    "ResonanceComposePrompt": 90,
    "ResonanceRoundInput": 50,
}
"""Room below nodes that grow when they say something."""
SETTINGS = {
    "Comfy.TutorialCompleted": True,
    "Comfy.Graph.CanvasInfo": False,
    "Comfy.Minimap.Visible": False,
}

FILL = """async ([api, name, note, columns, least, heights, inner]) => {
    await app.loadApiJson(api, name)
    const graph = app.rootGraph, named = {}
    if (note) {
        const added = named.note = LiteGraph.createNode('MarkdownNote')
        added.title = 'Read me'
        added.color = added.bgcolor = '#222'
        graph.add(added)
        added.widgets[0].value = note
    }
    if (inner) {
        const parts = inner.parts.map(id => graph.getNodeById(Number(id)))
        for (const part of parts.filter(part => part.type === 'PrimitiveFloat'))
            Object.assign(part.properties, { min: 0, max: 1, step: 0.05, precision: 2, display: 'slider' })
        const { subgraph, node } = graph.convertToSubgraph(new Set(parts))
        node.title = subgraph.name = inner.name
        const sized = subgraph.nodes.find(part => part.type === 'ResonanceLatentForImage')
        for (const part of subgraph.nodes) // room for its own sizes
            if (part.pos[0] === sized?.pos[0] && part.pos[1] > sized.pos[1]) part.pos[1] += 160
        for (const [type, widget, label] of inner.shown) {
            const part = subgraph.nodes.find(part => part.type === type)
            const slot = part.inputs.find(input => input.widget?.name === widget)
            subgraph.addInput(label, String(slot.type)).connect(slot, part)
        }
        named.inner = node
    }
    const context = document.createElement('canvas').getContext('2d')
    context.font = `${LiteGraph.NODE_SUBTEXT_SIZE}px ${LiteGraph.NODE_FONT}`
    const long = text => context.measureText(text ?? '').width
    const wide = w => long(w.label ?? w.name) + (w.type === 'combo' ? long(w.value) : 0) + 70
    for (const column of columns) {
        const nodes = column.map(id => named[id] ?? graph.getNodeById(Number(id)))
        const width = Math.max(least, ...nodes.flatMap(node => [node.computeSize()[0], ...(node.widgets ?? []).map(wide)]))
        for (const node of nodes)
            node.size = [width, Math.max(node.computeSize()[1], heights[node.type] ?? 0, heights[node.id] ?? 0)]
    }
    graph.setDirtyCanvas(true, true)
    return Object.fromEntries(Object.entries(named).map(([name, node]) => [name, Number(node.id)]))
}"""
"""Loads a graph with its note and its subgraph, if it has them, each node as wide as its column, which is so wide that classic cuts
no widget's name. Returns the ids of these two."""

HEIGHTS = """() => Object.fromEntries(app.rootGraph.nodes.map(
    node => [node.id, document.querySelector(`[data-node-id="${node.id}"]`).offsetHeight]))"""
"""Of the nodes in Nodes 2.0, titles included: there they are higher than in classic."""

PLACE = """([columns, heights, side, says, gap, title, collapsed]) => {
    const graph = app.rootGraph
    let x = 0
    for (const column of columns) {
        const nodes = column.map(id => graph.getNodeById(id))
        let y = 0
        for (const node of nodes) {
            node.size[1] = heights[node.id] - title
            node.pos = [x, y + title]
            node.flags.collapsed = collapsed.includes(Number(node.id)) || undefined
            y += (node.flags.collapsed ? title : heights[node.id] + (says[node.type] ?? 0)) + gap
        }
        x += nodes[0].size[0] + side
    }
    graph.setDirtyCanvas(true, true)
    return JSON.stringify(graph.serialize())
}"""


BLUEPRINT = """([name, inputs, outputs]) => {
    const graph = app.rootGraph, { subgraph, node } = graph.convertToSubgraph(new Set(graph.nodes))
    node.title = subgraph.name = name
    const part = type => subgraph.nodes.find(part => part.type === type)
    for (const input of [...subgraph.inputs]) subgraph.removeInput(input)  // a seed becomes one of itself
    for (const [type, name, label] of inputs) {
        const slot = part(type).inputs.find(input => input.name === name)
        subgraph.addInput(label, String(slot.type)).connect(slot, part(type))
    }
    for (const [type, name, label] of outputs) {
        const slot = part(type).outputs.find(output => output.name === name)
        subgraph.addOutput(label, String(slot.type)).connect(slot, part(type))
    }
    const left = Math.min(...subgraph.nodes.map(part => part.pos[0]))
    const right = Math.max(...subgraph.nodes.map(part => part.pos[0] + part.size[0]))
    subgraph.inputNode.arrange()
    subgraph.outputNode.arrange()
    subgraph.inputNode.pos = [left - subgraph.inputNode.size[0] - 60, 0]
    subgraph.outputNode.pos = [right + 60, 0]
    node.pos = [0, 0]
    node.size = [Math.max(300, node.computeSize()[0]), node.computeSize()[1]]
    return JSON.stringify(graph.serialize())
}"""
"""Makes one node of all that are there, with the inputs and outputs that it shall have."""


def write(measured: Page, page: Page, comfy: Comfy, name: str) -> None:
    """Writes one example: ``measured`` is a page in Nodes 2.0, ``page`` in classic."""
    example = EXAMPLES[name]
    count = len(example.columns)
    width = example.width or min(WIDEST, (WIDTH - SIDE * (count - 1)) // count)
    for each in (measured, page):
        graph, heights = comfy.complete(example.graph), ROOM | example.heights
        inner = example.inner and vars(example.inner)
        ids = each.evaluate(FILL, [graph, name, example.note, example.columns, width, heights, inner])
        each.wait_for_timeout(1000)
    heights = measured.evaluate(HEIGHTS)
    columns = [[int(ids.get(part, part)) for part in column] for column in example.columns]
    collapsed = list(map(int, example.collapsed))
    workflow = json.loads(page.evaluate(PLACE, [columns, heights, SIDE, SAYS, GAP, TITLE, collapsed]))
    workflow["nodes"].sort(key=lambda n: n["id"])
    for part in workflow["nodes"]:
        names = [value for value in part.get("widgets_values") or () if isinstance(value, str) and value in MODELS]
        if names:
            part["properties"]["models"] = [
                {"name": file, "url": MODELS[file][0], "directory": MODELS[file][1]} for file in names
            ]
    bottom = max(n["pos"][1] + (0 if n["id"] in collapsed else n["size"][1]) for n in workflow["nodes"])
    right = max(n["pos"][0] + n["size"][0] for n in workflow["nodes"])
    assert right <= WIDTH and bottom <= HEIGHT, f"{name} is {right} x {bottom}"
    path = PACK / "example_workflows" / f"{name}.json"
    path.write_text(json.dumps(workflow, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_blueprint(measured: Page, page: Page, comfy: Comfy, name: str) -> None:
    """Writes one blueprint; the pages are those of :func:`write`."""
    blueprint = BLUEPRINTS[name]
    for each in (measured, page):
        each.evaluate(FILL, [comfy.complete(blueprint.graph), name, "", blueprint.columns, 300, {}, None])
        each.wait_for_timeout(1000)
    columns = [[int(part) for part in column] for column in blueprint.columns]
    page.evaluate(PLACE, [columns, measured.evaluate(HEIGHTS), SIDE, SAYS, GAP, TITLE, []])
    workflow = json.loads(page.evaluate(BLUEPRINT, [name, blueprint.inputs, blueprint.outputs]))
    workflow["definitions"]["subgraphs"][0] |= {"category": "Resonance", "description": blueprint.description}
    workflow["extra"] = {"BlueprintDescription": blueprint.description, "BlueprintSearchAliases": blueprint.aliases}
    path = PACK / "subgraphs" / f"{name}.json"
    path.write_text(json.dumps(workflow, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def stand_ins(base: Path) -> None:
    """Empty files under the names that the workflows use, so that no widget is shown as wrong."""
    places = {
        "CheckpointLoaderSimple": ("ckpt_name", "checkpoints"),
        "unCLIPCheckpointLoader": ("ckpt_name", "checkpoints"),
        "CLIPLoader": ("clip_name", "text_encoders"),
        "CLIPVisionLoader": ("clip_name", "clip_vision"),
        "ControlNetLoader": ("control_net_name", "controlnet"),
        "StyleModelLoader": ("style_model_name", "style_models"),
        "ResonanceReferencePicture": ("way.adapter", "ipadapter"),
        "ResonanceLoadLLM": ("model", "llm"),
    }
    for example in (*EXAMPLES.values(), *BLUEPRINTS.values()):
        for part in example.graph.values():
            key, folder = places.get(part["class_type"], ("", ""))
            if key in part["inputs"]:
                file = base / "models" / folder / part["inputs"][key]
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()
    for picture in (find_comfyui() / "input" / "example.png", *SMALL.iterdir()):
        shutil.copy(picture, base / "input")


def open_page(browser: Browser, comfy: Comfy, nodes2: bool) -> Page:
    page = browser.new_context(viewport=VIEW).new_page()
    page.request.post(f"{comfy.url}/api/settings", data={**SETTINGS, "Comfy.VueNodes.Enabled": nodes2})
    page.goto(comfy.url)
    page.wait_for_function("window.app?.vueAppReady === true && !!window.app.extensionManager")
    return page


def main() -> None:
    for made in ("example_workflows", "subgraphs"):
        (PACK / made).mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Comfy(Path(folder))
        stand_ins(server.base)
        comfy = server.start()
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        measured, page = (open_page(browser, comfy, nodes2) for nodes2 in (True, False))
        for name in sys.argv[1:] or (*EXAMPLES, *BLUEPRINTS):
            (write if name in EXAMPLES else write_blueprint)(measured, page, comfy, name)
        browser.close()
        comfy.stop()


if __name__ == "__main__":
    main()
