"""What every example workflow keeps to when it is opened on a laptop, in either renderer, on either front end."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from places import PACK

from .conftest import ONCE, PAIR, VIEW
from .desk import Desk

WORKFLOWS = sorted((PACK / "example_workflows").glob("*.json"))
LAPTOP = {"width": 1440, "height": 900}

LOOK = """nodes2 => {
    const nodes = app.canvas.graph.nodes, element = node => document.querySelector(`[data-node-id="${node.id}"]`)
    const box = node => {
        if (!nodes2) return [...node.boundingRect]
        const { x, y, width, height } = element(node).getBoundingClientRect()
        return [x, y, width, height]
    }
    const boxes = nodes.map(node => [node.title, ...box(node)])
    const overlaps = boxes.flatMap(([a, x, y, w, h], i) => boxes.slice(i + 1)
        .filter(([b, x2, y2, w2, h2]) => x < x2 + w2 && x2 < x + w && y < y2 + h2 && y2 < y + h)
        .map(([b]) => `${a} lies over ${b}`))

    const VALUE = 'button, [role=combobox], .p-select'
    const ctx = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
    const rgba = color => {
        ctx.clearRect(0, 0, 1, 1)
        ctx.fillStyle = color
        ctx.fillRect(0, 0, 1, 1)
        return [...ctx.getImageData(0, 0, 1, 1).data].map(value => value / 255)
    }
    const over = ([r, g, b, a], under) => [r, g, b].map((value, i) => value * a + under[i] * (1 - a))
    const light = color => color.map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0)
    const ground = at => {
        if (at.matches('body, .dom-widget')) {
            const note = nodes.find(node => node.type === 'MarkdownNote')
            const of = at.querySelector('.comfy-markdown') ? note.bgcolor : LiteGraph.NODE_DEFAULT_BGCOLOR
            return rgba(at.matches('body') ? getComputedStyle(at).backgroundColor : of).slice(0, 3)
        }
        return over(rgba(getComputedStyle(at).backgroundColor), ground(at.parentElement))
    }
    const contrast = at => {
        const back = ground(at), [a, b] = [over(rgba(getComputedStyle(at).color), back), back].map(light)
        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
    }
    const ours = document.querySelectorAll('.comfy-markdown, .comfy-markdown-content, [class*=resonance]')
    const texts = [...ours].flatMap(root => [...root.querySelectorAll('*'), root])
        .filter(at => at.offsetHeight && [...at.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
    const faint = texts.filter(at => contrast(at) < 4.5).map(at => `${at.textContent} ${contrast(at).toFixed(2)}`)

    ctx.font = `${LiteGraph.NODE_SUBTEXT_SIZE}px ${LiteGraph.NODE_FONT}`
    const long = text => ctx.measureText(text).width
    const cut = nodes2
        ? [...document.querySelectorAll('[data-node-id] *')]
            .filter(at => at.children.length === 0 && at.textContent.trim() && !at.closest(VALUE) && at.scrollWidth > at.clientWidth + 1
                && !['visible', 'auto', 'scroll'].includes(getComputedStyle(at).overflowX))
            .map(at => at.textContent)
        : nodes.filter(node => !node.flags.collapsed && (node.size[0] < node.computeSize()[0]
            || (node.widgets ?? []).some(w => long(w.label ?? w.name) + (w.type === 'combo' ? long(w.value) : 0) > node.size[0] - 60)))
            .map(node => node.title)
    const scrolled = [...document.querySelectorAll('.comfy-markdown .tiptap, .comfy-markdown-content')]
        .filter(at => at.scrollHeight > at.clientHeight + 1).map(at => `the note lacks ${at.scrollHeight - at.clientHeight}`)
    return { overlaps, faint, cut, scrolled, texts: texts.length, zoom: app.canvas.ds.scale }
}"""


@pytest.fixture
def laptop(desk: Desk) -> Iterator[Desk]:
    desk.page.set_viewport_size(LAPTOP)
    yield desk
    desk.page.set_viewport_size(VIEW)


def opened(desk: Desk, workflow: dict[str, Any]) -> dict[str, Any]:
    """How a workflow looks in the front end's own Fit View."""
    desk.page.evaluate("() => app.clean()")  # pictures that nodes of these ids once showed
    desk.load(workflow)
    desk.command("Comfy.Canvas.FitView")
    desk.page.wait_for_timeout(400)  # the view moves for 350 ms
    desk.settle()
    return desk.page.evaluate(LOOK, desk.renderer == "nodes2")


@pytest.mark.one_page
@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_template_is_read_on_a_laptop(laptop: Desk, path: Path) -> None:
    look = opened(laptop, json.loads(path.read_text()))
    assert look["zoom"] >= 0.6
    assert look["overlaps"] == look["faint"] == look["cut"] == look["scrolled"] == []
    assert look["texts"] > 5


OWN_SIZES = """() => {
    const graphs = [app.rootGraph, ...(app.rootGraph.subgraphs?.values() ?? [])]
    const graph = graphs.find(graph => graph.nodes.some(node => node.comfyClass === 'ResonanceLatentForImage'))
    app.canvas.setGraph(graph)
    const { widgets } = graph.nodes.find(node => node.comfyClass === 'ResonanceLatentForImage')
    const before = widgets.length, sizes = widgets.find(widget => widget.name === 'sizes')
    sizes.value = 'own sizes'
    sizes.callback?.('own sizes')
    return [before, widgets.length]
}"""


@PAIR
@pytest.mark.parametrize("name", ["First round", "Rounds"])
def test_the_six_own_sizes_of_a_latent_cover_nothing(laptop: Desk, name: str) -> None:
    opened(laptop, json.loads((PACK / "example_workflows" / f"{name}.json").read_text()))
    before, after = laptop.page.evaluate(OWN_SIZES)
    laptop.page.wait_for_timeout(400)
    laptop.command("Comfy.Canvas.FitView")
    laptop.page.wait_for_timeout(400)
    laptop.settle()
    assert after - before >= 5
    assert laptop.page.evaluate(LOOK, laptop.renderer == "nodes2")["overlaps"] == []


LISTED = """() => app.rootGraph.nodes.filter(node => node.type === 'LoadImage').map(node => {
    const { value, options } = node.widgets.find(({ name }) => name === 'image')
    return [value, options.values.includes(value)]
})"""


@ONCE
def test_the_pictures_of_a_template_are_there_once_it_is_opened(laptop: Desk) -> None:
    """Load Image shows them, ComfyUI finds them, and the front end misses none."""
    name = "A picture in each region"
    brought = [laptop.comfy.base / "input" / f"resonance-{picture}.jpg" for picture in ("balloon", "winter")]
    for file in brought:
        file.unlink(missing_ok=True)
    opened(laptop, json.loads((PACK / "example_workflows" / f"{name}.json").read_text()))
    for file in brought:
        assert file.read_bytes() == (PACK / "example_workflows" / "pictures" / file.name).read_bytes()
    found = laptop.page.evaluate(LISTED)
    assert sorted(value for value, _ in found) == sorted(file.name for file in brought)
    assert all(listed for _, listed in found), found
    laptop.page.wait_for_function("() => app.rootGraph.nodes.filter(node => node.imgs?.[0]?.naturalWidth).length === 2")
