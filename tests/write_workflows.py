"""Writes example workflows and their pictures: `python tests/write_workflows.py [name ...]`, without names all of them.

The graphs of `examples/` are given in API form and are loaded, laid out and saved by the real front end in Chromium, so
that order and form of the widgets are its own. Needs chromium and the package playwright.
"""

import io
import json
import shutil
import sys
import tempfile
from pathlib import Path

from examples import EXAMPLES
from host.comfy import Comfy
from PIL import Image
from places import PACK, find_comfyui
from playwright.sync_api import Page, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
VIEW = {"width": 2500, "height": 1350}
SIZES = {
    "ResonanceCaptionImages": [380, 0],
    "ResonanceTagImages": [380, 0],
    "ResonanceCanvasChat": [420, 620],
    "ResonanceCanvas": [480, 620],
    "PreviewImage": [300, 320],
    "SaveImage": [300, 340],
}
"""Width and height of nodes that need more than the front end gives them."""
SETTINGS = {
    "Comfy.TutorialCompleted": True,
    "Comfy.Graph.CanvasInfo": False,
    "Comfy.Minimap.Visible": False,
    "LiteGraph.Canvas.MinFontSizeForLOD": 0,  # texts on nodes however small they are
}

LAY_OUT = """([columns, note, heights, gap, sizes]) => {
    const graph = app.rootGraph
    const added = LiteGraph.createNode('MarkdownNote')
    added.title = 'Read me'
    added.size = [420, 0]
    graph.add(added)
    added.widgets[0].value = note
    let x = 0
    for (const column of columns) {
        let y = 0, width = 0
        for (const id of column) {
            const node = id === 'note' ? added : graph.getNodeById(id) ?? graph.getNodeById(Number(id))
            if (id !== 'note') node.size = node.computeSize()
            node.size[0] = Math.max(node.size[0], 300)
            const [w, h] = sizes[node.type] ?? [0, 0]
            node.size = [Math.max(node.size[0], w), Math.max(node.size[1], h, heights[id] ?? 0)]
            node.pos = [x, y + 30]
            y += node.size[1] + gap
            width = Math.max(width, node.size[0])
        }
        x += width + 60
    }
    graph.setDirtyCanvas(true, true)
    return graph.serialize()
}"""

FIT = """() => {
    const nodes = app.rootGraph.nodes, ds = app.canvas.ds
    const right = Math.max(...nodes.map(n => n.pos[0] + n.size[0])), bottom = Math.max(...nodes.map(n => n.pos[1] + n.size[1]))
    ds.scale = Math.min(2300 / right, 1100 / bottom)
    ds.offset = [90 / ds.scale, 140 / ds.scale]
    app.canvas.setDirty(true, true)
    return [right * ds.scale + 120, bottom * ds.scale + 180]
}"""


def write(page: Page, comfy: Comfy, name: str) -> None:
    example = EXAMPLES[name]
    page.evaluate("([api, name]) => app.loadApiJson(api, name)", [comfy.complete(example.graph), name])
    workflow = page.evaluate(LAY_OUT, [example.columns, example.note, example.heights, example.gap, SIZES])
    workflow["nodes"].sort(key=lambda n: n["id"])
    path = PACK / "example_workflows" / f"{name}.json"
    path.write_text(json.dumps(workflow, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    page.evaluate("([workflow, name]) => app.loadGraphData(workflow, true, true, name)", [workflow, name])
    width, height = page.evaluate(FIT)
    page.wait_for_timeout(1500)
    clip = {"x": 60, "y": 85, "width": min(width, VIEW["width"]) - 60, "height": min(height, VIEW["height"]) - 85}
    with Image.open(io.BytesIO(page.screenshot(clip=clip))) as image:
        picture = image.convert("RGB")
        picture.thumbnail((1400, 1400))
        picture.save(path.with_suffix(".jpg"), quality=82)


def stand_ins(base: Path) -> None:
    """Empty files under the names that the workflows use, so that no widget is shown as wrong."""
    places = {
        "CheckpointLoaderSimple": ("ckpt_name", "checkpoints"),
        "CLIPLoader": ("clip_name", "text_encoders"),
        "ResonanceLoadLLM": ("model", "llm"),
    }
    for example in EXAMPLES.values():
        for part in example.graph.values():
            if place := places.get(part["class_type"]):
                key, folder = place
                file = base / "models" / folder / part["inputs"][key]
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()
    shutil.copy(find_comfyui() / "input" / "example.png", base / "input")


def main() -> None:
    (PACK / "example_workflows").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Comfy(Path(folder))
        stand_ins(server.base)
        comfy = server.start()
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        context = browser.new_context(viewport=VIEW)
        context.request.post(f"{comfy.url}/api/settings", data=SETTINGS)
        page = context.new_page()
        page.goto(comfy.url)
        page.wait_for_function("window.app?.vueAppReady === true && !!window.app.extensionManager")
        for name in sys.argv[1:] or EXAMPLES:
            write(page, comfy, name)
        browser.close()
        comfy.stop()


if __name__ == "__main__":
    main()
