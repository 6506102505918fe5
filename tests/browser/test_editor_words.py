"""The words of regions, typed by hand: what is shown, what is saved, and the ways in and out for other forms of text."""

import json
from pathlib import Path
from typing import Any

import pytest
from host.comfy import node
from places import PACK
from playwright.sync_api import Locator, expect

from .conftest import ONCE
from .desk import Desk
from .editor import Editor, open_editor, region

pytestmark = ONCE

AXE = PACK / "js" / "node_modules" / "axe-core" / "axe.min.js"
BOAT = {**region([15, 75, 15, 75], "A boat."), "suffixes": ["It is red.", "boat, red"], "tags": 1}
GULL = region([0, 20, 0, 20], "A gull.")


class Words:
    """The form of the editor that is open."""

    def __init__(self, editor: Editor) -> None:
        self.editor, self.page = editor, editor.page
        self.form = editor.dialog.locator(".resonance-form")

    def box(self, name: str) -> Locator:
        return self.form.get_by_label(name, exact=True)

    def type(self, name: str, text: str) -> None:
        """Types over what stands there, a key at a time."""
        self.box(name).click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def choose(self, name: str, option: str) -> None:
        """Chooses by the keyboard, as the browser's own menus have no elements."""
        self.box(name).focus()
        self.page.keyboard.type(option)

    def words(self) -> list[str]:
        return [self.box(name).input_value() for name in ("Location", "Offset", "Area")]


def test_every_field_is_saved_as_it_was_typed(desk: Desk) -> None:
    words = Words(editor := open_editor(desk, BOAT))
    words.type("Name", "bo(a)t")
    words.type("Description 1", "A boat\\, (red:1.2)")
    words.type("Tags", "boat, sail")
    words.type("Negative", "blurry")
    words.type("Weight", "1.25")
    words.type("Start", "0.1")
    words.type("End", "0.75")
    words.type("Color: CSS name or #rrggbb", "rebeccapurple")
    expect(words.box("Color picker")).to_have_value("#663399")
    words.box("File").select_option("tiny_lora.safetensors")
    words.type("Strength", "-0.5")
    words.type("Left", "0")
    words.type("Top", "1")
    words.type("Width", "88")
    words.type("Height", "9")
    assert editor.save()[1] == {
        "rect": [1, 10, 0, 88],
        "prefixes": ["A garden.", "A boat\\, (red:1.2)"],
        "suffixes": ["It is red.", "boat, sail"],
        "color": [102, 51, 153],
        "name": "bo(a)t",
        "tags": 1,
        "negative": "blurry",
        "weight": 1.25,
        "start": 0.1,
        "end": 0.75,
        "lora": {"file": "tiny_lora.safetensors", "strength": -0.5},
    }


def test_what_is_typed_in_a_field_is_one_step(desk: Desk) -> None:
    words = Words(editor := open_editor(desk, BOAT))
    words.type("Name", "ketch")
    words.type("Negative", "fog")
    assert words.box("Negative").evaluate("box => [box.selectionStart, document.activeElement === box]") == [3, True]
    editor.button("Undo").click()
    expect(words.box("Negative")).to_have_value("")
    expect(words.box("Name")).to_have_value("ketch")
    editor.button("Undo").click()
    expect(words.box("Name")).to_have_value("")


def test_the_caret_stays_where_one_types(desk: Desk) -> None:
    words = Words(open_editor(desk, BOAT))
    words.box("Description 1").click()
    words.page.keyboard.press("Home")
    words.page.keyboard.type("Is it ")
    expect(words.box("Description 1")).to_have_value("Is it A boat.")


def test_words_and_rectangle_stay_in_step_both_ways(desk: Desk) -> None:
    words = Words(editor := open_editor(desk, BOAT))
    assert words.words() == ["in the center", "no offset", "a medium-sized square area"]
    words.choose("Location", "on the left")
    assert editor.rects() == [[15, 75, 0, 45]]
    expect(words.box("Width")).to_have_value("45")
    words.choose("Area", "a small vertical area")
    assert editor.rects() == [[15, 75, 0, 35]]
    editor.drag((10, 40), (40, 40))
    assert editor.rects() == [[15, 75, 30, 65]]
    assert (
        words.words() == ["", "", ""] and words.box("Location").evaluate("s => s.selectedOptions[0].text") == "custom"
    )
    words.type("Left", "25")
    words.type("Width", "40")
    assert words.words() == ["in the center", "no offset", "a small vertical area"]
    for _ in range(3):
        editor.button("Undo").click()
    assert words.words() == ["on the left", "no offset", "a small vertical area"]


