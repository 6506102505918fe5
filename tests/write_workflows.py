"""Writes the example workflows and their pictures: `python tests/write_workflows.py`.

The graphs below are given in API form and are loaded, laid out and saved by the real front end in Chromium, so that order
and form of the widgets are its own. Needs chromium and the package playwright.
"""

import io
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from host.comfy import Comfy, node
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
SETTINGS = {"Comfy.TutorialCompleted": True, "Comfy.Graph.CanvasInfo": False, "Comfy.Minimap.Visible": False}

FILES = """
**Files**

| file | goes to |
|---|---|
| `model.safetensors`, `config.json`, `selected_tags.csv` of [wd-vit-tagger-v3](https://huggingface.co/SmilingWolf/wd-vit-tagger-v3) | `models/taggers/wd-vit-tagger-v3/`, or switch on `download` once |
"""
CHECKPOINT = "| `sd_xl_base_1.0.safetensors`, or any checkpoint of yours | `models/checkpoints/` |\n"
ENCODER = "| `qwen3vl_4b_fp8_scaled.safetensors` ([page](https://huggingface.co/Comfy-Org/Krea-2)), or any text encoder that sees | `models/text_encoders/` |\n"

START = """## Rounds

Pictures become words, the words become new pictures, and these are the next round's input.

**Change first**

1. Put a folder of pictures into ComfyUI's `input` folder and write its name into **Round Input**.
2. Choose your checkpoint.
3. Press **Run** once. Results are in `output/<session>`; after a crash press Run again.
"""


def rounds(caption: bool) -> dict[str, Any]:
    graph = {
        "1": node("ResonanceRoundInput", session="my session", first_folder="pictures", rounds=3, seed=0),
        "2": node("ResonanceLoadTagger", model="wd-vit-tagger-v3"),
        "3": node("ResonanceTagImages", tagger=["2", 0], images=["1", 0]),
        "4": node("ResonanceRoundWords", item=["1", 1], tags=["3", 0]),
        "5": node("ResonanceComposePrompt", tags=["4", 0], negative="worst quality, low quality", duplicates="remove"),
        "6": node("CheckpointLoaderSimple", ckpt_name="sd_xl_base_1.0.safetensors"),
        "7": node("CLIPTextEncode", clip=["6", 1], text=["5", 0]),
        "8": node("CLIPTextEncode", clip=["6", 1], text=["5", 1]),
        "9": node("ResonanceLatentForImage", sizes="SDXL", batch_size=1, image=["1", 0]),
        "10": node(
            "KSampler",
            model=["6", 0],
            positive=["7", 0],
            negative=["8", 0],
            latent_image=["9", 0],
            seed=["1", 5],
            steps=25,
            cfg=7.0,
            sampler_name="euler_ancestral",
            scheduler="normal",
            denoise=1.0,
        ),
        "11": node("VAEDecode", samples=["10", 0], vae=["6", 2]),
        "12": node("ResonanceRoundOutput", images=["11", 0], item=["1", 1], words=["5", 0]),
    }
    if caption:
        graph |= captioned()
        graph["1"]["inputs"]["words_first"] = True
        graph["4"]["inputs"]["caption"] = ["15", 0]
        graph["5"]["inputs"]["caption"] = ["4", 1]
    return graph


def captioned() -> dict[str, Any]:
    return {
        "13": node("CLIPLoader", clip_name="qwen3vl_4b_fp8_scaled.safetensors", type="ideogram4"),
        "14": node("ResonanceCoreLLM", clip=["13", 0]),
        "15": node("ResonanceCaptionImages", llm=["14", 0], images=["1", 0]),
    }


def describe() -> dict[str, Any]:
    return {
        "1": node("LoadImage", image="example.png"),
        "2": node("ResonanceLoadTagger", model="wd-vit-tagger-v3"),
        "3": node("ResonanceTagImages", tagger=["2", 0], images=["1", 0]),
        **captioned(),
        "5": node("ResonanceComposePrompt", tags=["3", 0], caption=["15", 0], duplicates="remove"),
        "16": node("PreviewAny", source=["5", 0]),
    }


# name: (graph, column of each node, text of the note)
WORKFLOWS: dict[str, tuple[dict[str, Any], list[list[str]], str]] = {
    "Rounds": (
        rounds(caption=True),
        [["note", "1"], ["2", "13", "14"], ["3"], ["15"], ["4", "5"], ["6", "7", "8"], ["9", "10"], ["11", "12"]],
        START + FILES + CHECKPOINT + ENCODER,
    ),
    "Rounds, tags only": (
        rounds(caption=False),
        [["note", "1"], ["2", "3"], ["4", "5"], ["6", "7", "8"], ["9", "10"], ["11", "12"]],
        START + FILES + CHECKPOINT,
    ),
    "Describe one picture": (
        describe(),
        [["note"], ["13", "14", "1"], ["2", "3"], ["15"], ["5", "16"]],
        "## Describe one picture\n\nTags and a caption of one picture, put together to a prompt.\n\n**Change first**: the"
        " picture in **Load Image**.\n" + FILES + ENCODER,
    ),
}

LAY_OUT = """([columns, note]) => {
    const graph = app.rootGraph
    const added = LiteGraph.createNode('MarkdownNote')
    added.title = 'Read me'
    added.size = [420, 460]
    graph.add(added)
    added.widgets[0].value = note
    let x = 0
    for (const column of columns) {
        let y = 0, width = 0
        for (const id of column) {
            const node = id === 'note' ? added : graph.getNodeById(id) ?? graph.getNodeById(Number(id))
            if (id !== 'note') node.size = node.computeSize()
            node.size[0] = Math.max(node.size[0], 300)
            if (node.type === 'ResonanceCaptionImages' || node.type === 'ResonanceTagImages') node.size[0] = 380
            node.pos = [x, y + 30]
            y += node.size[1] + 110
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
    graph, columns, note = WORKFLOWS[name]
    page.evaluate("([api, name]) => app.loadApiJson(api, name)", [comfy.complete(graph), name])
    workflow = page.evaluate(LAY_OUT, [columns, note])
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
    for graph, _, _ in WORKFLOWS.values():
        for part in graph.values():
            for key, folder in (("ckpt_name", "checkpoints"), ("clip_name", "text_encoders")):
                if key in part["inputs"]:
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
        for name in WORKFLOWS:
            write(page, comfy, name)
        browser.close()
        comfy.stop()


if __name__ == "__main__":
    main()
