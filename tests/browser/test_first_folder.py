"""The first folder of Round Input: chosen from a list, dropped or uploaded; and pictures that are gone, made again."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from host.comfy import node
from host.graphs import output, pictures, quick, until
from playwright.sync_api import Locator, expect

from .conftest import ONCE, OTHER_PAIR, PAIR
from .desk import Desk
from .test_gallery import AXE, axe
from .test_nodes import place, title

pytestmark = pytest.mark.leaves_traces


def rounds(session: str, folder: str, **more: Any) -> dict[str, Any]:
    return {
        "1": node("ResonanceRoundInput", session=session, first_folder=folder, **{"rounds": 1, **more}),
        "2": node("ResonanceRoundOutput", images=["1", 0], item=["1", 1]),
    }


def open_rounds(desk: Desk, session: str, folder: str = "pictures", **more: Any) -> None:
    desk.load_api(rounds(session, folder, **more))
    place(desk, 1, 2)


def button(desk: Desk, name: str) -> Locator:
    return desk.page.locator(".resonance-folder").get_by_role("button", name=name)


def dialog(desk: Desk) -> Locator:
    return desk.page.get_by_role("dialog", name="First folder")


def status(desk: Desk) -> Locator:
    return desk.page.locator(".resonance-folder [role=status]")


def folder_of(desk: Desk) -> Any:
    return desk.prompt()["1"]["inputs"]["first_folder"]


@pytest.mark.skipif(not AXE.is_file(), reason="npm has not installed axe-core")
def test_a_folder_is_chosen_by_key_and_by_pointer(desk: Desk) -> None:
    page = desk.page
    for name in ("aardvark", "zebra", "zebra/foal"):
        pictures(desk.comfy, name, "red", "green")
    open_rounds(desk, "choosing")
    button(desk, "Choose folder").focus()
    page.keyboard.press("Enter")
    expect(dialog(desk)).to_be_visible()
    listed = dialog(desk).get_by_role("listbox")
    expect(listed).to_be_focused()
    assert axe(page, "dialog.resonance-folders") == [] and axe(page, ".resonance-folder") == []
    texts = listed.locator("option").all_inner_texts()
    assert "zebra (4)" in texts and "[samples] (3)" in texts
    page.keyboard.type("zebra")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(dialog(desk)).to_have_count(0)
    expect(button(desk, "Choose folder")).to_be_focused()
    assert folder_of(desk) == "zebra/foal" and desk.widget("first_folder") == "zebra/foal"
    desk.undo()
    assert folder_of(desk) == "pictures"
    button(desk, "Choose folder").click()
    dialog(desk).get_by_role("listbox").select_option("aardvark")
    dialog(desk).get_by_role("button", name="Use folder").click()
    assert folder_of(desk) == "aardvark"
    button(desk, "Choose folder").click()
    expect(listed.locator("option:checked")).to_have_text("aardvark (2)")
    page.keyboard.press("Escape")
    expect(dialog(desk)).to_have_count(0)
    saved = page.evaluate("() => app.graph.serialize()")
    desk.load(saved)
    assert folder_of(desk) == "aardvark"
    expect(button(desk, "Choose folder")).to_have_count(1)


@pytest.mark.one_page
def test_pictures_are_uploaded_into_a_new_folder(desk: Desk, tmp_path: Path) -> None:
    session = f"uploading {desk.renderer} {'newer' if '--front-end-root' in desk.comfy.args else 'pinned'}"
    pictures(desk.comfy, f"{session} own", "red", "green")
    own = desk.comfy.base / "input" / f"{session} own"
    (tmp_path / "notes.txt").write_text("no picture")
    open_rounds(desk, session)
    with desk.page.expect_file_chooser() as choosing:
        button(desk, "Upload pictures").click()
    choosing.value.set_files([own / "1-red.png", tmp_path / "notes.txt", own / "2-green.png"])
    expect(status(desk)).to_contain_text("Pictures uploaded to input/pictures")
    expect(status(desk)).to_contain_text(": 2. No pictures, and not uploaded: notes.txt.")
    chosen = folder_of(desk)
    assert chosen.startswith("pictures")
    there = sorted((desk.comfy.base / "input" / chosen).iterdir())
    assert [path.name for path in there] == ["1-red.png", "2-green.png"]
    with desk.page.expect_file_chooser() as choosing:
        button(desk, "Upload pictures").click()
    choosing.value.set_files([own / "1-red.png"])
    expect(status(desk)).to_contain_text(": 1.")
    assert folder_of(desk) != chosen and len(list((desk.comfy.base / "input" / chosen).iterdir())) == 2
    desk.run()
    until(lambda: (output(desk.comfy) / session / "round-0001").is_dir())
    desk.undo()
    assert folder_of(desk) == chosen


@pytest.mark.one_page
def test_what_is_dropped_on_the_node_is_uploaded(desk: Desk, tmp_path: Path) -> None:
    number = f"{desk.renderer} {'newer' if '--front-end-root' in desk.comfy.args else 'pinned'}"
    holiday = tmp_path / f"holiday {number}"
    (holiday / "sea").mkdir(parents=True)
    pictures(desk.comfy, "dropped", "red", "green")
    for name, place_ in (("1-red.png", holiday), ("2-green.png", holiday / "sea")):
        shutil.copy(desk.comfy.base / "input" / "dropped" / name, place_ / name)
    (holiday / "notes.txt").write_text("no picture")
    (holiday / ".hidden").write_text("")
    open_rounds(desk, "dropping")
    x, y = title(desk, 1)
    desk.drop((x, y + 60), holiday)
    expect(status(desk)).to_contain_text(f"Pictures uploaded to input/holiday {number}: 2.")
    expect(status(desk)).to_contain_text("not uploaded: notes.txt.")
    assert folder_of(desk) == f"holiday {number}"
    there = desk.comfy.base / "input" / f"holiday {number}"
    assert sorted(str(path.relative_to(there)) for path in there.rglob("*.*")) == ["1-red.png", "sea/2-green.png"]
    box = button(desk, "Choose folder").bounding_box()
    assert box
    desk.drop((box["x"] + 5, box["y"] + 5), holiday / "1-red.png", holiday / "sea" / "2-green.png")
    expect(status(desk)).to_contain_text("Pictures uploaded to input/pictures")
    assert (
        folder_of(desk).startswith("pictures") and len(desk.page.evaluate("() => app.graph.nodes.map(n => n.id)")) == 2
    )


@ONCE
def test_what_cannot_be_uploaded_is_named(desk: Desk) -> None:
    pictures(desk.comfy, "failing", "red", "green")
    own = desk.comfy.base / "input" / "failing"
    open_rounds(desk, "failing")
    before = folder_of(desk)
    desk.page.route("**/upload/image", lambda route: route.fulfill(status=413, body=""))
    with desk.page.expect_file_chooser() as choosing:
        button(desk, "Upload pictures").click()
    choosing.value.set_files([own / "1-red.png", own / "2-green.png"])
    expect(status(desk)).to_contain_text("Not uploaded: 1-red.png (413")
    desk.page.unroute("**/upload/image")
    assert folder_of(desk) == before
    expect(button(desk, "Upload pictures")).to_be_enabled()
    desk.errors = []


@OTHER_PAIR
def test_inside_a_subgraph_a_folder_is_chosen_too(desk: Desk) -> None:
    pictures(desk.comfy, "inside", "red")
    open_rounds(desk, "inside")
    desk.page.evaluate("() => { app.canvas.graph.convertToSubgraph(new Set([app.graph.getNodeById(1)])) }")
    desk.look()
    enter = "() => app.canvas.openSubgraph([...app.rootGraph.subgraphs.values()].at(-1), app.graph.nodes.at(-1))"
    desk.page.evaluate(enter)
    desk.look()
    button(desk, "Choose folder").click()
    dialog(desk).get_by_role("listbox").select_option("inside")
    desk.page.keyboard.press("Enter")
    [chosen] = [each["inputs"] for each in desk.prompt().values() if each["class_type"] == "ResonanceRoundInput"]
    assert chosen["first_folder"] == "inside"


@PAIR
def test_pictures_that_are_gone_are_made_again_by_a_button_on_the_node(desk: Desk) -> None:
    session = f"again {desk.renderer}"
    pictures(desk.comfy, session, "red", "green")
    open_rounds(desk, session, session)
    desk.run()
    made = sorted((output(desk.comfy) / session / "round-0001").iterdir())
    shutil.rmtree(output(desk.comfy) / session / "round-0001")
    desk.run()
    said = desk.page.locator(".resonance-said").first
    gone = (
        f"The 2 pictures of round 1 are gone from output/{session}/round-0001: put them back, or have them made again."
    )
    until(lambda: said.input_value().endswith(gone))
    expect(desk.page.locator(".resonance-said.problem")).to_have_count(0)
    again = desk.page.get_by_role("button", name="Make them again")
    again.focus()
    desk.page.keyboard.press("Enter")
    until(lambda: sorted((output(desk.comfy) / session).glob("round-0001/*.png")) == made)
    desk.comfy.idle()
    expect(again).to_be_hidden()
    until(lambda: "round 1: 2 of 2, finished" in said.input_value())


@ONCE
def test_no_time_is_left_once_the_queue_was_emptied(desk: Desk) -> None:
    pictures(desk.comfy, "stopping", "red", "green", "blue", "red")
    desk.load_api(quick("stopping", "stopping", paint={"seconds": 1.5}))
    place(desk, 1, 5)
    desk.page.evaluate("() => app.queuePrompt(0)")
    said = desk.page.locator(".resonance-said").first
    expect(said).to_have_value(re.compile("left$"), timeout=20_000)
    desk.comfy.post("/queue", {"clear": True})
    desk.comfy.post("/interrupt")
    desk.comfy.idle()
    expect(said).not_to_have_value(re.compile("left"))
