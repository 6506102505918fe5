"""ComfyUI's page as a person sees and touches it."""

from pathlib import Path
from typing import Any

from host.comfy import Comfy
from playwright.sync_api import ConsoleMessage, Locator, Page

EMPTY = {"last_node_id": 0, "last_link_id": 0, "nodes": [], "links": [], "groups": [], "config": {}, "version": 0.4}

CLEAR = """async empty => {
    document.querySelectorAll('dialog').forEach(dialog => dialog.close())
    document.querySelectorAll('.resonance-describe [aria-label=Close]').forEach(button => button.click())
    const { sidebarTab, workflow } = app.extensionManager
    if (sidebarTab.activeSidebarTabId) sidebarTab.toggleSidebarTab(sidebarTab.activeSidebarTabId)
    await app.loadGraphData(empty, true, true, 'test')
    for (const other of [...workflow.openWorkflows]) if (!workflow.isActive(other)) await workflow.closeWorkflow(other)
}"""

REQUESTS = """() => performance.getEntriesByType('resource').map(entry => entry.name)
    .filter(name => name.toLowerCase().includes('resonance'))"""


class Desk:
    """One open page. What goes wrong on it is gathered in ``errors``; ``requests`` are those of ours when it opened."""

    def __init__(self, page: Page, comfy: Comfy, renderer: str) -> None:
        self.page, self.comfy, self.renderer = page, comfy, renderer
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(f"{error}\n{error.stack}"))
        page.on("console", self._listen)

    def _listen(self, message: ConsoleMessage) -> None:
        refused = "status of 400" in message.text  # the browser notes it; the page shows what the server says
        ours = "resonance" in f"{message.text} {message.location['url']}".lower()
        if message.type == "error" and ours and not refused:
            self.errors.append(message.text)

    def open(self) -> None:
        """Loads the page, or loads it again."""
        self.page.goto(self.comfy.url)
        self.page.wait_for_function("window.app?.vueAppReady === true && !!window.app.extensionManager")
        self.requests: list[str] = self.page.evaluate(REQUESTS)

    def check(self) -> None:
        errors, self.errors = self.errors, []
        assert not errors, errors

    def clear(self) -> None:
        """An empty graph, no dialog, no sidebar."""
        self.page.mouse.move(640, 700)  # over a tab, its pop-up mutes shortcuts
        self.page.evaluate(CLEAR, EMPTY)
        self.look()
        self.errors = []

    def load(self, workflow: dict[str, Any]) -> None:
        """Loads a workflow in the form that the front end saves, at a zoom of 1."""
        self.page.evaluate("workflow => app.loadGraphData(workflow, true, true, 'test')", workflow)
        self.look()

    def load_api(self, prompt: dict[str, Any]) -> None:
        """Loads a prompt, which may leave out widgets that have defaults: the front end would take the values of the node that had the
        same id before."""
        complete = self.comfy.complete(prompt, optional=True)
        self.page.evaluate("prompt => app.loadApiJson(prompt, 'test')", complete)
        self.look()

    def look(self) -> None:
        self.page.evaluate(
            "() => { app.canvas.ds.scale = 1; app.canvas.ds.offset = [0, 0]; app.canvas.setDirty(true, true) }"
        )
        self.settle()

    def settle(self) -> None:
        """Waits until two frames are drawn."""
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def widget(self, name: str, node: int | str = 1) -> Any:
        """Value of a node's widget."""
        find = "([id, name]) => app.graph.getNodeById(id).widgets.find(w => w.name === name).value"
        return self.page.evaluate(find, [node, name])

    def prompt(self) -> dict[str, Any]:
        """What Run would send."""
        return self.page.evaluate("async () => (await app.graphToPrompt()).output")

    def run(self, timeout: float = 120) -> None:
        """Presses Run and waits for the queue to be empty."""
        self.page.evaluate("() => app.queuePrompt(0)")
        self.comfy.idle(timeout)
        self.settle()

    def command(self, name: str) -> None:
        self.page.evaluate("name => app.extensionManager.command.execute(name)", name)

    def undo(self) -> None:
        """Takes back one change of the workflow."""
        self.page.evaluate("() => app.extensionManager.workflow.activeWorkflow.changeTracker.undo()")
        self.settle()

    def drag(self, start: tuple[float, float], end: tuple[float, float], steps: int = 4) -> None:
        """Drags the mouse between two points of the page."""
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*end, steps=steps)
        self.page.mouse.up()

    def drop(self, at: tuple[float, float], *paths: Path) -> None:
        """Drags files from outside of the page to a point of it and lets them go."""
        session = self.page.context.new_cdp_session(self.page)
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "dragOver", "drop"):
            session.send("Input.dispatchDragEvent", {"type": kind, "x": at[0], "y": at[1], "data": data})
            self.settle()
        session.detach()

    def at(self, svg: Locator, x: float, y: float) -> tuple[float, float]:
        """Where on the page a point of an SVG's own coordinates is."""
        found = svg.evaluate(
            "(s, [x, y]) => { const p = new DOMPoint(x, y).matrixTransform(s.getScreenCTM()); return [p.x, p.y] }",
            [x, y],
        )
        return found[0], found[1]