def test_rows_are_added_moved_and_removed(desk: Desk) -> None:
    words = Words(editor := open_editor(desk, BOAT))
    words.box("Detail 1").click()
    words.page.keyboard.press("End")
    words.page.keyboard.press("Enter")
    words.page.keyboard.type("It has a sail.")
    words.page.keyboard.press("Enter")
    words.page.keyboard.type("It leaks.")
    words.page.keyboard.press("Alt+ArrowUp")
    words.form.get_by_role("button", name="Remove").nth(1).click()
    words.form.get_by_role("button", name="Add a row: Description").click()
    words.page.keyboard.type("At sea.")
    saved = editor.save()[1]
    assert (saved["suffixes"], saved["tags"]) == (["It leaks.", "It has a sail.", "boat, red"], 2)
    assert saved["prefixes"] == ["A garden.", "A boat.", "At sea."]


def test_the_global_description_changes_in_the_regions_that_begin_with_it(desk: Desk) -> None:
    words = Words(editor := open_editor(desk, BOAT, {**GULL, "prefixes": ["A gull."]}))
    editor.row("Whole picture").click()
    expect(words.form.get_by_role("heading")).to_have_text("Whole picture")
    for name in ("Name", "Location", "Start"):
        expect(words.box(name)).to_be_hidden()
    words.type("Description 1", "A bay")
    words.type("Detail 1", "Fog")
    words.type("Tags", "bay")
    editor.row("A boat").click()
    expect(words.form.locator(".shared")).to_have_text("A bay")
    whole, boat, gull = editor.save()
    assert (whole["prefixes"], whole["suffixes"], whole["tags"]) == (["A bay"], ["Fog", "bay"], 1)
    assert (boat["prefixes"], gull["prefixes"]) == (["A bay", "A boat."], ["A gull."])


def test_loras_have_rows_that_are_added_and_removed(desk: Desk) -> None:
    words = Words(editor := open_editor(desk, BOAT))
    group = words.form.get_by_role("group", name="LoRA", exact=True)

    def rows() -> list[list[str]]:
        files, strengths = (
            group.locator(which).evaluate_all("all => all.map(e => e.value)") for which in ("select", "input")
        )
        return [list(row) for row in zip(files, strengths, strict=True)]

    swap = "tiny_lora.safetensors"
    expect(words.box("Strength")).to_be_disabled()
    words.box("File").select_option(swap)
    words.type("Strength", "0.5")
    # The second by the keyboard alone.
    words.choose("File 2", "tiny_l")
    editor.press("Tab", "Tab", "Control+a")
    words.page.keyboard.type("-2")
    assert rows() == [[swap, "0.5"], [swap, "-2"], ["", "1"]]
    group.get_by_role("button", name="Remove", exact=True).click()
    assert rows() == [[swap, "-2"], ["", "1"]]
    editor.button("Undo").click()
    assert rows() == [[swap, "0.5"], [swap, "-2"], ["", "1"]]
    # The whole picture has LoRAs, too.
    editor.row("Whole picture").click()
    assert rows() == [["", "1"]]
    words.box("File").select_option(swap)
    saved = editor.save()
    assert saved[0]["lora"] == {"file": swap, "strength": 1}
    assert saved[1]["lora"] == [{"file": swap, "strength": 0.5}, {"file": swap, "strength": -2}]


def test_some_fields_change_all_selected_regions(desk: Desk) -> None:
    words = Words(editor := open_editor(desk, BOAT, GULL))
    editor.click(45, 45)
    editor.click(10, 10, "Shift")
    expect(words.form.get_by_text("2 regions are selected")).to_be_visible()
    words.type("Weight", "0.5")
    words.type("Color: CSS name or #rrggbb", "#0a0b0c")
    words.type("Name", "gull")
    saved = editor.save()
    assert [(one["weight"], one["color"]) for one in saved[1:]] == [(0.5, [10, 11, 12])] * 2
    assert [one.get("name") for one in saved] == [None, None, "gull"]


