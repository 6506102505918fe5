"""The Canvas node in the graph: its picture, the ways into the editor, and what happens to its text."""

import json
from typing import Any

from host.comfy import node
from host.test_canvas import BOAT, MOON, PROGRAM, SEA, layout
from playwright.sync_api import Locator, expect

from .conftest import OTHER_PAIR, PAIR, in_pairs
from .desk import Desk
from .editor import edit

TEXT = layout(SEA, BOAT, MOON)
CONNECTED = layout(SEA, MOON)


def open_canvas(desk: Desk, text: str = TEXT, **more: Any) -> Locator:
    """A Canvas node alone in the graph; its picture."""
    desk.load_api({"1": node("ResonanceCanvas", canvas_text=text, **more)})
    place(desk, 1)
    return picture(desk)


def place(desk: Desk, *nodes: int) -> None:
    """Puts nodes side by side where they can be seen."""
    move = "(ids) => ids.forEach((id, i) => (app.graph.getNodeById(id).pos = [100 + 420 * i, 140]))"
    desk.page.evaluate(move, list(nodes))
    desk.settle()


def open_connected(desk: Desk, text: str = "", upstream: str = CONNECTED) -> None:
    """Node 1 is a Canvas that node 2, another, is connected to."""
    desk.load_api(
        {
            "1": node("ResonanceCanvas", canvas_text=text, canvas=["2", 0]),
            "2": node("ResonanceCanvas", canvas_text=upstream),
            "3": node("PreviewAny", source=["1", 3]),
        }
    )
    place(desk, 1, 2)


def picture(desk: Desk, n: int = 0) -> Locator:
    return desk.page.locator(".resonance-preview .picture").nth(n)


def areas(desk: Desk, n: int = 0) -> Locator:
    return picture(desk, n).locator(".area")


def says(desk: Desk, n: int = 0) -> Locator:
    return desk.page.locator(".resonance-preview [role=status]").nth(n)


def editor(desk: Desk) -> Locator:
    return desk.page.locator("dialog[open]")


def select(desk: Desk, n: int = 1) -> None:
    """Clicks on the title of a node."""
    desk.page.mouse.click(*title(desk, n))
    desk.settle()


def title(desk: Desk, n: int = 1) -> tuple[float, float]:
    """Where on the page a node's title is."""
    x, y = desk.page.evaluate("id => [...app.graph.getNodeById(id).pos]", n)
    box = desk.page.locator("canvas#graph-canvas").bounding_box()
    assert box
    return box["x"] + x + 80, box["y"] + y - 14


def type_text(desk: Desk, text: str) -> None:
    """Writes into the node's own text box."""
    box = desk.page.locator("textarea").first
    box.fill(text)
    box.blur()


def rects(desk: Desk, n: int = 1) -> list[Any]:
    return [region["rect"] for region in json.loads(desk.widget("canvas_text", n))]


def test_the_node_shows_its_canvas_in_the_format_of_the_picture(desk: Desk) -> None:
    shown = open_canvas(desk, width=1024, height=512)
    expect(areas(desk)).to_have_count(2)
    expect(shown.locator("text")).to_have_text(["A red boat", "A moon"])
    expect(shown.locator("title")).to_have_text(["A sea.\nA red boat.\nwood.", "A sea.\nA moon."])
    expect(shown.locator(":scope > svg")).to_have_attribute("viewBox", "0 0 180 90")
    expect(shown).to_have_accessible_name("Edit canvas, regions: 2. A red boat, A moon")


def test_only_what_python_knows_is_saved_and_sent(desk: Desk) -> None:
    open_canvas(desk, width=1024, height=512)
    saved = desk.page.evaluate("() => app.graph.serialize().nodes[0].widgets_values")
    assert saved == [TEXT, 1024, 512]
    assert desk.prompt()["1"]["inputs"] == {"canvas_text": TEXT, "width": 1024, "height": 512}


