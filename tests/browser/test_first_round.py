"""The template to begin with, from its card to its third picture, with a pointer alone."""

import time
from pathlib import Path

import pytest
from host.graphs import output
from playwright.sync_api import Route

from .desk import Desk

PLACE = """name => {
    const node = app.rootGraph.nodes.find(node => node.isSubgraphNode?.()), widget = node.widgets.find(w => w.name === name)
    const { scale, offset } = app.canvas.ds, box = app.canvas.canvas.getBoundingClientRect()
    const [x, y] = [node.pos[0] + node.size[0] / 2, node.pos[1] + widget.y + 10]
    return [(x + offset[0]) * scale + box.x, (y + offset[1]) * scale + box.y]
}"""


SMALL = {25: 2, 768: 256}
"""Steps, and the side of the pictures: the tiny model's pictures are no better for more."""


def make_small(route: Route) -> None:
    """The template as it is, for a test that shall not take minutes."""
    answer = route.fetch()
    workflow = answer.json()
    for part in workflow["definitions"]["subgraphs"][0]["nodes"]:
        if part["type"] in ("KSampler", "ResonanceLatentForImage"):
            part["widgets_values"] = [SMALL.get(value, value) for value in part["widgets_values"]]
    route.fulfill(response=answer, json=workflow)


class Hand:
    """Presses things and counts."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.presses = desk, 0

    def press(self, x: float, y: float) -> None:
        self.presses += 1
        self.desk.page.mouse.click(x, y)

    def on(self, selector: str) -> None:
        self.presses += 1
        self.desk.page.locator(selector).first.click()


def choose_checkpoint(hand: Hand, name: str) -> None:
    desk = hand.desk
    if desk.renderer == "nodes2":
        hand.on(".lg-node:has-text('Tag, compose and paint') [role=combobox]")
        hand.on(f"[role=option]:has-text('{name}')")
    else:
        hand.press(*desk.page.evaluate(PLACE, "checkpoint"))
        hand.on(f".litemenu-entry:has-text('{name}')")


@pytest.mark.parametrize(
    ("comfy", "renderer"),
    [("newer", "nodes2"), pytest.param("pinned", "classic", marks=pytest.mark.long)],
    ids=["newer-nodes2", "pinned-classic"],
    indirect=True,
)
def test_a_first_round_is_six_presses_away_from_its_pictures(desk: Desk) -> None:
    desk.page.route("**/First%20round.json", make_small)
    desk.command("Comfy.BrowseTemplates")
    desk.page.get_by_text("resonance", exact=True).first.click()
    hand = Hand(desk)
    hand.on("[data-testid='template-workflow-First round']")
    desk.page.wait_for_function("() => app.rootGraph.nodes.some(node => node.isSubgraphNode?.())")
    desk.command("Comfy.Canvas.FitView")
    desk.page.wait_for_timeout(400)
    choose_checkpoint(hand, "tiny_sd15.safetensors")
    hand.on("[data-testid=queue-button]")
    made = wait_for(output(desk.comfy) / "first round" / "round-0001", 3)
    desk.comfy.post("/interrupt")
    desk.comfy.idle()
    assert hand.presses <= 6
    assert sorted(path.name.split("_")[0] for path in made) == ["X0001", "X0002", "X0003"]


def wait_for(folder: Path, count: int) -> list[Path]:
    end = time.monotonic() + 120
    while len(made := list(folder.glob("*.png"))) < count and time.monotonic() < end:
        time.sleep(0.1)
    return made
