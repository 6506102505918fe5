"""What `nox -s demo` makes where there is no ComfyUI: its page in a browser, and whether pictures follow their words."""

from pathlib import Path

import demo_toyworld
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from resonance.session.query import read_round
from resonance.toyworld.scenes import TAGS
from training.measure import Reader


@pytest.mark.long
def test_the_page_opens_and_its_pictures_follow_their_words(tmp_path: Path, browser: Browser) -> None:
    page_file = demo_toyworld.make(tmp_path)
    page = browser.new_page()
    errors: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(page_file.as_uri())
    expect(page.locator("figure img")).to_have_count(4 * 4)
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    assert errors == [] and [url for url in requests if not url.startswith("data:")] == [page_file.as_uri()]
    page.close()
    session = tmp_path / "output" / demo_toyworld.SESSION
    items = [item for round_ in (1, 2, 3) for item in read_round(session, round_)[1]]
    pictures = [Image.open(session / item["files"][0]) for item in items]
    said = [set(item["prompt"].split(", ")) for item in items]
    found = [set(line.split(", ")) for line in Reader().lines(pictures)]
    right = {
        kind: sum(a & set(TAGS[kind]) == b & set(TAGS[kind]) for a, b in zip(said, found, strict=True)) for kind in TAGS
    }
    assert len(items) == 12 and all(len(words) == 5 for words in said[:4])
    assert min(right["color"], right["background"]) == 12 and min(right["shape"], right["place"]) >= 10, right