@in_pairs("way", "picture", "button", "keys", "enter", "menu", "toolbox")
def test_the_editor_opens(desk: Desk, way: str) -> None:
    shown = open_canvas(desk)
    expect(areas(desk)).to_have_count(2)
    page = desk.page
    if way == "picture":
        shown.click()
    elif way == "button":
        page.locator(".resonance-preview").get_by_role("button", name="Edit canvas", exact=True).click()
    elif way == "enter":
        shown.focus()
        page.keyboard.press("Enter")
    elif way == "keys":
        page.keyboard.press("Control+Alt+e")
    elif way == "menu":
        page.mouse.click(*title(desk), button="right")
        page.get_by_text("Edit canvas", exact=True).last.click()
    else:
        select(desk)
        page.locator(".selection-toolbox").get_by_role("button", name="Edit canvas").click()
    expect(editor(desk)).to_be_visible()


@PAIR
def test_two_presses_open_one_editor(desk: Desk) -> None:
    open_canvas(desk).dblclick()
    expect(editor(desk)).to_have_count(1)
    desk.settle()
    expect(desk.page.locator("dialog[open]")).to_have_count(1)


@OTHER_PAIR
def test_a_text_that_changed_meanwhile_is_not_written_over_at_once(desk: Desk) -> None:
    open_canvas(desk).click()
    editor(desk).locator("[data-region='1']").first.focus()
    desk.page.keyboard.press("ArrowUp")
    desk.page.evaluate("text => (app.graph.getNodeById(1).widgets[0].value = text)", CONNECTED)
    save = editor(desk).get_by_role("button", name="Save", exact=True)
    save.click()
    expect(editor(desk).get_by_role("alert")).to_have_text(
        "The node's text has changed meanwhile: save again to write over it."
    )
    assert desk.widget("canvas_text") == CONNECTED
    save.click()
    expect(editor(desk)).to_have_count(0)
    assert rects(desk)[1] == [44, 89, 0, 45]


def test_nothing_is_saved_into_another_workflow(desk: Desk) -> None:
    open_canvas(desk).click()
    editor(desk).locator("[data-region='1']").first.focus()
    desk.page.keyboard.press("ArrowUp")
    desk.page.evaluate("() => app.loadGraphData(app.graph.serialize(), true, true, 'another')")
    editor(desk).get_by_role("button", name="Save", exact=True).click()
    expect(editor(desk).get_by_role("alert")).to_contain_text("The node is no longer there")
    assert desk.widget("canvas_text") == TEXT


@PAIR
def test_an_edit_before_the_first_run_stays_tied_to_what_is_connected(desk: Desk) -> None:
    tied = json.dumps([{**SEA, "from": "0123456789abcdef"}, BOAT])
    open_connected(desk, tied)
    drawn = edit(desk)
    expect(drawn.alert).to_have_text("Run once to see what is connected.")
    drawn.tab("JSON")
    drawn.dialog.get_by_role("textbox").fill(layout(SEA, MOON))
    whole, moon = drawn.save()
    assert (whole["from"], moon["rect"]) == ("0123456789abcdef", MOON["rect"])


@OTHER_PAIR
def test_a_server_that_is_gone_is_said_to_be(desk: Desk) -> None:
    open_canvas(desk)
    expect(areas(desk)).to_have_count(2)
    desk.page.route("**/resonance/canvas/read", lambda route: route.abort())
    type_text(desk, PROGRAM)
    expect(says(desk)).to_have_text("The server does not answer.")
    expect(areas(desk)).to_have_count(2)
    desk.page.unroute("**/resonance/canvas/read")
    desk.errors.clear()  # the browser notes that the request failed


def test_the_shortcut_asks_which_of_two(desk: Desk) -> None:
    open_connected(desk)
    desk.page.keyboard.press("Control+Alt+e")
    expect(desk.page.get_by_text("Select the Canvas node to edit.").first).to_be_visible()
    select(desk, 2)
    desk.page.keyboard.press("Control+Alt+e")
    expect(editor(desk)).to_be_visible()


