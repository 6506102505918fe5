"""The table on Transform: it follows the widgets before any run."""

from typing import Any

import pytest
from host.comfy import node
from playwright.sync_api import Locator, expect

from .conftest import OTHER_PAIR, PAIR, in_pairs
from .desk import Desk

pytestmark = pytest.mark.one_page

NORMAL = ["1 6 0.35 17 33", "2 7 0.45 22 28", "3 10 0.3 15 35"]
VALUES = "() => app.graph.getNodeById(1).widgets.filter(w => w.serialize !== false).map(w => [w.name, w.value])"


def open_transform(desk: Desk, name: str = "normal", iterations: Any = 0, **below: Any) -> None:
    """A Transform node, with its second output shown below it."""
    values = {f"transform.{key}": value for key, value in below.items()}
    graph = {"1": node("ResonanceTransform", transform=name, iterations=iterations, **values)}
    graph["2"] = node("PreviewAny", source=["1", 1])
    graph["3"] = node("PrimitiveInt", value=2)
    graph["4"] = node("PrimitiveString", value="8@.1")
    desk.load_api(graph)
    place = "() => app.graph.nodes.forEach((node, i) => (node.pos = [120 + 380 * (i % 3), 140 + 300 * (i > 2)]))"
    desk.page.evaluate(place)
    desk.settle()


def open_own(desk: Desk, program: str, save_middle: bool = False, loop_to_loop: bool = False) -> None:
    open_transform(desk, "own program", program=program, save_middle=save_middle, loop_to_loop=loop_to_loop)


def table(desk: Desk) -> Locator:
    return desk.page.locator(".resonance-transform table")


def says(desk: Desk) -> Locator:
    return desk.page.locator(".resonance-transform [role=status]")


def expect_rows(desk: Desk, *rows: str) -> None:
    expect(table(desk).locator("tbody tr")).to_have_text([row.replace(" ", "") for row in rows])


def on_widget(desk: Desk, name: str) -> None:
    """Clicks on a widget that the canvas draws."""
    find = """name => { const node = app.graph.getNodeById(1), widget = node.widgets.find(w => w.name === name)
        return [node.pos[0] + node.size[0] / 2, node.pos[1] + widget.last_y + 10] }"""
    desk.settle()
    desk.page.mouse.click(*desk.page.evaluate(find, name))


def choose(desk: Desk, name: str, option: str) -> None:
    """Chooses from a combo as a hand does."""
    if desk.renderer == "classic":
        on_widget(desk, name)
        desk.page.locator(".litecontextmenu .litemenu-entry").get_by_text(option, exact=True).click()
    else:
        desk.page.locator("[data-node-id='1']").get_by_role("combobox", name=name.split(".")[-1], exact=True).click()
        desk.page.get_by_role("option").first.wait_for()
        if option == "own program":  # the last one, which a list may not have drawn yet
            desk.page.keyboard.press("End")
        desk.page.get_by_role("option", name=option, exact=True).click()


def write(desk: Desk, text: str) -> None:
    """Types a program, and leaves the field."""
    if desk.renderer == "classic":
        on_widget(desk, "transform.program")
        field = desk.page.locator(".graphdialog input")
        field.fill(text)
    else:
        field = desk.page.locator(
            "[data-node-id='1'] input[type=text], [data-node-id='1'] input:not([type]):not([role])"
        )
        field.fill("")
        field.press_sequentially(text, delay=5)
    field.press("Enter")


def undo(desk: Desk) -> None:
    desk.page.mouse.click(1100, 640)
    desk.page.keyboard.press("Control+z")


def test_the_table_follows_preset_and_era(desk: Desk) -> None:
    open_transform(desk)
    expect_rows(desk, *NORMAL)
    expect(says(desk)).to_have_text("Parallel, 3 loops, 9 pictures")
    heads = table(desk).get_by_role("columnheader")
    expect(heads).to_have_text(["No.", "Scale", "Strength", "Steps", "Start"])
    expect(table(desk).get_by_role("rowheader")).to_have_text(["1", "2", "3"])
    choose(desk, "transform", "focus")
    expect_rows(desk, "1 12 0.7 35 15", "2 10 0.7 35 15", "3 8 0.7 35 15")
    choose(desk, "transform.era", "H")
    expect_rows(desk, "1 7 0.7 35 15", "2 8 0.7 35 15", "3 9 0.7 35 15")
    choose(desk, "transform", "video")
    expect(says(desk)).to_have_text(
        "Chained, every result kept, each loop starts from the last result, 10 loops, 30 pictures"
    )
    expect(table(desk).locator("tbody tr")).to_have_count(3)


def test_an_own_program_is_read_while_it_is_typed(desk: Desk) -> None:
    open_transform(desk)
    expect_rows(desk, *NORMAL)
    choose(desk, "transform", "own program")
    expect_rows(desk, "1 6 0.35 17 33", "2 7 0.45 22 28")
    write(desk, "8@.3 > 11@.2")
    expect_rows(desk, "1 8 0.3 15 35", "2 11 0.2 10 40")
    expect(says(desk)).to_have_text("Chained, the last result kept, 3 loops, 3 pictures")
    assert desk.prompt()["1"]["inputs"] == {
        "transform": "own program",
        "transform.program": "8@.3 > 11@.2",
        "transform.save_middle": False,
        "transform.loop_to_loop": False,
        "iterations": 0,
    }


