"""What the pack costs when the page opens."""

from .desk import Desk


def test_one_request_of_ours_when_the_page_opens(new_desk: Desk) -> None:
    entries = new_desk.page.evaluate(
        "() => performance.getEntriesByType('resource').map(e => e.name).filter(n => n.includes('/extensions/resonance/'))"
    )
    assert [entry.split("/extensions/")[1] for entry in entries] == ["resonance/js/resonance.js"]