def test_a_locked_region_stays_in_its_place(desk: Desk) -> None:
    words = Words(open_editor(desk, {**BOAT, "editor": {"locked": True}}))
    expect(words.box("Location")).to_be_disabled()
    expect(words.box("Left")).to_be_disabled()
    expect(words.box("Name")).to_be_enabled()


def test_tokens_are_counted_as_the_encoder_packs_them(desk: Desk) -> None:
    long = [" ".join(f"stone{i}{k}" for k in range(9)) + "." for i in range(6)]
    one = {**region([0, 9, 0, 9], "A wall."), "suffixes": long}
    words = Words(editor := open_editor(desk, one))
    bags = words.form.locator(".bags")

    def packed(change: dict[str, Any]) -> str:
        said = desk.comfy.post("/resonance/canvas/tokens", {"regions": [one | change]}).json()
        assert said["room"] == 75 and len(said["bags"][0]) > 2
        return "".join(f"{n} / 75" for n in said["bags"][0])

    expect(bags).to_have_text(packed({}))
    words.type("Detail 6", "gravel")
    expect(bags).to_have_text(packed({"suffixes": [*long[:5], "gravel"]}))
    words.box("Description 1").click()
    editor.page.keyboard.insert_text("a " * 90)
    expect(bags).to_have_text("75 / 75")
    expect(words.form.get_by_text("do not fit and are left out")).to_be_visible()
    editor.button("Undo").click()
    expect(words.form.locator(".warning")).to_have_text("")


# The JSON tab


def source(editor: Editor) -> Locator:
    editor.tab("JSON")
    return editor.dialog.get_by_label("Canvas as JSON").get_by_role("textbox")


def test_the_canvas_follows_the_text(desk: Desk) -> None:
    editor = open_editor(desk, BOAT)
    box = source(editor)
    assert [part["rect"] for part in json.loads(box.input_value())] == [[0, 90, 0, 90], [15, 75, 15, 75]]
    box.click()
    editor.press("Control+a")
    text = '[{"prefixes": ["A bay"], "mood": {"x": 1}},\n{"rect": [1, 2, 3, 4]}]'
    editor.page.keyboard.insert_text(text)
    expect(editor.dialog.locator(".resonance-source .numbers div")).to_have_text(["1", "2"])
    editor.tab("Layout")
    expect(editor.dialog.locator(".resonance-region")).to_have_count(1)
    editor.page.wait_for_function(
        "() => document.querySelector('.resonance-region svg')?.getAttribute('height') === '1'"
    )
    assert editor.save()[0]["mood"] == {"x": 1}


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ('[{},\n {"rect": [0, 9, 0, 9]\n  "name": "x"}]', 3, 3, "a comma or } is missing here."),
        ('[{},\n {"rect": [0, 9, 0, 9]},\n {"rect": [0, 99, 0, 9]}]', 3, 11, "Item 2 of the list: rect is not"),
        ('[{},\n {"name": "x}]', 2, 11, "the text that begins here is not closed."),
    ],
)
def test_an_error_is_marked_at_line_and_column(desk: Desk, text: str, line: int, column: int, said: str) -> None:
    editor = open_editor(desk, BOAT)
    box = source(editor)
    box.click()
    editor.press("Control+a")
    editor.page.keyboard.insert_text(text)
    says = editor.dialog.locator(".resonance-source .says")
    expect(says).to_contain_text(f"line {line}, column {column}: {said}")
    expect(editor.dialog.locator(".resonance-source .numbers .wrong")).to_have_text(str(line))
    editor.button("Go to the error").click()
    before = text.split("\n")[:line]
    offset = sum(len(row) + 1 for row in before[:-1]) + column - 1
    assert box.evaluate("box => [box.selectionStart, document.activeElement === box]") == [offset, True]
    editor.button("Save").click()
    expect(editor.alert).to_contain_text(f"line {line}, column {column}")
    editor.tab("Layout")
    assert editor.rects() == [[15, 75, 15, 75]], "the last good canvas stays"
    editor.tab("JSON")
    editor.button("Use the canvas").click()
    expect(says).to_have_text("")
    assert editor.save()[1]["rect"] == [15, 75, 15, 75]