@OTHER_PAIR
def test_a_wrong_program_shows_its_sentence_in_place_of_the_table(desk: Desk) -> None:
    open_own(desk, "8@.3 > 11@.2", save_middle=True)
    expect(says(desk)).to_have_text("Chained, every result kept, 3 loops, 6 pictures")
    write(desk, "<img src=x onerror=alert(1)>")
    expect(says(desk)).to_contain_text("'<img src=x onerror=alert(1)' is not a pair of the program")
    expect(table(desk)).to_be_hidden()
    write(desk, "9")
    expect_rows(desk, "1 9 0.5 25 25")


@PAIR
def test_a_server_that_is_gone_is_said_to_be(desk: Desk) -> None:
    desk.page.route("**/resonance/transform", lambda route: route.abort())
    open_transform(desk)
    expect(says(desk)).to_have_text("The server does not answer.")
    desk.page.unroute("**/resonance/transform")
    desk.errors.clear()  # the browser notes that the request failed
    choose(desk, "transform", "snake")
    expect(table(desk).locator("tbody tr")).to_have_count(4)


def test_a_long_program_scrolls_inside_the_node(desk: Desk) -> None:
    open_own(desk, " ".join(["6@.35"] * 1000))
    expect(says(desk)).to_have_text("Parallel, 3 loops, 3000 pictures")
    rows = table(desk).locator("tbody tr")
    expect(rows).to_have_count(201)
    expect(rows.last).to_have_text("and 800 more pairs")
    scroller = desk.page.get_by_role("region", name="Program of the transform")
    box = scroller.bounding_box()
    assert box and box["height"] < 300
    scale = desk.page.evaluate("app.canvas.ds.scale")
    scroller.click()
    desk.page.mouse.wheel(0, 100_000)
    expect(rows.last).to_be_in_viewport()
    assert desk.page.evaluate("app.canvas.ds.scale") == scale
    desk.page.keyboard.press("Home")
    expect(rows.first).to_be_in_viewport()


def test_what_is_connected_is_said_to_be_unknown(desk: Desk) -> None:
    open_transform(desk, "shake", ["3", 0], era="H")
    expect(table(desk).locator("tbody tr")).to_have_count(6)
    expect(says(desk)).to_have_text("Parallel, as many loops as connected, 6 pictures in each")
    desk.page.evaluate("() => app.graph.getNodeById(1).disconnectInput('iterations')")
    expect(says(desk)).to_have_text("Parallel, 2 loops, 12 pictures")
    open_own(desk, "6@.35")
    expect_rows(desk, "1 6 0.35 17 33")
    desk.page.evaluate("() => app.graph.getNodeById(4).connect(0, app.graph.getNodeById(1), 'transform.program')")
    expect(says(desk)).to_have_text("Connected: program. The program is known only in a run.")
    expect(table(desk)).to_be_hidden()


@in_pairs("saved", "shake", "own program")
def test_a_saved_workflow_keeps_every_value_and_shows_its_table(desk: Desk, saved: str) -> None:
    if saved == "shake":
        open_transform(desk, "shake", 4, era="H")
        values = [["transform", "shake"], ["transform.era", "H"], ["iterations", 4]]
        said = "Parallel, 4 loops, 24 pictures"
    else:
        open_own(desk, "8@.3 > 11@.2", True, True)
        values = [["transform", saved], ["transform.program", "8@.3 > 11@.2"]]
        values += [["transform.save_middle", True], ["transform.loop_to_loop", True], ["iterations", 0]]
        said = "Chained, every result kept, each loop starts from the last result, 3 loops, 6 pictures"
    expect(says(desk)).to_have_text(said)
    workflow = desk.page.evaluate("() => app.graph.serialize()")
    assert next(n for n in workflow["nodes"] if n["id"] == 1)["widgets_values"] == [value for _, value in values]
    desk.load({**workflow, "nodes": [], "links": []})
    expect(says(desk)).to_have_count(0)
    desk.load(workflow)
    expect(says(desk)).to_have_text(said)
    assert desk.page.evaluate(VALUES) == values
    assert desk.prompt()["1"]["inputs"] == dict(values)


def test_undo_takes_a_choice_back_and_the_table_follows(desk: Desk) -> None:
    open_transform(desk)
    desk.load(desk.page.evaluate("() => app.graph.serialize()"))
    expect_rows(desk, *NORMAL)
    choose(desk, "transform", "god")
    expect_rows(desk, "1 6 0.35 17 33", "2 9 0.35 17 33", "3 11 0.35 17 33")
    undo(desk)
    expect_rows(desk, *NORMAL)
    assert desk.widget("transform") == "normal"
    choose(desk, "transform", "unstuck")
    expect_rows(desk, "1 5 0.8 40 10", "2 6 0.8 40 10", "3 7 0.8 40 10")


def test_inside_a_subgraph_the_table_follows_too(desk: Desk) -> None:
    open_transform(desk)
    expect_rows(desk, *NORMAL)
    desk.page.evaluate("() => { app.canvas.graph.convertToSubgraph(new Set([app.graph.getNodeById(1)])) }")
    desk.look()
    desk.page.evaluate(
        "() => app.canvas.openSubgraph([...app.rootGraph.subgraphs.values()].at(-1), app.graph.nodes.at(-1))"
    )
    desk.look()
    desk.page.evaluate("() => { app.canvas.graph.nodes[0].pos = [120, 140] }")
    expect_rows(desk, *NORMAL)
    desk.page.evaluate(
        """() => { const widget = app.canvas.graph.nodes[0].widgets.find(w => w.name === "transform")
            widget.value = 'finalize'
            widget.callback?.('finalize') }"""
    )
    expect_rows(desk, "1 8 0.3 15 35", "2 11 0.2 10 40", "3 15 0.1 5 45")
