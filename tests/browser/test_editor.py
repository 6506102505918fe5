"""The canvas editor under real hands: pointer, keys, fingers."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from host.comfy import node
from PIL import Image
from places import PACK
from playwright.sync_api import expect

from .conftest import ONCE
from .desk import Desk
from .editor import edit, open_editor, region, text_of

pytestmark = ONCE

AXE = PACK / "js" / "node_modules" / "axe-core" / "axe.min.js"
TREE = region([10, 40, 10, 40], "a tree")
POND = region([50, 80, 45, 85], "a pond")
BENCH = region([20, 30, 60, 80], "a bench")


def test_a_drag_on_empty_ground_draws_a_region(desk: Desk) -> None:
    editor = open_editor(desk, TREE)
    editor.drag((50, 51), (71, 69))
    assert editor.rects() == [[10, 40, 10, 40], [50, 70, 50, 70]]
    assert editor.selected() == [2]
    drawn = editor.save()[2]
    assert (drawn["rect"], drawn["prefixes"]) == ([50, 70, 50, 70], ["A garden."])
    assert drawn["color"] != TREE["color"]


def test_a_drag_moves_all_that_is_selected_as_one_step(desk: Desk) -> None:
    editor = open_editor(desk, TREE, POND)
    editor.click(20, 20)
    editor.click(60, 60, "Shift")
    assert editor.selected() == [1, 2]
    editor.drag((60, 60), (50.4, 55.3))
    assert editor.rects() == [[5, 35, 0, 30], [45, 75, 35, 75]]
    editor.drag((20, 20), (200, 20))
    assert editor.rects() == [[5, 35, 15, 45], [45, 75, 50, 90]], "they stay inside, and together"
    editor.press("Control+z", "Control+z")
    assert editor.rects() == [[10, 40, 10, 40], [50, 80, 45, 85]]
    assert editor.saved()[1]["rect"] == [10, 40, 10, 40], "nothing is saved before Save"


def test_each_handle_resizes(desk: Desk) -> None:
    editor = open_editor(desk, region([30, 60, 30, 60]))
    editor.click(45, 45)
    found = {}
    for name, (x, y) in {
        "nw": (30, 30),
        "n": (45, 30),
        "ne": (60, 30),
        "e": (60, 45),
        "se": (60, 60),
        "s": (45, 60),
        "sw": (30, 60),
        "w": (30, 45),
    }.items():
        editor.drag((x, y), (x + 10, y + 5))
        found[name] = editor.rects()[0]
        editor.press("Control+z")
    assert found == {
        "nw": [35, 60, 40, 60],
        "n": [35, 60, 30, 60],
        "ne": [35, 60, 30, 70],
        "e": [30, 60, 30, 70],
        "se": [30, 65, 30, 70],
        "s": [30, 65, 30, 60],
        "sw": [30, 65, 40, 60],
        "w": [30, 60, 40, 60],
    }
    editor.drag((30, 30), (89, 89), "Alt")
    assert editor.rects() == [[59, 60, 59, 60]], "at least a cell is left"


def test_edges_snap_to_five_cells_to_one_and_with_alt_to_any(desk: Desk) -> None:
    editor = open_editor(desk, TREE)
    editor.drag((20, 20), (26.8, 23.1))
    assert editor.rects() == [[15, 45, 15, 45]]
    editor.press("Control+z")
    editor.drag((20, 20), (26.8, 23.1), "Alt")
    assert editor.rects() == [[13, 43, 17, 47]]
    editor.press("Control+z")
    editor.dialog.get_by_label("Snap to 5 cells").uncheck()
    editor.drag((20, 20), (26.8, 23.1))
    assert editor.rects() == [[13, 43, 17, 47]]


def test_align_and_distribute(desk: Desk) -> None:
    editor = open_editor(desk, TREE, POND, BENCH)
    editor.click(20, 20)
    editor.press("Control+a")
    found = {}
    for name in ("left edges", "centers", "right edges", "top edges", "middles", "bottom edges"):
        editor.button(f"Align {name}").click()
        found[name] = editor.rects()
        editor.button("Undo").click()
    assert found == {
        "left edges": [[10, 40, 10, 40], [50, 80, 10, 50], [20, 30, 10, 30]],
        "centers": [[10, 40, 33, 63], [50, 80, 28, 68], [20, 30, 38, 58]],
        "right edges": [[10, 40, 55, 85], [50, 80, 45, 85], [20, 30, 65, 85]],
        "top edges": [[10, 40, 10, 40], [10, 40, 45, 85], [10, 20, 60, 80]],
        "middles": [[30, 60, 10, 40], [30, 60, 45, 85], [40, 50, 60, 80]],
        "bottom edges": [[50, 80, 10, 40], [50, 80, 45, 85], [70, 80, 60, 80]],
    }
    editor.button("Distribute vertically").click()
    assert editor.rects() == [[10, 40, 10, 40], [50, 80, 45, 85], [40, 50, 60, 80]]
    editor.button("Undo").click()
    editor.button("Distribute horizontally").click()
    assert [rect[2:] for rect in editor.rects()] == [[10, 40], [33, 73], [65, 85]]


def test_one_region_aligns_to_the_picture(desk: Desk) -> None:
    editor = open_editor(desk, TREE)
    editor.button("Align right edges").click()
    editor.button("Align middles").click()
    assert editor.rects() == [[30, 60, 60, 90]]


def test_duplicate_and_delete(desk: Desk) -> None:
    editor = open_editor(desk, TREE, POND)
    editor.click(20, 20)
    editor.button("Duplicate").click()
    assert editor.rects()[2] == [15, 45, 15, 45]
    assert editor.selected() == [3]
    editor.click(60, 60)
    editor.button("Delete").click()
    assert editor.rects() == [[10, 40, 10, 40], [15, 45, 15, 45]]
    expect(editor.status).to_have_text("Deleted")
    assert [part["prefixes"][-1] for part in editor.save()] == ["A garden.", "a tree", "a tree"]


def test_the_list_shows_what_lies_in_front_first_and_reorders_by_drag(desk: Desk) -> None:
    editor = open_editor(desk, TREE, POND, BENCH)
    assert editor.rows() == ["3 a bench", "2 a pond", "1 a tree", "Whole picture"]
    box = editor.row("a tree").bounding_box()
    top = editor.row("a bench").bounding_box()
    assert box and top
    desk.drag((box["x"] + 80, box["y"] + 15), (top["x"] + 80, top["y"] + 3))
    assert editor.rows() == ["3 a tree", "2 a bench", "1 a pond", "Whole picture"]
    assert editor.selected() == [3]
    editor.row("a tree").get_by_role("button", name="a tree").first.focus()
    editor.press("Alt+ArrowDown")
    assert editor.rows() == ["3 a bench", "2 a tree", "1 a pond", "Whole picture"]
    assert [part["prefixes"][-1] for part in editor.save()[1:]] == ["a pond", "a tree", "a bench"]


def test_the_list_selects(desk: Desk) -> None:
    editor = open_editor(desk, TREE, POND, BENCH)
    editor.row("a bench").locator(".words").click()
    editor.row("a tree").locator(".words").click(modifiers=["Shift"])
    assert editor.selected() == [1, 2, 3]
    editor.row("a pond").locator(".words").click(modifiers=["Control"])
    assert editor.selected() == [1, 3]
    editor.row("Whole picture").get_by_role("button").click()
    assert editor.selected() == []
    editor.press("ArrowUp", "ArrowUp")
    assert editor.selected() == [2]
    editor.press("Shift+ArrowUp")
    assert editor.selected() == [2, 3]


def test_a_locked_region_stays_and_is_ground(desk: Desk) -> None:
    editor = open_editor(desk, region([0, 90, 0, 90], "the lawn"), TREE)
    editor.row("the lawn").hover()
    editor.button("Lock the lawn").click()
    editor.click(70, 70)
    assert editor.selected() == [1], "it can be selected"
    editor.press("ArrowLeft", "Delete")
    assert editor.rects()[0] == [0, 90, 0, 90]
    expect(editor.status).to_have_text("Locked regions stay as they are.")
    editor.drag((60, 60), (70, 70))
    assert editor.rects()[0] == [0, 90, 0, 90]
    assert editor.rects()[2] == [60, 70, 60, 70], "it can be drawn upon"
    assert editor.save()[1]["editor"] == {"locked": True}


def test_a_hidden_region_is_not_drawn_but_stays(desk: Desk) -> None:
    editor = open_editor(desk, TREE, POND)
    editor.button("Hide a pond").click()
    assert editor.rects() == [[10, 40, 10, 40]]
    editor.drag((60, 60), (70, 70))
    assert editor.rects() == [[10, 40, 10, 40], [60, 70, 60, 70]], "what is below can be reached"
    saved = editor.save()
    assert (saved[2]["rect"], saved[2]["editor"]) == ([50, 80, 45, 85], {"hidden": True})


def test_clicks_and_a_frame_select_many(desk: Desk) -> None:
    editor = open_editor(desk, TREE, POND, BENCH)
    editor.click(5, 5)
    assert editor.selected() == []
    editor.click(20, 20)
    editor.click(70, 25, "Control")
    assert editor.selected() == [1, 3]
    editor.click(20, 20, "Shift")
    assert editor.selected() == [3]
    editor.click(5, 5)
    editor.drag((5, 45), (62, 25), "Shift")
    assert editor.selected() == [1, 3]
    assert len(editor.rects()) == 3, "nothing was drawn"
    editor.click(70, 25)
    assert editor.selected() == [3], "a click on one of many selects it alone"


def test_regions_are_copied_to_another_canvas(desk: Desk) -> None:
    other = json.dumps([{"rect": [0, 90, 0, 90], "prefixes": ["A street.", "At night."], "suffixes": []}])
    desk.load_api(
        {"1": node("ResonanceCanvas", canvas_text=text_of(TREE, POND)), "2": node("ResonanceCanvas", canvas_text=other)}
    )
    editor = edit(desk, 1)
    editor.press("Control+a", "Control+c")
    expect(editor.status).to_have_text("Copied regions: 2")
    copied = json.loads(desk.page.evaluate("() => navigator.clipboard.readText()"))
    assert [part["prefixes"] for part in copied] == [["A garden."], TREE["prefixes"], POND["prefixes"]]
    editor.press("Escape")
    editor.dialog.wait_for(state="detached")
    editor = edit(desk, 2)
    editor.press("Control+v")
    assert editor.rects() == [TREE["rect"], POND["rect"]]
    assert [part["prefixes"] for part in editor.save()[1:]] == [
        ["A street.", "At night.", "a tree"],
        ["A street.", "At night.", "a pond"],
    ]
    assert desk.page.evaluate("() => app.graph.nodes.length") == 2


def test_cut_and_what_cannot_be_pasted(desk: Desk) -> None:
    editor = open_editor(desk, TREE, POND)
    editor.click(20, 20)
    editor.press("Control+x")
    assert editor.rects() == [POND["rect"]]
    editor.press("Control+v", "Control+v")
    assert editor.rects() == [POND["rect"], TREE["rect"], [15, 45, 15, 45]], "what is there already is not covered"
    desk.page.evaluate("() => navigator.clipboard.writeText('<b>no</b>')")
    editor.press("Control+v")
    expect(editor.status).to_have_text("What is on the clipboard is not the JSON of a canvas.")


def test_a_picture_that_is_dropped_on_a_region_is_its_own(desk: Desk, tmp_path: Path) -> None:
    Image.new("RGB", (64, 48), "red").save(tmp_path / "barn.png")
    editor = open_editor(desk, TREE, POND)
    on_stage, field = (
        editor.dialog.locator(".resonance-picture"),
        editor.dialog.get_by_role("group", name="Picture", exact=True),
    )
    desk.drop(editor.at(65, 65), tmp_path / "barn.png")
    expect(editor.status).to_contain_text("a pond has the picture barn.png.")
    expect(field.get_by_role("img", name="Picture of the region")).to_have_js_property("naturalWidth", 64)
    assert (desk.comfy.base / "input" / "barn.png").is_file()
    editor.button("Undo").click()
    expect(on_stage).to_have_count(0)
    editor.button("Redo").click()
    field.get_by_label("Picture's strength").fill("0.5")
    assert [part.get("picture") for part in editor.save()] == [None, None, {"file": "barn.png", "strength": 0.5}]
    expect(desk.page.locator(".resonance-preview image")).to_have_count(1)
    # It is in the workflow, and missing where its file is.
    (desk.comfy.base / "input" / "barn.png").rename(tmp_path / "gone.png")
    desk.load(desk.page.evaluate("() => app.graph.serialize()"))
    editor = edit(desk)
    expect(on_stage).to_have_class(re.compile("missing"))
    editor.row("pond").click()
    expect(field).to_contain_text("barn.png is missing in ComfyUI's input folder")
    field.get_by_role("button", name="Take the picture out").click()
    assert not any("picture" in part for part in editor.save())


def test_undo_and_redo(desk: Desk) -> None:
    editor = open_editor(desk, TREE)
    undo, redo = editor.button("Undo"), editor.button("Redo")
    expect(undo).to_have_attribute("aria-disabled", "true")
    editor.drag((20, 20), (30, 20))
    editor.press("n", "Delete")
    assert editor.rects() == [[10, 40, 20, 50]]
    undo.click()
    assert len(editor.rects()) == 2
    editor.press("Control+z", "Control+z")
    assert editor.rects() == [[10, 40, 10, 40]]
    editor.press("Control+y")
    redo.click()
    editor.press("Control+Shift+z")
    assert editor.rects() == [[10, 40, 20, 50]]
    expect(redo).to_have_attribute("aria-disabled", "true")


def test_the_keyboard_does_it_all(desk: Desk) -> None:
    editor = open_editor(desk, TREE, POND)
    assert editor.selected() == [1]
    editor.press("Tab")
    assert editor.selected() == [2]
    editor.press("ArrowLeft", "ArrowUp", "Control+ArrowUp", "Shift+ArrowRight", "Shift+Control+ArrowDown")
    assert editor.rects()[1] == [44, 79, 44, 85]
    expect(editor.status).to_have_text("Region 2, a pond: left 44, top 44, 41 wide, 35 high")
    editor.press("[")
    assert editor.rows()[:2] == ["2 a tree", "1 a pond"]
    editor.press("Shift+]", "Control+d", "ArrowLeft")
    assert editor.rects()[2] == [49, 84, 48, 89]
    editor.press("l", "Delete")
    assert len(editor.rects()) == 3
    editor.press("l", "Delete", "n")
    assert len(editor.rects()) == 3
    editor.press("h")
    assert len(editor.rects()) == 2
    editor.press("Home")
    assert editor.selected() == []
    editor.press("?")
    expect(editor.dialog.get_by_text("Duplicate", exact=True)).to_be_visible()
    editor.press("Escape")
    expect(editor.dialog.locator(".resonance-help")).to_be_hidden()
    editor.press("Control+s")
    editor.dialog.wait_for(state="detached")
    assert len(editor.saved()) == 4


def test_escape_takes_back_a_drag(desk: Desk) -> None:
    editor = open_editor(desk, TREE)
    page = desk.page
    page.mouse.move(*editor.at(20, 20))
    page.mouse.down()
    page.mouse.move(*editor.at(40, 40), steps=3)
    assert editor.rects() == [[30, 60, 30, 60]]
    page.keyboard.press("Escape")
    assert editor.rects() == [[10, 40, 10, 40]]
    page.mouse.move(*editor.at(50, 50))
    page.mouse.up()
    assert editor.rects() == [[10, 40, 10, 40]]
    page.mouse.move(*editor.at(60, 60))
    page.mouse.down()
    page.mouse.move(*editor.at(80, 80), steps=3)
    assert len(editor.rects()) == 2
    page.keyboard.press("Escape")
    page.mouse.up()
    assert editor.rects() == [[10, 40, 10, 40]]
    expect(editor.dialog).to_be_visible()
    expect(editor.button("Undo")).to_have_attribute("aria-disabled", "true")


def test_zoom_and_pan(desk: Desk) -> None:
    editor = open_editor(desk, TREE)
    page = desk.page
    percent = editor.dialog.get_by_label("Zoom", exact=True)
    before = editor.at(60, 60)
    page.mouse.move(*before)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -400)
    page.keyboard.up("Control")
    expect(percent).to_have_text("223%")
    assert editor.at(60, 60) == pytest.approx(before, abs=2), "what is below the pointer stays"
    start = editor.at(60, 60)
    page.keyboard.down(" ")
    desk.drag(start, (start[0] + 60, start[1] + 40))
    page.keyboard.up(" ")
    assert editor.at(60, 60) == pytest.approx((start[0] + 60, start[1] + 40), abs=2)
    page.mouse.down(button="middle")
    page.mouse.move(start[0] + 30, start[1] + 10)
    page.mouse.up(button="middle")
    assert editor.at(60, 60) == pytest.approx((start[0] + 30, start[1] + 10), abs=2)
    assert len(editor.rects()) == 1
    editor.drag((50, 50), (60, 60))
    assert editor.rects()[1] == [50, 60, 50, 60], "the pointer is exact at any zoom"
    editor.button("Zoom out").click()
    expect(percent).to_have_text("178%")
    editor.press("0")
    expect(percent).to_have_text("100%")


@pytest.mark.parametrize(("width", "height"), [(1024, 512), (512, 1024)])
def test_the_stage_has_the_format_of_the_picture(desk: Desk, width: int, height: int) -> None:
    editor = open_editor(desk, TREE, width=width, height=height)
    box = editor.stage.bounding_box()
    assert box and box["width"] / box["height"] == pytest.approx(width / height, rel=0.01)
    handle = editor.dialog.locator("[data-handle=se] .seen").bounding_box()
    assert handle and handle["width"] == pytest.approx(handle["height"], abs=0.5)
    editor.drag((20, 20), (30, 40))
    assert editor.rects() == [[30, 60, 20, 50]]


def test_escape_asks_once_before_changes_are_lost(desk: Desk) -> None:
    editor = open_editor(desk, TREE)
    editor.press("ArrowRight", "Escape")
    expect(editor.alert).to_have_text("Unsaved changes: Esc or Cancel again discards them.")
    editor.press("ArrowRight")
    expect(editor.alert).to_be_empty()
    editor.press("Escape", "Escape")
    editor.dialog.wait_for(state="detached")
    assert editor.saved()[1]["rect"] == TREE["rect"]


def test_a_text_that_is_no_canvas_is_not_saved(desk: Desk) -> None:
    editor = open_editor(desk, TREE)
    editor.tab("JSON")
    editor.dialog.get_by_role("textbox").fill("[{")
    editor.press("Control+s")
    expect(editor.alert).to_contain_text("The JSON cannot be saved.")
    assert desk.widget("canvas_text") == text_of(TREE)
    editor.tab("Layout")
    assert editor.rects() == [TREE["rect"]], "the last good canvas stays"


def test_what_was_not_changed_closes_and_stays_as_it_was_written(desk: Desk) -> None:
    editor = open_editor(desk, TREE)
    editor.press("Control+Enter")
    editor.dialog.wait_for(state="detached")
    assert desk.widget("canvas_text") == text_of(TREE)


def test_everything_is_in_reach_at_1280_by_720(desk: Desk) -> None:
    editor = open_editor(desk, *(region([i, i + 10, i, i + 10], f"thing {i}") for i in range(0, 80, 4)))
    inside = """dialog => { const d = dialog.getBoundingClientRect()
        return [d.width, d.height, ...[...dialog.querySelectorAll('button, svg')].filter(e => e.checkVisibility()
            && !e.closest('.resonance-list, .resonance-words, svg svg')).flatMap(e => {
            const r = e.getBoundingClientRect()
            return r.left < d.left || r.right > d.right || r.top < d.top || r.bottom > d.bottom ? [e.outerHTML] : [] })] }"""
    width, height, *outside = editor.dialog.evaluate(inside)
    assert (width, height) == (1248, 688)
    assert outside == []
    stage = editor.stage.bounding_box()
    assert stage and stage["height"] > 400


def touch(session: Any, kind: str, *points: tuple[float, float]) -> None:
    places = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})


def test_fingers_draw_move_pan_and_pinch(desk: Desk) -> None:
    editor = open_editor(desk, TREE)
    session = desk.page.context.new_cdp_session(desk.page)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})

    def swipe(start: tuple[float, float], end: tuple[float, float]) -> None:
        (x, y), (to_x, to_y) = editor.at(*start), editor.at(*end)
        touch(session, "touchStart", (x, y))
        for part in (0.3, 0.6, 1):
            touch(session, "touchMove", (x + (to_x - x) * part, y + (to_y - y) * part))
        touch(session, "touchEnd")

    swipe((50, 50), (70, 70))
    assert editor.rects()[1] == [50, 70, 50, 70]
    swipe((20, 20), (30, 25))
    assert editor.rects()[0] == [15, 45, 20, 50]

    x, y = editor.at(45, 45)
    touch(session, "touchStart", (x - 50, y), (x + 50, y))
    touch(session, "touchMove", (x - 75, y), (x + 75, y))
    touch(session, "touchMove", (x - 100, y), (x + 100, y))
    expect(editor.dialog.get_by_label("Zoom", exact=True)).to_have_text("200%")
    middle = editor.at(45, 45)
    touch(session, "touchMove", (x - 130, y - 20), (x + 70, y - 20))
    touch(session, "touchEnd")
    assert editor.at(45, 45) == pytest.approx((middle[0] - 30, middle[1] - 20), abs=2)
    assert len(editor.rects()) == 2, "two fingers draw nothing"
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": False})
    session.detach()


@pytest.mark.quiet
@pytest.mark.parametrize("which", ["one", "all"])
def test_a_pointer_move_takes_under_eight_milliseconds_with_100_regions(desk: Desk, which: str) -> None:
    regions = [region([y, y + 8, x, x + 8], f"thing {x} {y}") for y in range(0, 90, 9) for x in range(0, 90, 9)]
    editor = open_editor(desk, *regions)
    editor.dialog.get_by_label("Snap to 5 cells").uncheck()
    editor.click(40, 40)
    if which == "all":
        # Smaller, so that there is room to move.
        editor.press("Control+a", *["Shift+ArrowLeft"] * 2)
    places = [editor.at(40 + step % 7, 40 + step % 2) for step in range(60)]
    desk.page.mouse.down()
    with traced(desk) as found:
        for place in places:
            desk.page.mouse.move(*place)
        desk.settle()
    desk.page.mouse.up()
    cost = costs(found)
    print(f"{desk.renderer}, {which}: median {median(cost):.2f} ms, most {max(cost):.2f} ms")
    assert len(cost) >= 30
    assert median(cost) < 8


@contextmanager
def traced(desk: Desk) -> Iterator[list[dict[str, Any]]]:
    """What the browser does meanwhile; complete at the end."""
    session = desk.page.context.new_cdp_session(desk.page)
    found: list[dict[str, Any]] = []
    ends: list[bool] = []
    session.on("Tracing.dataCollected", lambda event: found.extend(event["value"]))
    session.on("Tracing.tracingComplete", lambda _: ends.append(True))
    session.send("Tracing.start", {"categories": "devtools.timeline"})
    yield found
    session.send("Tracing.end")
    while not ends:
        desk.page.wait_for_timeout(20)
    session.detach()


def costs(trace: list[dict[str, Any]]) -> list[float]:
    """Milliseconds of script, style and layout per pointer move: what runs from one move to the next.

    Of the processor, where the browser says so: other programs on a busy machine do not count.
    """
    moves = sorted(
        e["ts"] for e in trace if e["name"] == "EventDispatch" and e["args"]["data"]["type"] == "pointermove"
    )
    parts = [
        e for e in trace if e["name"] in ("EventDispatch", "FunctionCall", "Layout", "UpdateLayoutTree") and "dur" in e
    ]
    main = {e["tid"] for e in trace if e["name"] == "EventDispatch"}
    total = [0.0] * len(moves)
    end = 0.0
    for part in sorted(parts, key=lambda e: e["ts"]):
        # What runs inside another part is counted with it.
        if part["tid"] not in main or part["ts"] < end:
            continue
        end = part["ts"] + part["dur"]
        before = [i for i, at in enumerate(moves) if at <= part["ts"]]
        if before:
            total[before[-1]] += part.get("tdur", part["dur"]) / 1000
    return total


@pytest.mark.parametrize("palette", ["dark", "light"])
def test_axe_finds_nothing(desk: Desk, palette: str) -> None:
    desk.page.evaluate("id => app.extensionManager.setting.set('Comfy.ColorPalette', id)", palette)
    editor = open_editor(
        desk, TREE, POND, region([20, 30, 60, 80], "a bench", editor={"locked": True}, picture={"file": "gone.png"})
    )
    if not desk.page.evaluate("() => 'axe' in window"):
        desk.page.add_script_tag(content=AXE.read_text())
    for tab in ("Layout", "JSON"):
        editor.tab(tab)
        found = desk.page.evaluate("async () => (await axe.run('dialog.resonance-editor')).violations")
        assert [(one["id"], [part["html"] for part in one["nodes"]]) for one in found] == []
    desk.page.evaluate("() => app.extensionManager.setting.set('Comfy.ColorPalette', 'dark')")
