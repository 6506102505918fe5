"""The canvas editor as a hand has it: open it on a node, reach for its cells, read what it shows and what it saved."""

import json
from collections.abc import Sequence
from typing import Any

from host.comfy import node
from playwright.sync_api import Locator

from .desk import Desk

GLOBAL = {"rect": [0, 90, 0, 90], "prefixes": ["A garden."], "suffixes": [], "color": [128, 128, 128]}
COLORS = [[200, 60, 60], [60, 160, 60], [60, 90, 200]]


def region(rect: Sequence[int], words: str = "", **more: Any) -> dict[str, Any]:
    """A region's JSON; `rect` is [top, bottom, left, right] in cells."""
    color = COLORS[sum(rect) % len(COLORS)]
    prefixes = ["A garden.", words] if words else ["A garden."]
    return {"rect": list(rect), "prefixes": prefixes, "suffixes": [], "color": color, **more}


def text_of(*regions: dict[str, Any]) -> str:
    """The JSON of a canvas with these local regions, far to near."""
    return json.dumps([GLOBAL, *regions])


class Editor:
    """The editor that is open on a desk."""

    def __init__(self, desk: Desk, number: int) -> None:
        self.desk, self.page, self.number = desk, desk.page, number
        self.dialog = desk.page.locator("dialog.resonance-editor")
        self.stage = self.dialog.locator(".resonance-sheet > svg")
        self.status = self.dialog.locator("footer [role=status]")
        self.alert = self.dialog.locator("footer [role=alert]")

    def button(self, name: str) -> Locator:
        return self.dialog.get_by_role("button", name=name, exact=True)

    def tab(self, name: str) -> None:
        self.dialog.get_by_role("tab", name=name, exact=True).click()

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where on the page a place of the grid is, in cells."""
        return self.desk.at(self.stage, x, y)

    def click(self, x: float, y: float, *modifiers: str) -> None:
        self._with(modifiers, lambda: self.page.mouse.click(*self.at(x, y)))

    def drag(self, start: tuple[float, float], end: tuple[float, float], *modifiers: str) -> None:
        """Drags between two places of the grid while modifier keys are held."""
        self._with(modifiers, lambda: self.desk.drag(self.at(*start), self.at(*end)))

    def _with(self, modifiers: Sequence[str], act: Any) -> None:
        for key in modifiers:
            self.page.keyboard.down(key)
        act()
        for key in modifiers:
            self.page.keyboard.up(key)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def rects(self) -> list[list[float]]:
        """[top, bottom, left, right] of the regions that are drawn, far to near."""
        return self.dialog.locator(".resonance-region").evaluate_all(
            """all => all.filter(e => e.style.display !== 'none').map(e => {
                const { e: x, f: y } = e.transform.baseVal.consolidate().matrix
                const [w, h] = ['width', 'height'].map(name => Number(e.firstElementChild.getAttribute(name)))
                return [y, y + h, x, x + w]
            })"""
        )

    def selected(self) -> list[int]:
        """Numbers of the selected regions, far to near."""
        return self.dialog.locator(".resonance-region").evaluate_all(
            "all => all.flatMap((e, i) => e.getAttribute('aria-pressed') === 'true' ? [i + 1] : [])"
        )

    def row(self, name: str) -> Locator:
        """A row of the list by what it says."""
        return self.dialog.locator(".resonance-row").filter(has_text=name)

    def rows(self) -> list[str]:
        return self.dialog.locator(".resonance-row").all_inner_texts()

    def save(self) -> list[dict[str, Any]]:
        """Presses Save; what the node then holds."""
        self.button("Save").click()
        self.dialog.wait_for(state="detached")
        return self.saved()

    def saved(self) -> list[dict[str, Any]]:
        return json.loads(self.desk.widget("canvas_text", self.number))


def open_editor(desk: Desk, *regions: dict[str, Any], **inputs: Any) -> Editor:
    """The editor on a Canvas node, alone in the graph, that holds these regions."""
    desk.load_api({"1": node("ResonanceCanvas", canvas_text=text_of(*regions), **inputs)})
    return edit(desk)


def edit(desk: Desk, number: int = 1) -> Editor:
    """The editor on a Canvas node that is there."""
    desk.page.evaluate(
        "id => { app.canvas.deselectAll(); app.canvas.select(app.graph.getNodeById(id)) }",
        number,
    )
    desk.command("Resonance.EditCanvas")
    editor = Editor(desk, number)
    editor.stage.wait_for()
    editor.dialog.locator(".resonance-form").wait_for()
    desk.settle()
    return editor