def test_a_text_that_is_no_canvas_is_shown_as_it_is(desk: Desk) -> None:
    desk.load_api({"1": node("ResonanceCanvas", canvas_text='[{"rect": <img src=x onerror=alert(1)>}]')})
    desk.page.evaluate("() => app.canvas.select(app.graph.getNodeById(1))")
    desk.command("Resonance.EditCanvas")
    editor = Editor(desk, 1)
    box = editor.dialog.get_by_label("Canvas as JSON").get_by_role("textbox")
    expect(box).to_have_value('[{"rect": <img src=x onerror=alert(1)>}]')
    editor.button("Save").click()
    expect(editor.alert).not_to_have_text("")


# In and out


PROGRAM = """\
canvas = Canvas()
canvas.set_global_description('A bay', ['Fog'], 'bay', 'navy')
canvas.add_local_description('on the left', 'no offset', 'a small square area', 1, 'A pier', [], 'pier', '', '', '', 'redd')
"""
ANSWER = json.dumps(
    {
        "global": {"description": "A bay"},
        "regions": [{"location": "on the left", "area": "a small square area", "description": "A pier"}],
    }
)
BOXES = [[{"x": 0, "y": 256, "width": 256, "height": 256, "metadata": {"desc": "A pier"}}]]
IDEOGRAM = {
    "high_level_description": "A bay",
    "compositional_deconstruction": {"elements": [{"bbox": [500, 0, 1000, 500], "desc": "A pier"}]},
}
LEFT = [20, 70, 0, 40]
CORNER = [45, 90, 0, 45]


def panel(editor: Editor, name: str) -> Locator:
    found = editor.dialog.locator(".resonance-exchange details").filter(has_text=name)
    found.locator("summary").click()
    return found


@pytest.mark.parametrize(
    ("text", "rect"),
    [
        (f"Sure!\n```python\n{PROGRAM}```", LEFT),
        (ANSWER, LEFT),
        (json.dumps([{"prefixes": ["A bay."]}, {"rect": LEFT, "prefixes": ["A bay.", "A pier."]}]), LEFT),
        (json.dumps(BOXES), CORNER),
        (json.dumps(IDEOGRAM), CORNER),
    ],
    ids=["program", "answer", "list", "boxes", "ideogram"],
)
def test_other_forms_are_imported(desk: Desk, text: str, rect: list[int]) -> None:
    editor = open_editor(desk, BOAT, width=512, height=512)
    imported = panel(editor, "Import")
    imported.get_by_label("Text", exact=True).click()
    editor.page.keyboard.insert_text(text)
    imported.get_by_role("button", name="Replace the canvas").click()
    expect(imported.locator(".says")).to_have_text("Regions taken over: 1.")
    editor.press("Escape")
    expect(imported.locator(".panel")).to_be_hidden()
    assert editor.rects() == [rect]
    assert editor.save()[1]["prefixes"][-1] == "A pier."


