"""The rounds gallery in the sidebar, as hands use it."""

import json
import re

import pytest
from gallery_session import MARKUP, make_session, tags
from host.comfy import node
from host.graphs import output, pictures, quick
from places import PACK
from playwright.sync_api import Page, expect

from .conftest import ONCE
from .desk import Desk
from .gallery import Gallery, loaded

pytestmark = ONCE

AXE = PACK / "js" / "node_modules" / "axe-core" / "axe.min.js"


def axe(page: Page, selector: str) -> list[tuple[str, str]]:
    page.add_script_tag(content=AXE.read_text())
    found = page.evaluate("async selector => (await axe.run(selector)).violations", selector)
    return [(each["id"], each["nodes"][0]["html"]) for each in found]


def test_the_button_in_the_sidebar_opens_the_sessions(gallery: Gallery) -> None:
    gallery.write("listed", 2, 3, failed=1)
    gallery.write("also listed", 1, 2)
    gallery.open("listed")
    expect(gallery.session.locator("option:checked")).to_have_text("listed: open, round 2, 2 of 3")
    expect(gallery.root).to_contain_text("round 2: 2 of 3, 1 failed, 2 s per picture")
    expect(gallery.root.get_by_role("progressbar")).to_have_js_property("value", 2)
    gallery.choose("also listed")
    expect(gallery.root).to_contain_text("round 1: 2 of 2, 2 s per picture, finished")
    expect(gallery.root.get_by_role("button", name="Retry failed")).to_be_hidden()


def test_rounds_are_columns_and_lineages_are_rows(gallery: Gallery) -> None:
    gallery.make("grid", 3, 4, failed=1, pending=1)
    heads = gallery.root.get_by_role("columnheader")
    expect(heads).to_have_text(["Lineage", "Start", "Round 1", "Round 2", "Round 3"])
    expect(gallery.root.get_by_role("rowheader")).to_have_text(["X0001", "X0002", "X0003", "X0004"])
    loaded(gallery.cell("X0001", "start").locator("img"))
    loaded(gallery.cell("X0002", 3).locator("img"))
    expect(gallery.cell("X0003", 3)).to_contain_text("waiting")
    expect(gallery.cell("X0004", 3)).to_contain_text("failed")
    expect(gallery.cell("X0004", 3)).to_have_attribute("title", "X0004, round 3: failed")


def test_a_session_without_pictures_says_what_to_do(gallery: Gallery) -> None:
    page = gallery.page
    page.route("**/resonance/rounds", lambda route: route.fulfill(json=[]))
    gallery.open()
    expect(gallery.root).to_contain_text("No session yet.")
    expect(gallery.session).to_be_hidden()
    page.unroute("**/resonance/rounds")


def test_pictures_appear_while_they_are_made(gallery: Gallery) -> None:
    comfy = gallery.desk.comfy
    session = "live"
    pictures(comfy, session, "red", "green", "blue")
    gallery.make("before", 1, 2)
    comfy.queue(comfy.complete(quick(session, session, rounds=2, paint={"seconds": 0.15})))
    gallery.choose(session)
    gallery.cell("X0001", 1).focus()
    for lineage in ("X0001", "X0002", "X0003"):
        for round_ in (1, 2):
            loaded(gallery.cell(lineage, round_).locator("img"))
    expect(gallery.root).to_contain_text("round 2: 3 of 3")
    expect(gallery.cell("X0001", 1)).to_be_focused()
    expect(gallery.session.locator("option:checked")).to_contain_text("finished, round 2, 3 of 3")


def test_pause_and_resume(gallery: Gallery) -> None:
    comfy = gallery.desk.comfy
    session = "pause"
    pictures(comfy, session, "red", "green", "blue")
    gallery.make("before", 1, 2)
    comfy.queue(comfy.complete(quick(session, session, paint={"seconds": 0.4})))
    gallery.choose(session)
    gallery.root.get_by_role("button", name="Pause").click()
    expect(gallery.root).to_contain_text("paused: by request")
    comfy.idle()
    assert gallery.item(session, "X0003", 1)["state"] == "pending"
    gallery.root.get_by_role("button", name="Resume").click()
    loaded(gallery.cell("X0003", 1).locator("img"))
    expect(gallery.root.get_by_role("button", name="Resume")).to_be_hidden()
    expect(gallery.root.get_by_role("button", name="Pause")).to_be_hidden()


