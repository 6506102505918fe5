"""The rounds gallery as a hand has it: its tab in the sidebar, and the large view over it."""

from typing import Any

from gallery_session import make_session
from host.graphs import output, until
from playwright.sync_api import Locator, expect

from .desk import Desk


class Gallery:
    """The tab, and the large view over it."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.page = desk, desk.page
        self.root = self.page.locator(".resonance-gallery", has=self.page.get_by_role("grid"))
        self.session = self.root.get_by_label("Session")
        self.cells = self.root.get_by_role("gridcell")
        self.large = self.page.locator("dialog.resonance-large")

    @property
    def button(self) -> Locator:
        return self.page.get_by_role("button", name="Rounds", exact=True)

    def open(self, session: str = "") -> "Gallery":
        """Opens the tab by its button, and a session in it."""
        self.button.click()
        if session:
            self.choose(session)
        return self

    def choose(self, session: str) -> None:
        expect(self.session.locator(f"option[value='{session}']")).to_be_attached()
        self.session.select_option(session)
        expect(self.root.get_by_role("grid", name=f"Pictures of {session}:")).to_be_visible()

    def make(self, session: str, rounds: int, lineages: int, **how: Any) -> "Gallery":
        """Opens a session that was written without running anything."""
        self.write(session, rounds, lineages, **how)
        return self.open(session)

    def write(self, session: str, rounds: int, lineages: int, **how: Any) -> None:
        """Writes a session, unless another test did."""
        if not (output(self.desk.comfy) / session).exists():
            make_session(output(self.desk.comfy), session, rounds, lineages, **how)

    def cell(self, lineage: str, round_: int | str) -> Locator:
        """A cell by what it is called: ``X0001, round 2: done``, or ``X0001, start``."""
        name = f"{lineage}, start" if round_ == "start" else f"{lineage}, round {round_}: "
        return self.root.get_by_role("gridcell", name=name)

    def view(self, lineage: str, round_: int | str) -> Locator:
        """Opens an item in large."""
        self.cell(lineage, round_).click()
        expect(self.large.get_by_role("heading", name="Drift")).to_be_visible()
        return self.large

    def title(self, lineage: str, round_: int) -> None:
        expect(self.large.get_by_role("heading", level=2)).to_have_text(f"{lineage}, round {round_}")
        expect(self.large.locator(".resonance-side")).to_have_attribute("aria-busy", "false")
        expect(self.large.get_by_role("heading", name="Drift")).to_be_visible()

    def item(self, session: str, lineage: str, round_: int) -> dict[str, Any]:
        """What the server says about an item."""
        at = f"/resonance/rounds/{session}"
        known = self.desk.comfy.get(f"{at}/grid")
        row = known["lineages"].index(lineage)
        [id_] = [each[0] for each in known["items"] if each[1:3] == [round_, row]]
        return self.desk.comfy.get(f"{at}/items/{id_}")


def loaded(image: Locator) -> None:
    """Waits for a picture to be there."""
    expect(image).to_be_visible()
    until(lambda: image.evaluate("image => image.naturalWidth") > 0)
