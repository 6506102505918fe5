"""What the pack costs when the page opens."""

import pytest

from .conftest import ONCE
from .desk import Desk

ENTRY = "resonance/js/resonance.js"
REQUESTS = """() => performance.getEntriesByType('resource').map(entry => entry.name)
    .filter(name => name.toLowerCase().includes('resonance'))"""
LOAD_AGAIN = """async entry => {
    const { app } = window.comfyAPI.app
    const { registerExtension } = app
    app.registerExtension = () => {}
    const took = []
    for (let i = 0; i < 10; i++) {
        const start = performance.now()
        await import(`/extensions/${entry}?again=${i}`)
        took.push(performance.now() - start)
    }
    app.registerExtension = registerExtension
    return Math.min(...took)
}"""


def test_one_request_of_ours_when_the_page_opens(new_desk: Desk) -> None:
    requests = new_desk.page.evaluate(REQUESTS)
    assert [name.split("/extensions/")[1] for name in requests] == [ENTRY]


@ONCE
@pytest.mark.quiet
def test_it_is_fetched_and_evaluated_in_30_ms(desk: Desk) -> None:
    assert desk.page.evaluate(LOAD_AGAIN, ENTRY) < 30