def test_failed_pictures_are_tried_again(gallery: Gallery) -> None:
    comfy = gallery.desk.comfy
    session = "retry"
    pictures(comfy, session, "red")
    log = output(comfy) / "described.log"
    log.unlink(missing_ok=True)
    log.mkdir()  # nothing can be described
    comfy.queue(comfy.complete(quick(session, session)))
    comfy.idle()
    log.rmdir()
    gallery.open(session)
    expect(gallery.cell("X0001", 1)).to_contain_text("failed")
    gallery.root.get_by_role("button", name="Retry failed").click()
    loaded(gallery.cell("X0001", 1).locator("img"))
    expect(gallery.root.get_by_role("button", name="Retry failed")).to_be_hidden()


def test_what_the_server_refuses_is_said(gallery: Gallery) -> None:
    gallery.make("refused", 1, 2, failed=1)
    gallery.root.get_by_role("button", name="Resume").click()
    expect(gallery.root.get_by_role("alert")).to_contain_text("was never run in ComfyUI: press Run in its workflow")
    gallery.desk.errors = []  # the browser's own line about the refusal


def test_sessions_are_read_again_after_the_connection_was_lost(gallery: Gallery) -> None:
    gallery.make("lost", 1, 2)
    meanwhile = "meanwhile"
    gallery.write(meanwhile, 1, 2)
    gallery.page.evaluate("""async () => {
        const { api } = await import('/scripts/api.js')
        api.dispatchEvent(new CustomEvent('reconnected'))
    }""")
    expect(gallery.session.locator(f"option[value={meanwhile}]")).to_be_attached()


def test_the_grid_by_keyboard(gallery: Gallery) -> None:
    gallery.make("keys", 4, 40)
    press = gallery.page.keyboard.press
    gallery.cell("X0001", "start").focus()
    press("ArrowRight")
    press("ArrowDown")
    expect(gallery.cell("X0002", 1)).to_be_focused()
    press("End")
    expect(gallery.cell("X0002", 4)).to_be_focused()
    expect(gallery.cell("X0002", 4)).to_be_in_viewport()
    press("Home")
    expect(gallery.cell("X0002", "start")).to_be_focused()
    press("PageDown")
    press("PageDown")
    press("PageUp")
    page_down = gallery.page.evaluate("Number(document.activeElement.dataset.row)")
    assert 2 < page_down < 10
    press("Control+End")
    expect(gallery.cell("X0040", 4)).to_be_focused()
    expect(gallery.cell("X0040", 4)).to_be_in_viewport()
    assert gallery.root.locator("[role=gridcell][tabindex='0']").count() == 1
    press("Enter")
    gallery.title("X0040", 4)
    press("ArrowUp")
    gallery.title("X0039", 4)
    press("Escape")
    expect(gallery.large).to_have_count(0)
    expect(gallery.cell("X0039", 4)).to_be_focused()


def test_thumbnails_grow_and_the_grid_opens_in_large(gallery: Gallery) -> None:
    gallery.make("sizes", 3, 4)
    box = gallery.cell("X0001", 1).bounding_box()
    slider = gallery.root.get_by_role("slider", name="Size of the thumbnails")
    slider.focus()
    gallery.page.keyboard.press("End")
    grown = gallery.cell("X0001", 1).bounding_box()
    assert box and grown and grown["width"] > box["width"] * 1.5
    gallery.root.get_by_role("button", name="Large").click()
    expect(gallery.cell("X0001", 3)).to_be_in_viewport()
    assert gallery.page.locator("dialog.resonance-frame").evaluate("dialog => dialog.clientWidth") > 1100
    gallery.view("X0002", 2)
    gallery.page.keyboard.press("Escape")
    expect(gallery.cell("X0002", 2)).to_be_focused()
    gallery.page.keyboard.press("Escape")
    expect(gallery.page.locator("dialog.resonance-frame")).to_have_count(0)
    expect(gallery.root).to_be_visible()
    slider.focus()
    for _ in range(6):
        gallery.page.keyboard.press("ArrowLeft")


