"""One mistake is one error, also in the front end: in its own count, and in full on the node."""

import json
import re

import pytest
from host.graphs import pictures
from host.mistakes import MISTAKES
from places import PACK
from playwright.sync_api import expect

from .conftest import PAIR
from .desk import Desk

pytestmark = [pytest.mark.leaves_traces, pytest.mark.usefixtures("families")]

FILES = {
    "a VAE that is missing",
    "a GGUF file that is missing",
    "a LoRA that is missing",
    "metadata of a LoRA that is missing",
}
"""Of these front ends may have a note of their own, from when a workflow is opened: beside the error, or in its place."""
PLACE = (
    "id => app.graph.nodes.forEach((node, i) => (node.pos = String(node.id) === id ? [80, 80] : [900, 80 + 40 * i]))"
)


@pytest.mark.one_page
@PAIR
def test_a_mistake_is_counted_once_and_told_in_full_on_its_node(desk: Desk) -> None:
    pictures(desk.comfy, "mistaken", "red")
    page, says = desk.page, desk.page.locator(".resonance-said.problem")
    desk.command("Comfy.RefreshNodeDefinitions")  # the page may be older than the models
    overlay, groups = page.get_by_test_id("error-overlay"), page.locator("[data-testid^='error-group-']:has(button)")
    for name, mistake in MISTAKES.items():
        desk.load_api(mistake.graph)
        page.evaluate(PLACE, mistake.node)
        desk.run()
        expect(says).to_have_count(1)
        expect(says).to_have_value(re.compile(re.escape(mistake.says)))
        if name in FILES:
            overlay.get_by_test_id("error-overlay-see-errors").click()
            expect(groups.first).to_be_visible()
            desk.settle()
            kinds = {group.get_attribute("data-testid") for group in groups.all()}
            assert kinds and kinds <= {"error-group-execution", "error-group-missing-model"}, name
            expect(page.get_by_test_id("errors-summary-hero")).to_contain_text(str(len(kinds)))
        else:  # where there are several it counts them
            expect(overlay).to_contain_text(f"rejected the value for {mistake.input}." if mistake.input else " failed")
        desk.errors.clear()  # the front end writes into the console what it was refused


@PAIR
def test_what_was_wrong_is_gone_from_the_node_once_run_is_pressed_again(desk: Desk) -> None:
    desk.load_api(MISTAKES["a text that is no canvas"].graph)
    says = desk.page.locator(".resonance-said.problem")
    for text in ("hello, I am no canvas", '[{"rect": [0, 90, 0, 90], "prefixes": ["a sea"]}]'):
        desk.page.evaluate("text => { app.graph.getNodeById(1).widgets[0].value = text }", text)
        desk.run()
        expect(says).to_have_count(int(text.startswith("hello")))
    desk.errors.clear()


SPOIL = """() => {
    const outer = app.rootGraph.nodes.find(node => node.isSubgraphNode?.())
    outer.widgets.find(widget => widget.name === 'tagger').value = 'joytag'
    return outer.serialize().widgets_values
}"""


@PAIR
def test_a_mistake_inside_a_subgraph_is_told_on_it(desk: Desk) -> None:
    workflow = (PACK / "example_workflows" / "First round.json").read_text()
    desk.load(json.loads(workflow.replace("sd_xl_base_1.0", "tiny_sd15")))
    desk.command("Comfy.Canvas.FitView")
    values = desk.page.evaluate(SPOIL)
    desk.run()
    says = desk.page.locator(".resonance-said.problem").filter(visible=True)
    expect(says).to_have_count(1)
    expect(says).to_have_value(re.compile("The tagger 'joytag' lacks .* switch on 'download'"))
    expect(desk.page.get_by_test_id("error-overlay")).to_contain_text("rejected the value for")
    assert desk.page.evaluate(SPOIL) == values, "what is said is not saved"
    desk.errors.clear()
