"""What the pack costs when the page opens."""

import pytest

from .conftest import ONCE
from .desk import Desk

ENTRY = "resonance/js/resonance.js"
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


def test_one_request_of_ours_when_the_page_opens(shared_desk: Desk) -> None:
    assert [name.split("/extensions/")[1] for name in shared_desk.requests] == [ENTRY]


@ONCE
@pytest.mark.quiet
def test_it_is_fetched_and_evaluated_in_30_ms(desk: Desk) -> None:
    assert desk.page.evaluate(LOAD_AGAIN, ENTRY) < 30