def test_the_large_view_shows_picture_words_and_difference(gallery: Gallery) -> None:
    gallery.make("words", 2, 3)
    large = gallery.view("X0002", 2)
    loaded(large.get_by_alt_text("Result of X0002 in round 2"))
    before, now = tags(1, 1), tags(1, 2)
    [added], [dropped] = set(now) - set(before), set(before) - set(now)
    expect(large.locator(".resonance-added")).to_have_text(f"+ {added}")
    expect(large.locator(".resonance-dropped")).to_have_text(f"− {dropped}")
    expect(large).to_contain_text("Against the round before: 1 added, 1 dropped, 11 kept")
    expect(large).to_contain_text(f"A picture of {now[0]} and {now[1]}.")
    expect(large).to_contain_text(", ".join(now))
    expect(large).to_contain_text("a.safetensors")
    large.get_by_role("button", name="Compare with source").click()
    loaded(large.get_by_alt_text("Source of X0002 in round 2"))
    gallery.page.keyboard.press("c")
    expect(large.get_by_alt_text("Source of X0002 in round 2")).to_have_count(0)


def test_items_of_an_exploration_have_no_source_to_look_at(gallery: Gallery) -> None:
    graph = {
        "1": node("ResonanceExplore", session="explored", aspects="64x48", seeds=2, steps_rule="S: 10 + 5 x scale"),
        "2": node("ProbeDots", latent=["1", 3], scale=["1", 6], steps=["1", 7], seed=["1", 8]),
        "3": node("ResonanceRoundOutput", images=["2", 0], item=["1", 0]),
    }
    gallery.open()
    if not (output(gallery.desk.comfy) / "explored").exists():
        gallery.desk.comfy.run(gallery.desk.comfy.complete(graph))
        gallery.desk.comfy.idle()
    refused: list[str] = []
    gallery.page.on("response", lambda answer: refused.append(answer.url) if answer.status >= 400 else None)
    gallery.choose("explored")
    expect(gallery.root.get_by_role("rowheader").first).to_have_text("X000164x48, scale 6")
    loaded(gallery.cell("X0002", 2).locator("img"))
    expect(gallery.root.locator(".resonance-nothing")).to_have_count(2)
    large = gallery.view("X0002", 2)
    loaded(large.get_by_alt_text("Result of X0002 in round 2"))
    expect(large).to_contain_text("Nice view")
    expect(large.get_by_role("button", name="Compare with source")).to_be_disabled()
    assert refused == []


def test_keys_lead_along_the_lineage_and_across_it(gallery: Gallery) -> None:
    gallery.make("along", 3, 3)
    gallery.view("X0001", 1)
    for key, lineage, round_ in (
        ("ArrowRight", "X0001", 2),
        ("ArrowDown", "X0002", 2),
        ("ArrowRight", "X0002", 3),
        ("ArrowRight", "X0002", 3),
        ("ArrowUp", "X0001", 3),
        ("ArrowLeft", "X0001", 2),
    ):
        gallery.page.keyboard.press(key)
        gallery.title(lineage, round_)
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"):  # faster than the words come
        gallery.page.keyboard.press(key)
    gallery.title("X0001", 2)
    gallery.large.get_by_role("button", name="The lineage below").click()
    gallery.title("X0002", 2)
    gallery.large.get_by_role("button", name="The round before").click()
    gallery.title("X0002", 1)
    gallery.large.get_by_role("button", name="Close").click()
    expect(gallery.cell("X0002", 1)).to_be_focused()


