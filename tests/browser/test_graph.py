"""Editor and gallery on ComfyUI's page: how they open, and what they take from its graph and put into it."""

import base64
import json
import re
from typing import Any

from host.comfy import node
from host.graphs import output
from PIL import Image
from playwright.sync_api import expect

from resonance.files.settings import Format
from resonance.gallery import thumbnails
from resonance.paint.how import painted_texts
from resonance.paint.request import Request

from .desk import Desk
from .editor import edit, open_editor, region
from .gallery import Gallery, loaded

DROPPED: tuple[Format, ...] = ("png", "webp", "webp lossy", "avif")
"""What ComfyUI's page reads."""
TREE = region([10, 40, 10, 40], "a tree")


def test_the_editor_opens_edits_saves_and_opens_again(desk: Desk) -> None:
    editor = open_editor(desk, TREE)
    editor.drag((50, 51), (71, 69))
    editor.dialog.get_by_label("Description 1", exact=True).fill("a pond")
    editor.tab("JSON")
    expect(editor.dialog.get_by_label("Canvas as JSON").get_by_role("textbox")).to_have_value(re.compile("a pond"))
    drawn = editor.save()[2]
    assert (drawn["rect"], drawn["prefixes"]) == ([50, 70, 50, 70], ["A garden.", "a pond"])
    again = edit(desk)
    assert again.rects() == [TREE["rect"], [50, 70, 50, 70]]
    again.press("Escape")
    again.dialog.wait_for(state="detached")
    assert desk.prompt()["1"]["inputs"]["canvas_text"] == desk.widget("canvas_text")


def test_keys_in_the_dialog_do_not_reach_the_workflow(desk: Desk) -> None:
    editor = open_editor(desk, TREE)
    desk.page.evaluate("() => { app.graph.getNodeById(1).title = 'mine' }")
    editor.press("Control+z", "Control+z", "Delete", "Delete", "Control+a", "Control+c", "Control+v")
    editor.tab("JSON")
    desk.page.mouse.click(640, 30)
    editor.press("Delete", "Control+z")
    assert desk.page.evaluate("() => app.graph.nodes.map(n => n.title)") == ["mine"]
    expect(editor.dialog).to_be_visible()


def test_saving_is_one_step_of_the_workflows_undo(desk: Desk) -> None:
    editor = open_editor(desk, TREE)
    editor.press("ArrowRight", "ArrowRight")
    assert editor.save()[1]["rect"] == [10, 40, 12, 42]
    desk.page.mouse.click(900, 650)
    desk.page.keyboard.press("Control+z")
    desk.page.wait_for_function("() => app.graph.nodes[0].widgets[0].value.includes('[10, 40, 10, 40]')")


def test_the_gallery_opens_shows_and_opens_again(gallery: Gallery) -> None:
    gallery.make("reopened", 2, 3)
    loaded(gallery.view("X0002", 1).locator("img").first)
    gallery.page.keyboard.press("ArrowRight")
    gallery.title("X0002", 2)
    gallery.page.keyboard.press("Escape")
    expect(gallery.cell("X0002", 2)).to_be_focused()
    gallery.button.click()
    expect(gallery.root).to_have_count(0)
    gallery.open("reopened")
    loaded(gallery.cell("X0003", 2).locator("img"))


def test_delete_in_the_gallery_leaves_the_selected_node_alone(gallery: Gallery) -> None:
    desk = gallery.desk
    desk.load_api({"1": node("LoadImage", image="a.png")})
    gallery.make("keys", 4, 40)
    desk.page.evaluate("app.canvas.selectNode(app.graph.getNodeById('1'))")
    gallery.cell("X0001", 1).focus()
    for key in ("Delete", "Backspace"):
        desk.page.keyboard.press(key)
    desk.settle()
    assert list(desk.prompt()) == ["1"]