def test_the_picture_follows_the_text(desk: Desk) -> None:
    open_canvas(desk)
    expect(areas(desk)).to_have_count(2)
    type_text(desk, layout(SEA, MOON))
    expect(areas(desk)).to_have_count(1)
    type_text(desk, PROGRAM)
    expect(picture(desk).locator("text")).to_have_text(["A red boat"])
    desk.page.evaluate("text => app.graph.getNodeById(1).widgets[0].value = text", TEXT)
    expect(areas(desk)).to_have_count(2)


@PAIR
def test_what_is_no_canvas_leaves_the_last_one_and_says_why(desk: Desk) -> None:
    open_canvas(desk)
    expect(areas(desk)).to_have_count(2)
    type_text(desk, '[{"rect": [0, 0, 0, 0]}]')
    expect(says(desk)).to_contain_text("Item 0 of the list: rect")
    type_text(desk, '[{"rect": ')
    expect(says(desk)).to_contain_text("line 1")
    type_text(desk, "<img src=x onerror=alert(1)>")
    expect(says(desk)).to_contain_text("no canvas")
    expect(areas(desk)).to_have_count(2)
    type_text(desk, TEXT)
    expect(says(desk)).to_be_empty()


def test_undo_takes_an_edit_back_and_the_picture_follows(desk: Desk) -> None:
    open_canvas(desk)
    expect(areas(desk)).to_have_count(2)
    desk.load(desk.page.evaluate("() => app.graph.serialize()"))  # as saved: the node keeps its size and place
    expect(areas(desk)).to_have_count(2)
    drawn = edit(desk)
    drawn.drag((70, 70), (85, 85))
    drawn.save()
    expect(areas(desk)).to_have_count(3)
    desk.page.mouse.click(1000, 600)
    desk.page.keyboard.press("Control+z")
    expect(areas(desk)).to_have_count(2)
    assert desk.widget("canvas_text") == TEXT
    picture(desk).click()
    expect(editor(desk)).to_be_visible()


def test_a_copy_has_a_picture_of_its_own(desk: Desk) -> None:
    open_canvas(desk)
    expect(areas(desk)).to_have_count(2)
    select(desk)
    desk.page.keyboard.press("Control+c")
    desk.page.mouse.move(1000, 300)
    desk.page.keyboard.press("Control+v")
    expect(desk.page.locator(".resonance-preview .picture")).to_have_count(2)
    expect(areas(desk, 1)).to_have_count(2)
    assert desk.page.evaluate("() => app.graph.nodes.map(node => node.widgets[0].value)") == [TEXT, TEXT]
    type_text(desk, layout(SEA, MOON))
    # Nodes 2.0 has the page's elements of the two in either order.
    expect(desk.page.locator(".resonance-preview .area")).to_have_count(3)
    texts = desk.page.evaluate("() => app.graph.nodes.map(node => node.widgets[0].value)")
    assert sorted(texts) == sorted([TEXT, layout(SEA, MOON)])


def test_what_is_connected_is_shown_after_a_run(desk: Desk) -> None:
    open_connected(desk)
    expect(says(desk, 0)).to_have_text("Run once to see what is connected.")
    desk.run()
    expect(says(desk, 0)).to_be_empty()
    expect(picture(desk, 0).locator("text")).to_have_text(["A moon"])


@OTHER_PAIR
def test_text_that_was_not_made_from_what_is_connected_is_not_shown(desk: Desk) -> None:
    open_connected(desk, TEXT)
    desk.run()
    expect(says(desk, 0)).to_have_text("The text was not made from what is connected, so it is not used.")
    expect(picture(desk, 0).locator("text")).to_have_text(["A moon"])
    desk.page.get_by_role("button", name="Use what is connected").click()
    expect(says(desk, 0)).to_be_empty()
    assert desk.widget("canvas_text", 1) == ""
    expect(picture(desk, 0).locator("text")).to_have_text(["A moon"])