def test_all_results_of_a_batch_and_its_branches(gallery: Gallery) -> None:
    comfy = gallery.desk.comfy
    session = "batch"
    pictures(comfy, session, "red")
    comfy.queue(comfy.complete(quick(session, session, rounds=2, paint={"batch": 2}, takes="all")))
    comfy.idle()
    gallery.open(session)
    expect(gallery.cell("X0001", 1)).to_contain_text("2")
    large = gallery.view("X0001", 1)
    expect(large.locator("figcaption")).to_contain_text("_01.png")
    large.get_by_role("button", name="Result 2").click()
    expect(large.locator("figcaption")).to_contain_text("_02.png")
    expect(large.get_by_role("button", name="Result 2")).to_have_attribute("aria-pressed", "true")
    branches = large.get_by_role("button", name="Go on with this branch")
    expect(branches).to_have_text(["X0001.1", "X0001.2"])
    branches.nth(1).click()
    gallery.title("X0001.2", 2)
    gallery.page.keyboard.press("ArrowLeft")
    gallery.title("X0001", 1)


def test_the_plot_shows_the_drift_and_leads_to_a_round(gallery: Gallery) -> None:
    gallery.make("drift", 3, 2)
    large = gallery.view("X0001", 2)
    plot = large.get_by_role("img", name="Drift over rounds 1 to 4")
    plot.scroll_into_view_if_needed()
    expect(plot.locator("text")).to_contain_text(["Tags kept (%)"])
    expect(plot.locator(".resonance-now")).to_have_count(2)
    plot.locator("[data-round='1']").click()
    gallery.title("X0001", 1)
    large.locator("summary").click()
    row = large.get_by_role("row").filter(has=gallery.page.get_by_role("button", name="Round 3"))
    expect(row.get_by_role("cell").first).to_have_text("83 %")
    row.get_by_role("button").click()
    gallery.title("X0001", 3)
    gallery.page.keyboard.press("ArrowLeft")  # the button that had the focus is gone
    gallery.title("X0001", 2)


def test_a_picture_without_a_workflow_says_so_and_leaves_the_graph(gallery: Gallery) -> None:
    gallery.make("no workflow", 1, 1)
    gallery.view("X0001", 1).get_by_role("button", name="Load its workflow").click()
    expect(gallery.large.get_by_role("alert")).to_have_text("There is no workflow in this picture.")
    assert gallery.desk.prompt() == {}


def test_an_item_is_copied_and_round_input_takes_it(gallery: Gallery) -> None:
    desk, comfy = gallery.desk, gallery.desk.comfy
    gallery.make("copied", 2, 2)
    large = gallery.view("X0002", 2)
    large.get_by_role("button", name="Copy item").click()
    expect(large.get_by_role("status")).to_have_text("The item is on the clipboard.")
    text = desk.page.evaluate("navigator.clipboard.readText()")
    assert text == gallery.item("copied", "X0002", 2)["json"]
    graph = quick("pasted", "copied", item=text)
    assert comfy.run(comfy.complete(graph))["5"]["images"][0]["type"] == "temp"


def test_an_item_is_selected_where_the_page_may_not_copy(gallery: Gallery) -> None:
    page = gallery.page
    gallery.make("by hand", 1, 1)
    large = gallery.view("X0001", 1)
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true })")
    large.get_by_role("button", name="Copy item").click()
    expect(large.get_by_role("status")).to_contain_text("press Ctrl+C")
    page.evaluate("delete navigator.clipboard")
    page.keyboard.press("Control+c")
    assert json.loads(page.evaluate("navigator.clipboard.readText()"))["lineage"] == "X0001"