def test_regions_are_added_from_a_file(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "<b>plan.txt"
    file.write_text(PROGRAM)
    editor = open_editor(desk, BOAT)
    imported = panel(editor, "Import")
    imported.get_by_label("From a file").set_input_files(file)
    expect(imported.locator(".says")).to_contain_text("<b>plan.txt is loaded")
    imported.get_by_role("button", name="Add to the canvas").click()
    expect(imported.locator(".notes")).to_contain_text("'redd' of 'A pier' was read as 'red'")
    editor.click(85, 85)
    expect(imported.locator(".panel")).to_be_hidden()
    assert [part["prefixes"] for part in editor.save()] == [
        ["A garden."],
        ["A garden.", "A boat."],
        ["A garden.", "A pier."],
    ]


def test_what_is_exported_can_be_imported(desk: Desk) -> None:
    editor = open_editor(desk, BOAT, GULL, width=960, height=480)
    exported = panel(editor, "Export")
    texts = {}
    for form, name in {"json": "canvas.json", "program": "canvas.py", "boxes": "boxes.json"}.items():
        exported.get_by_label("Form").select_option(form)
        exported.get_by_role("button", name="Copy").click()
        expect(exported.locator(".says")).to_have_text("Copied.")
        texts[form] = desk.page.evaluate("() => navigator.clipboard.readText()")
        with desk.page.expect_download() as download:
            exported.get_by_role("button", name="Save as a file").click()
        assert download.value.suggested_filename == name
        assert Path(download.value.path()).read_text() == texts[form]
    assert json.loads(texts["boxes"])[0][0]["x"] == 160
    assert "location='in the center'" in texts["program"]
    imported = panel(editor, "Import")
    for form, text in texts.items():
        imported.get_by_label("Text", exact=True).click()
        editor.press("Control+a")
        desk.page.keyboard.insert_text(text)
        imported.get_by_role("button", name="Replace the canvas").click()
        expect(imported.locator(".says")).to_have_text("Regions taken over: 2.")
        assert editor.rects()[0] == BOAT["rect"], form
        imported.locator("summary").click()
        editor.button("Undo").click()
        imported.locator("summary").click()


@pytest.mark.skipif(not AXE.is_file(), reason="npm has not installed axe-core")
def test_axe_finds_nothing_in_panels_and_json(desk: Desk) -> None:
    def violations() -> list[Any]:
        return desk.page.evaluate("async () => (await axe.run('dialog.resonance-editor')).violations.map(v => v.id)")

    editor = open_editor(desk, BOAT, GULL)
    if not desk.page.evaluate("() => 'axe' in window"):
        desk.page.add_script_tag(path=AXE)
    for name in ("Import", "Export"):
        expect(panel(editor, name).locator(".panel")).to_be_visible()
        assert violations() == []
    box = source(editor)
    box.click()
    editor.press("Control+a")
    editor.page.keyboard.insert_text("[{},")
    expect(editor.button("Go to the error")).to_be_visible()
    assert violations() == []


# What must not do harm


MARKUP = '<img src=x onerror="window.harmed=1">"><script>window.harmed=1</script>'


def test_markup_in_words_is_shown_as_text(desk: Desk) -> None:
    hostile = {
        **BOAT,
        "prefixes": ["A garden.", MARKUP],
        "suffixes": [MARKUP, MARKUP],
        "name": MARKUP,
        "negative": MARKUP,
    }
    words = Words(editor := open_editor(desk, hostile))
    for name in ("Name", "Description 1", "Detail 1", "Tags", "Negative"):
        expect(words.box(name)).to_have_value(MARKUP)
    expect(words.form.get_by_role("heading")).to_contain_text("<img src=x")
    editor.row("Whole picture").click()
    words.type("Description 1", MARKUP)
    editor.row("<img").click()
    expect(words.form.locator(".shared")).to_have_text(MARKUP)
    imported = panel(editor, "Import")
    imported.get_by_label("Text", exact=True).click()
    editor.page.keyboard.insert_text(f'[{{"name": {json.dumps(MARKUP)}}}, {{"rect": {json.dumps(MARKUP)}}}]')
    imported.get_by_role("button", name="Replace the canvas").click()
    expect(imported.locator(".says")).to_contain_text("<img src=x")
    editor.press("Escape")
    box = source(editor)
    box.click()
    editor.press("Control+a")
    editor.page.keyboard.insert_text(MARKUP)
    expect(editor.dialog.locator(".resonance-source .says")).to_contain_text("line 1, column 1")
    assert desk.page.evaluate("() => [window.harmed, document.querySelectorAll('img[src=x]').length]") == [None, 0]


@pytest.mark.quiet
def test_five_megabytes_of_json_leave_the_page_alive(desk: Desk) -> None:
    words = ["a word and another, " * 2000] * 130
    big = json.dumps(
        [{"prefixes": words[:1]}, *({"rect": [0, 9, 0, 9], "suffixes": [text]} for text in words)], indent=1
    )
    assert len(big) > 5_000_000
    editor = open_editor(desk, BOAT)
    box = source(editor)
    box.click()
    editor.press("Control+a")
    desk.page.evaluate("text => navigator.clipboard.writeText(text)", big)
    desk.page.set_default_timeout(5000)
    try:
        editor.press("Control+v")
        desk.page.evaluate("() => new Promise(requestAnimationFrame)")
        expect(editor.dialog.locator(".resonance-source .says")).to_have_text("")
        editor.tab("Layout")
        expect(editor.dialog.locator(".resonance-region")).to_have_count(130)
        editor.button("Undo").click()
        imported = panel(editor, "Import")
        imported.get_by_label("Text", exact=True).click()
        editor.press("Control+v")
        imported.get_by_role("button", name="Replace the canvas").click()
        expect(imported.locator(".says")).to_have_text("Regions taken over: 130.")
        desk.page.evaluate("() => new Promise(requestAnimationFrame)")
    finally:
        desk.page.set_default_timeout(30000)