def move_boat(desk: Desk) -> None:
    """Moves the first region up by a cell in the open editor, and saves."""
    editor(desk).locator("[data-region='1']").first.focus()
    desk.page.keyboard.press("ArrowUp")
    editor(desk).get_by_role("button", name="Save", exact=True).click()
    expect(editor(desk)).to_have_count(0)


def test_what_the_editor_saves_is_sent(desk: Desk) -> None:
    open_canvas(desk).click()
    move_boat(desk)
    sent = json.loads(desk.prompt()["1"]["inputs"]["canvas_text"])
    assert [region["rect"] for region in sent] == [SEA["rect"], [44, 89, 0, 45], MOON["rect"]]
    expect(areas(desk)).to_have_count(2)
    desk.page.mouse.click(1100, 600)
    desk.page.keyboard.press("Control+z")
    desk.page.wait_for_function("text => app.graph.getNodeById(1).widgets[0].value === text", arg=TEXT)
    expect(picture(desk).locator("svg svg").first).to_have_attribute("y", "45")
    expect(picture(desk)).to_have_count(1)


@PAIR
def test_an_edit_of_what_is_connected_counts_until_that_changes(desk: Desk) -> None:
    open_connected(desk, upstream=TEXT)
    desk.run()
    expect(areas(desk, 0)).to_have_count(2)
    picture(desk, 0).click()
    move_boat(desk)
    assert rects(desk)[1] == [44, 89, 0, 45]
    expect(says(desk, 0)).to_be_empty()
    desk.run()
    outputs = "() => JSON.parse(app.nodeOutputs['1'].resonance_canvas[0])[1].rect"
    desk.page.wait_for_function(outputs)
    assert desk.page.evaluate(outputs) == [44, 89, 0, 45]
    expect(says(desk, 0)).to_be_empty()
    expect(picture(desk, 0).locator("svg svg").first).to_have_attribute("y", "44")


def test_the_saved_workflow_shows_its_canvas_again(desk: Desk) -> None:
    open_canvas(desk, width=512)
    desk.page.evaluate("async () => app.loadGraphData(app.graph.serialize(), true, true, 'again')")
    expect(areas(desk)).to_have_count(2)
    assert [desk.widget(name) for name in ("canvas_text", "width", "height")] == [TEXT, 512, 1024]


def test_text_that_comes_from_another_node_is_edited_there(desk: Desk) -> None:
    desk.load_api(
        {
            "1": node("ResonanceCanvas", canvas_text=["2", 0]),
            "2": node("PrimitiveStringMultiline", value=TEXT),
            "3": node("PreviewAny", source=["1", 3]),
        }
    )
    place(desk, 1, 2)
    desk.run()
    expect(areas(desk)).to_have_count(2)
    expect(says(desk)).to_have_text("The text is connected: edit it where it comes from.")


def test_inside_a_subgraph_it_is_edited_and_undone(desk: Desk) -> None:
    open_canvas(desk)
    desk.page.evaluate("() => { app.canvas.graph.convertToSubgraph(new Set([app.graph.getNodeById(1)])) }")
    desk.look()
    expect(picture(desk)).to_be_hidden()
    desk.settle()
    enter = "() => app.canvas.openSubgraph([...app.rootGraph.subgraphs.values()].at(-1), app.graph.nodes.at(-1))"
    desk.page.evaluate(enter)
    desk.look()
    text = "() => [...app.rootGraph.subgraphs.values()].at(-1).nodes[0].widgets[0].value"
    desk.page.evaluate("() => { app.canvas.graph.nodes[0].pos = [100, 140] }")
    expect(areas(desk)).to_have_count(2)
    picture(desk).click()
    move_boat(desk)
    assert json.loads(desk.page.evaluate(text))[1]["rect"] == [44, 89, 0, 45]
    expect(picture(desk).locator("svg svg").first).to_have_attribute("y", "44")
    desk.page.mouse.click(1100, 600)
    desk.page.keyboard.press("Control+z")
    desk.page.wait_for_function(f"text => ({text})() === text", arg=TEXT)
    expect(picture(desk).locator("svg svg").first).to_have_attribute("y", "45")