def test_a_picture_goes_to_load_image(gallery: Gallery) -> None:
    desk, comfy = gallery.desk, gallery.desk.comfy
    Image.new("RGB", (8, 8)).save(comfy.base / "input" / "plain.png")
    desk.load_api(
        {
            "1": node("LoadImage", image="plain.png"),
            "2": node("PreviewImage", images=["1", 0]),
        }
    )
    gallery.make("sent", 1, 2)
    large = gallery.view("X0002", 1)
    large.get_by_role("button", name="Send to Load Image").click()
    expect(large.get_by_role("status")).to_have_text("The picture is in Load Image.")
    picture = gallery.item("sent", "X0002", 1)["pictures"][0]["filename"]
    value = f"sent/round-0001/{picture} [output]"
    assert desk.widget("image") == value
    assert desk.prompt()["1"]["inputs"]["image"] == value
    gallery.page.keyboard.press("Escape")
    if desk.renderer == "classic":
        desk.page.wait_for_function("app.graph.getNodeById(1).imgs?.[0]?.src.includes('X0002')")
    else:
        expect(desk.page.locator("[data-node-id='1'] img[src*=X0002]").first).to_be_visible()
    desk.run()
    assert list(comfy.get("/history").values())[-1]["outputs"]["2"]["images"]
    desk.undo()
    if desk.widget("image") == value:  # ComfyUI may count the node's growth around the picture as a change of its own
        desk.undo()
    assert desk.widget("image") == "plain.png"


def test_the_selected_load_image_is_preferred_and_a_new_one_is_made_if_there_is_none(gallery: Gallery) -> None:
    desk = gallery.desk
    gallery.make("prefer", 1, 1)
    send = gallery.view("X0001", 1).get_by_role("button", name="Send to Load Image")
    values = "() => app.graph.nodes.map(node => [node.type, node.widgets[0].value])"
    send.click()
    [(kind, value)] = desk.page.evaluate(values)
    assert kind == "LoadImage" and value.endswith(" [output]")
    desk.load_api({"1": node("LoadImage", image="a.png"), "2": node("LoadImage", image="b.png")})
    desk.page.evaluate("app.canvas.selectNode(app.graph.getNodeById(2))")
    send.click()
    assert desk.page.evaluate(values) == [["LoadImage", "a.png"], ["LoadImage", value]]


def workflow_of(desk: Desk) -> dict[str, Any]:
    """A workflow as pictures carry it: one Round Input."""
    desk.load_api({"7": node("ResonanceRoundInput", session="from a picture")})
    workflow = desk.page.evaluate("() => app.graph.serialize()")
    desk.clear()
    return workflow


def session_in_graph(desk: Desk) -> None:
    desk.page.wait_for_function(
        "app.graph.nodes.find(node => node.type === 'ResonanceRoundInput')?.widgets[0].value === 'from a picture'"
    )


def test_the_workflow_of_a_picture_is_loaded(gallery: Gallery) -> None:
    workflow = workflow_of(gallery.desk)
    gallery.make("loads", 1, 1, texts={"workflow": json.dumps(workflow)})
    gallery.view("X0001", 1).get_by_role("button", name="Load its workflow").click()
    session_in_graph(gallery.desk)
    expect(gallery.large).to_have_count(0)


def test_the_workflow_of_a_jpeg_and_of_the_file_beside_it_is_loaded(gallery: Gallery) -> None:
    workflow = workflow_of(gallery.desk)
    workflow["extra"] = {"long": "x" * 70_000}  # which a JPEG has no room for
    gallery.make("loads a JPEG", 1, 1, texts={"workflow": json.dumps(workflow)}, format="jpeg")
    gallery.view("X0001", 1).get_by_role("button", name="Load its workflow").click()
    session_in_graph(gallery.desk)
    expect(gallery.large).to_have_count(0)


def test_saved_pictures_that_are_dropped_on_the_page_restore_their_graph(desk: Desk, gallery: Gallery) -> None:
    painted = painted_texts(Request(prompt="a boat, “ü”", negative="fog", seed=5, steps=3, cfg=7.0, sampler="euler"))
    painted["kohya-prompt"] = painted.pop("prompt")
    texts = {"prompt": "{}", "workflow": json.dumps(workflow_of(desk)), "resonance": "{}", **painted}
    for format in DROPPED:
        gallery.write(f"drops {format}", 1, 1, texts=texts, format=format)
        [picture] = output(desk.comfy).glob(f"drops {format}/round-0001/*")
        data = desk.page.evaluate_handle(
            """([text, name, type]) => {
                const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0))
                const data = new DataTransfer()
                data.items.add(new File([bytes], name, { type }))
                return data
            }""",
            [base64.b64encode(picture.read_bytes()).decode(), picture.name, thumbnails.kind(picture)],
        )
        desk.clear()
        canvas = desk.page.locator("#graph-canvas")
        for event in ("dragenter", "dragover", "drop"):
            canvas.dispatch_event(event, {"dataTransfer": data, "clientX": 700, "clientY": 400})
        session_in_graph(desk)