def test_markup_is_shown_as_text_and_nothing_runs(gallery: Gallery) -> None:
    page = gallery.page
    page.evaluate("() => { window.alert = () => { window.ran = true } }")
    gallery.write("harmless", 1, 1)
    gallery.make("hostile", 2, 4, failed=1, hostile=True)
    expect(gallery.root.get_by_role("rowheader", name=MARKUP)).to_have_text(MARKUP)
    loaded(gallery.cell("X0001", "start").locator("img"))
    large = gallery.view(MARKUP, 2)
    expect(large.get_by_role("heading", level=2)).to_have_text(f"{MARKUP}, round 2")
    expect(large.locator(".resonance-side .resonance-error")).to_have_text(f"KSampler: out of paint {MARKUP}")
    expect(large.locator(".resonance-tags")).to_contain_text(MARKUP)
    assert page.locator("img[src=x]").count() == 0
    assert not page.evaluate("window.ran")
    page.keyboard.press("Escape")
    gallery.choose("harmless")
    gallery.desk.errors = []  # pictures with such names cannot be read, and the browser says so


def test_axe_finds_nothing(gallery: Gallery) -> None:
    gallery.make("axe", 3, 5, failed=1, pending=1)
    loaded(gallery.cell("X0001", 1).locator("img"))
    assert axe(gallery.page, ".resonance-gallery") == []
    gallery.view("X0001", 2).get_by_role("button", name="Compare with source").click()
    gallery.large.locator("summary").click()
    assert axe(gallery.page, "dialog.resonance-large") == []
    gallery.page.keyboard.press("Escape")
    gallery.view("X0005", 3)
    expect(gallery.large.locator(".resonance-side .resonance-error")).to_have_text("KSampler: out of paint")
    assert axe(gallery.page, "dialog.resonance-large") == []


@pytest.mark.quiet
def test_five_thousand_pictures(new_desk: Desk) -> None:
    page, gallery = new_desk.page, Gallery(new_desk)
    make_session(output(new_desk.comfy), "many", 10, 500)
    page.evaluate("""() => {
        window.times = { tasks: [] }
        document.addEventListener('click', () => { times.click ??= performance.now() }, true)
        document.addEventListener('load', event => {
            if (event.target.closest?.('.resonance-grid')) times.picture ??= performance.now()
        }, true)
    }""")
    gallery.open()
    expect(gallery.session).to_have_value("many")
    loaded(gallery.cell("X0001", 1).locator("img"))
    opened = page.evaluate("times.picture - times.click")
    gallery.root.get_by_role("button", name="Large").click()
    loaded(gallery.cell("X0003", 9).locator("img"))
    page.evaluate("""() => new PerformanceObserver(list => {
        times.tasks.push(...list.getEntries().map(entry => entry.duration))
    }).observe({ entryTypes: ['longtask'] })""")
    page.mouse.move(640, 450)
    most, longest = 0, 999.0
    for way in (900, -900, 900):  # the machine may be busy with something else: one quiet pass shows what ours takes
        page.evaluate("times.tasks = []")
        for turn in range(60):
            page.mouse.wheel(0, way)
            if turn % 20 == 0:
                most = max(most, gallery.cells.count())
        gallery.desk.settle()
        longest = min(longest, page.evaluate("Math.max(0, ...times.tasks)"))
        if longest < 100:
            break
    print(f"opened in {opened:.0f} ms; the longest task took {longest:.0f} ms; {most} cells")
    assert opened < 1000
    assert longest < 100
    assert most < 300


def test_flying_over_pictures_asks_for_none_of_them(gallery: Gallery) -> None:
    gallery.make("flight", 1, 300)
    loaded(gallery.cell("X0001", 1).locator("img"))
    asked: list[str] = []
    gallery.page.on("request", lambda request: asked.append(request.url))
    box = gallery.root.get_by_role("grid").bounding_box()
    assert box
    gallery.page.mouse.move(box["x"] + 150, box["y"] + 150)
    for _ in range(60):
        gallery.page.mouse.wheel(0, 1000)
    expect(gallery.cell("X0300", 1)).to_be_in_viewport()
    loaded(gallery.cell("X0300", 1).locator("img"))
    seen = [url for url in asked if re.search(r"/items/\d+/(source|result)", url)]
    assert 0 < len(seen) < 300  # of 600
