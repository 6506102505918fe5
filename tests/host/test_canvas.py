"""Canvas nodes in a real ComfyUI, with a stand-in for the language model."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import websocket
from fake_llm import FakeLLM
from PIL import Image

from .comfy import Comfy, RunFailed, node
from .test_llm import connect, interrupt, until

SEA = {"rect": [0, 90, 0, 90], "prefixes": ["A sea."], "suffixes": ["waves."], "color": [0, 0, 200]}
BOAT = {"rect": [45, 90, 0, 45], "prefixes": ["A sea.", "A red boat."], "suffixes": ["wood."], "color": [200, 0, 0]}
MOON = {"rect": [0, 30, 60, 90], "prefixes": ["A sea.", "A moon."], "suffixes": [], "color": [200, 200, 200]}
PROGRAM = """```python
canvas = Canvas()
canvas.set_global_description(
    description='A sea', detailed_descriptions=['waves'], tags='sea', HTML_web_color_name='navy',
)
canvas.add_local_description(
    location='on the left', offset='no offset', area='a small square area', distance_to_viewer=2.0,
    description='A red boat', detailed_descriptions=['wood'], tags='boat', atmosphere='calm', style='oil painting',
    quality_meta='detailed', HTML_web_color_name='red',
)
```"""


def thing(description: str, location: str, distance: float) -> dict[str, Any]:
    """A region as a model writes it in JSON."""
    words = {"detailed_descriptions": ["wood"], "tags": "", "atmosphere": "", "style": "", "quality_meta": ""}
    place = {"location": location, "offset": "no offset", "area": "a small square area"}
    return {**place, "distance_to_viewer": distance, "description": description, **words, "HTML_web_color_name": "red"}


GLOBAL = {"description": "A sea", "detailed_descriptions": ["waves"], "tags": "sea", "HTML_web_color_name": "navy"}
ANSWER = json.dumps(
    {"global": GLOBAL, "regions": [thing("A boat", "on the left", 5), thing("A moon", "on the top-right", 2)]}
)


@pytest.fixture
def fake() -> Iterator[FakeLLM]:
    with FakeLLM() as fake:
        yield fake


def layout(*regions: dict[str, Any], **more: Any) -> str:
    """JSON of a canvas; ``more`` goes into its first region."""
    return json.dumps([regions[0] | more, *regions[1:]])


def chat(llm: list[Any], message: str = "a sea", **inputs: Any) -> dict[str, Any]:
    return node("ResonanceCanvasChat", llm=llm, message=message, **inputs)


def shows(graph: dict[str, Any], **links: list[Any]) -> dict[str, Any]:
    """The graph with every widget filled in and a probe on each link."""
    return graph | {name: node("ProbeValue", value=link) for name, link in links.items()}


def conversation(fake: FakeLLM, *messages: str, mode: str = "ok", **inputs: Any) -> dict[str, Any]:
    """``chat0``, ``chat1``, ...: one round per message; the last one's canvas goes through ``canvas``."""
    graph = {"llm": connect(f"{fake.url}/{mode}")}
    for n, message in enumerate(messages):
        graph[f"chat{n}"] = chat(["llm", 0], message, **inputs)
        if n:
            graph[f"chat{n}"]["inputs"]["conversation"] = [f"chat{n - 1}", 1]
    last = f"chat{len(messages) - 1}"
    graph["canvas"] = node("ResonanceCanvas", canvas=[last, 0])
    return shows(graph, json=["canvas", 3], text=[last, 2])


def run(comfy: Comfy, graph: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """What the probes saw, by node id, with all other outputs as they are."""
    outputs = comfy.run(comfy.complete(graph), **kwargs)
    return {n: json.loads(o["value"][0])[0] if "value" in o else o for n, o in outputs.items()}


class Client:
    """A browser's end of the wire."""

    def __init__(self, comfy: Comfy) -> None:
        self.socket = websocket.create_connection(comfy.url.replace("http", "ws") + "/ws?clientId=canvas", timeout=5)

    def received(self) -> list[tuple[str, Any]]:
        """Events with their data, and ``("text", (node, text))``, until nothing comes for a moment."""
        found: list[tuple[str, Any]] = []
        self.socket.settimeout(0.5)
        try:
            while True:
                message = self.socket.recv()
                if isinstance(message, str):
                    event = json.loads(message)
                    found.append((event["type"], event["data"]))
                    if event["type"] == "resonance.text":
                        found.append(("text", (event["data"]["node"], event["data"]["text"])))
        except websocket.WebSocketTimeoutException:
            return found

    def close(self) -> None:
        self.socket.close()


@pytest.fixture
def client(comfy: Comfy) -> Iterator[Client]:
    client = Client(comfy)
    yield client
    client.close()


def of(kind: str, received: list[tuple[str, Any]]) -> list[Any]:
    return [data for k, data in received if k == kind]


# Canvas Chat


@pytest.mark.parametrize(
    ("form", "answer", "rects"),
    [
        ("json", ANSWER, [[0, 90, 0, 90], [20, 70, 0, 40], [0, 40, 50, 90]]),
        ("omost program", PROGRAM, [[0, 90, 0, 90], [20, 70, 0, 40]]),
    ],
)
def test_an_answer_becomes_a_canvas(comfy: Comfy, fake: FakeLLM, form: str, answer: str, rects: list[Any]):
    fake.script = [(answer, "stop")]
    seen = run(comfy, conversation(fake, "a sea", answer_form=form))
    assert [r["rect"] for r in json.loads(seen["json"])] == rects
    assert seen["text"] == answer
    assert seen["chat0"]["resonance_canvas"] == [seen["json"]]
    system, user = fake.bodies[0]["messages"]
    assert system["role"] == "system" and user == {"role": "user", "content": "a sea"}
    assert ("set_global_description" in system["content"]) == (form == "omost program")
    assert fake.bodies[0]["temperature"] == 0.6 and fake.bodies[0]["top_p"] == 0.9
    assert fake.bodies[0]["max_tokens"] == 4096


@pytest.mark.parametrize(("model", "program"), [("tiny-omost-q4", True), ("tiny", False)])
def test_automatic_asks_only_omosts_own_models_for_a_program(comfy: Comfy, fake: FakeLLM, model: str, program: bool):
    fake.script = [(ANSWER, "stop")]
    graph = conversation(fake, "a sea", answer_form="automatic")
    graph["llm"]["inputs"]["model"] = model
    run(comfy, graph)
    assert ("set_global_description" in fake.bodies[0]["messages"][0]["content"]) == program


def test_a_layout_of_nothing_is_said_on_the_node(comfy: Comfy, fake: FakeLLM, client: Client):
    fake.script = [(json.dumps({"global": GLOBAL, "regions": []}), "stop")]
    seen = run(comfy, conversation(fake, "a sea"), client_id="canvas")
    assert len(json.loads(seen["json"])) == 1
    said = {n: text for n, text in of("text", client.received())}
    assert "Note: the model laid out nothing" in said["chat0"] and "nothing" not in said["canvas"]


@pytest.mark.parametrize(
    ("mode", "form", "sent"),
    [
        ("llamacpp", "json", "grammar"),
        ("llamacpp", "omost program", "grammar"),
        ("ok", "json", "response_format"),
        ("ok", "omost program", None),
    ],
)
def test_the_form_is_forced_where_the_server_can(
    comfy: Comfy, fake: FakeLLM, client: Client, mode: str, form: str, sent: str | None
):
    fake.script = [(PROGRAM, "stop"), (PROGRAM, "stop")]
    graph = conversation(fake, "a sea", mode=mode, answer_form=form)
    run(comfy, graph, client_id="canvas")
    assert {"grammar", "response_format"} & set(fake.bodies[0]) == ({sent} if sent else set())
    last = [text for n, text in of("text", client.received()) if n == "chat0"][-1]
    assert ("Note: this model cannot be held to a format" in last) == (sent is None)
    graph["chat0"]["inputs"]["force_grammar"] = False
    run(comfy, graph)
    assert not {"grammar", "response_format"} & set(fake.bodies[1])


def test_the_layout_appears_while_it_is_written(comfy: Comfy, fake: FakeLLM, client: Client):
    fake.script, fake.pause = [(ANSWER, "stop")], 0.02
    graph = {"llm": connect(fake.url + "/ok"), "10:1": chat(["llm", 0])}
    run(comfy, shows(graph, canvas=["10:1", 0]), client_id="canvas")
    received = client.received()
    events = of("resonance.canvas", received)
    *growing, last = events
    assert {e["node"] for e in events} == {"10:1"} and len({e["run"] for e in events}) == 1
    assert [e["seq"] for e in events] == list(range(len(events)))
    assert len(growing) > 5 and ANSWER.startswith("".join(e["delta"] for e in growing))
    counts = [len(e["regions"]) for e in growing if "regions" in e]
    assert counts == sorted(counts) and counts[0] == 1 < counts[-1]
    assert last["done"] is True and last["text"] == ANSWER and last["notes"] == []
    assert [r["rect"] for r in last["regions"]] == [[0, 90, 0, 90], [20, 70, 0, 40], [0, 40, 50, 90]]
    texts = [text for n, text in of("text", received) if n == "10:1"]
    assert texts[0].startswith("0 regions") and texts[-1] == "2 regions; nearest: A moon."


def test_a_layout_in_thoughts_is_never_shown(comfy: Comfy, fake: FakeLLM, client: Client):
    draft = ANSWER.replace("A sea", "A draft")
    fake.script, fake.pause = [(f"<thinking>{draft}</thinking>\n{ANSWER}", "stop")], 0.02
    graph = {"llm": connect(fake.url + "/ok"), "chat": chat(["llm", 0])}
    found = run(comfy, shows(graph, text=["chat", 2], thoughts=["chat", 3]), client_id="canvas")
    assert (found["text"], found["thoughts"]) == (ANSWER, draft)
    *growing, last = of("resonance.canvas", client.received())
    assert growing[0]["delta"].startswith("Thinking: {") and last["text"] == ANSWER
    whole = [e["text"] for e in growing if "text" in e]
    assert len(whole) == 1 and ANSWER.startswith(whole[0])
    regions = [e["regions"] for e in growing if "regions" in e]
    assert regions and not any("draft" in json.dumps(each) for each in regions)


def test_events_are_at_least_50_ms_apart(comfy: Comfy, fake: FakeLLM, client: Client):
    fake.script = [(layout(SEA, *[BOAT] * 200), "stop")]
    run(comfy, conversation(fake, "a fleet"), client_id="canvas")
    events = of("resonance.canvas", client.received())
    assert len(events) < 40 and len(events[-1]["regions"]) == 201


def test_another_browser_hears_nothing(comfy: Comfy, fake: FakeLLM, client: Client):
    fake.script = [(layout(SEA, BOAT), "stop")]
    run(comfy, conversation(fake, "for nobody"))
    assert of("resonance.canvas", client.received()) == []


def test_a_cached_run_shows_its_canvas_again(comfy: Comfy, fake: FakeLLM, client: Client):
    fake.script = [(layout(SEA, BOAT), "stop")]
    graph = conversation(fake, "a sea")
    first = run(comfy, graph, client_id="canvas")
    client.received()
    again = run(comfy, graph, client_id="canvas")
    assert again["chat0"] == first["chat0"] and len(fake.bodies) == 1
    shown = {e["node"]: e["output"] for e in of("executed", client.received()) if e["output"]}
    assert shown["chat0"] == first["chat0"] and shown["canvas"] == first["canvas"]


def test_every_round_only_adds_to_the_conversation(comfy: Comfy, fake: FakeLLM):
    moved = {**BOAT, "rect": [45, 90, 45, 90]}
    fake.script = [(layout(SEA, BOAT), "stop"), (layout(SEA, moved), "stop"), (layout(SEA, moved, MOON), "stop")]
    seen = run(comfy, conversation(fake, "a sea", "the boat to the right", "add a moon"))
    assert [r["rect"] for r in json.loads(seen["json"])] == [SEA["rect"], moved["rect"], MOON["rect"]]
    sent = [b["messages"] for b in fake.bodies]
    assert [len(m) for m in sent] == [2, 4, 6]
    assert sent[1][:2] == sent[0] and sent[2][:4] == sent[1]
    assert sent[1][2] == {"role": "assistant", "content": layout(SEA, BOAT)}

    fake.script = [(layout(SEA, moved), "stop")]
    run(comfy, conversation(fake, "a sea", "the boat to the right", "no moon"))
    assert len(fake.bodies) == 4, "rounds that did not change were asked again"


def test_a_cut_answer_is_salvaged_and_says_so(comfy: Comfy, fake: FakeLLM, client: Client):
    fake.script = [(ANSWER[: ANSWER.index("A moon")], "length")]
    seen = run(comfy, conversation(fake, "a sea"), client_id="canvas")
    assert [r["rect"] for r in json.loads(seen["json"])] == [[0, 90, 0, 90], [20, 70, 0, 40]]
    received = client.received()
    assert any("cut off" in n for n in of("resonance.canvas", received)[-1]["notes"])
    assert "Note: the answer was cut off" in [text for n, text in of("text", received) if n == "chat0"][-1]


def test_corrected_words_are_named_on_the_node(comfy: Comfy, fake: FakeLLM, client: Client):
    fake.script = [(PROGRAM.replace("on the left", "on the lefft"), "stop")]
    run(comfy, conversation(fake, "a sea", answer_form="omost program"), client_id="canvas")
    received = client.received()
    assert any("on the lefft" in n for n in of("resonance.canvas", received)[-1]["notes"])
    assert "on the lefft" in [text for n, text in of("text", received) if n == "chat0"][-1]


def test_an_answer_without_a_canvas_is_an_error_that_quotes_it(comfy: Comfy, fake: FakeLLM):
    fake.script = [(layout(SEA, BOAT), "stop"), ("I am only a language model.", "stop"), (layout(SEA), "stop")]
    graph = conversation(fake, "a sea", "sing a song")
    with pytest.raises(RunFailed, match="The answer holds no canvas.* begins: I am only a language model"):
        run(comfy, graph)
    graph["chat1"]["inputs"]["message"] = "no boat"
    assert len(json.loads(run(comfy, graph)["json"])) == 1
    assert [m["content"] for m in fake.bodies[2]["messages"][1:]] == ["a sea", layout(SEA, BOAT), "no boat"]


def test_an_interrupt_ends_it_within_a_second(comfy: Comfy, fake: FakeLLM):
    fake.script, fake.pause = [(layout(SEA, BOAT) * 20, "stop")], 0.1
    going = comfy.queue(comfy.complete(conversation(fake, "a long one")))
    until(lambda: fake.bodies)
    assert interrupt(comfy, going) < 1
    assert fake.gone.wait(1), "the server was left working"


def test_an_empty_message_is_refused(comfy: Comfy, fake: FakeLLM):
    with pytest.raises(RunFailed, match="The message is empty"):
        run(comfy, conversation(fake, "  "))
    graph = conversation(fake, "")
    graph["nothing"] = node("PrimitiveString", value="")
    graph["chat0"]["inputs"]["message"] = ["nothing", 0]
    with pytest.raises(RunFailed, match="The message is empty"):
        run(comfy, graph)


# Canvas


def by_hand(text: str = "", **inputs: Any) -> dict[str, Any]:
    graph = {"canvas": node("ResonanceCanvas", canvas_text=text, **inputs)}
    return shows(graph, masks=["canvas", 1], boxes=["canvas", 2], json=["canvas", 3])


def test_a_canvas_is_read_from_json_and_from_a_program(comfy: Comfy, client: Client):
    seen = run(comfy, by_hand(layout(SEA, BOAT, note="kept")))
    assert json.loads(seen["json"])[0]["note"] == "kept"
    assert seen["masks"]["shape"] == [2, 90, 90]
    assert [[b[k] for k in ("x", "y", "width", "height")] for b in seen["boxes"][0]] == [[0, 512, 512, 512]]
    assert seen["canvas"]["resonance_canvas"] == [seen["json"]] and seen["canvas"]["resonance_size"] == [1024, 1024]
    seen = run(comfy, by_hand(PROGRAM.replace("'red'", "'redd'")), client_id="canvas")
    assert [r["rect"] for r in json.loads(seen["json"])] == [[0, 90, 0, 90], [20, 70, 0, 40]]
    assert "'redd'" in of("text", client.received())[-1][1].replace('"', "'")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[{", "line 1"),
        ("import os", "no canvas in the text"),
        ('[{"rect": [0, 0, 0, 0], "prefixes": [], "suffixes": []}]', "Item 0 of the list: rect"),
    ],
)
def test_what_is_no_canvas_is_refused_in_a_sentence(comfy: Comfy, text: str, says: str):
    with pytest.raises(RunFailed, match=says):
        run(comfy, by_hand(text))


def test_nothing_at_all_is_refused(comfy: Comfy):
    with pytest.raises(RunFailed, match="There is no canvas: write one"):
        run(comfy, by_hand())


def test_edits_count_until_what_they_were_made_from_changes(comfy: Comfy, client: Client):
    moved = {**BOAT, "rect": [45, 90, 45, 90]}

    def follow(upstream: str, text: str) -> tuple[Any, str]:
        graph = {"first": node("ResonanceCanvas", canvas_text=upstream), **by_hand(text, canvas=["first", 0])}
        seen = run(comfy, graph, client_id="canvas")
        (origin,) = seen["canvas"]["resonance_from"]
        (connected,) = seen["canvas"]["resonance_upstream"]
        assert json.loads(connected) == json.loads(upstream)
        return json.loads(seen["json"])[1]["rect"], origin

    rect, origin = follow(layout(SEA, BOAT), "")
    assert rect == BOAT["rect"] and origin
    edited = layout(SEA, moved, **{"from": origin})
    client.received()
    assert follow(layout(SEA, BOAT), edited) == (moved["rect"], origin)
    assert "not used" not in of("text", client.received())[-1][1]
    assert follow(layout(SEA, MOON), edited)[0] == MOON["rect"]
    assert "Note: the text was not made from what is connected" in of("text", client.received())[-1][1]
    assert json.loads(run(comfy, by_hand(edited))["json"])[1]["rect"] == moved["rect"]


BOXES = [
    {
        "x": 0,
        "y": 256,
        "width": 256,
        "height": 256,
        "metadata": {"type": "obj", "desc": "a red boat", "palette": ["#ff0000"]},
    },
    {"x": 384, "y": 0, "width": 128, "height": 128, "metadata": {"type": "obj", "desc": "a moon", "palette": []}},
]


def drawn(boxes: list[Any]) -> dict[str, Any]:
    """Core's box editor with these boxes drawn in it, on 512 x 512."""
    fractions = {"width": 512, "height": 512, "editor_state": {"__value__": boxes}}
    return node("CreateBoundingBoxes", **fractions)


def test_boxes_may_stand_in_a_fence_and_what_was_not_read_is_said_on_the_node(comfy: Comfy, client: Client):
    boat = {"x": 0, "y": 0, "width": 256, "height": 512, "metadata": {"desc": "A boat", "depth": 3}}
    graph = by_hand(boxes=["text", 0], width=512, height=512)
    graph["text"] = node("PrimitiveString", value=f"I see:\n```json\n{json.dumps([boat])}\n```")
    seen = run(comfy, graph, client_id="canvas")
    assert json.loads(seen["json"])[1]["rect"] == [0, 90, 0, 45]
    assert "Note: 'depth' of the boxes was not read." in of("text", client.received())[-1][1]


@pytest.mark.parametrize("output", [1, 2])  # bounding boxes, elements
def test_cores_boxes_become_regions_and_go_back(comfy: Comfy, output: int):
    graph = {"drawn": drawn(BOXES), **by_hand(boxes=["drawn", output], width=512, height=512)}
    graph["back"] = node(
        "CreateBoundingBoxes", width=512, height=512, editor_state={"__value__": []}, bboxes=["canvas", 2]
    )
    seen = run(comfy, shows(graph, again=["back", 1], first=["drawn", 1]))
    regions = json.loads(seen["json"])
    sea, boat, moon = (r["rect"] for r in regions)
    assert sea == [0, 90, 0, 90] and boat == [45, 90, 0, 45] and abs(np.subtract(moon, [0, 22.5, 67.5, 90])).max() < 1
    if output == 2:  # core's bounding boxes carry no words
        assert regions[1]["color"] == [255, 0, 0] and regions[1]["prefixes"] == ["a red boat."]
    for before, after in zip(seen["first"][0], seen["again"][0], strict=True):
        assert all(abs(before[k] - after[k]) <= 6 for k in ("x", "y", "width", "height")), (before, after)


def test_boxes_are_read_from_a_text_and_from_one_box(comfy: Comfy):
    text = {"text": node("PrimitiveStringMultiline", value=json.dumps(BOXES))}
    seen = run(comfy, text | by_hand(boxes=["text", 0], width=512, height=512))
    assert len(json.loads(seen["json"])) == 3
    one = {"one": node("PrimitiveBoundingBox", x=0, y=256, width=256, height=256)}
    seen = run(comfy, one | by_hand(boxes=["one", 0], width=512, height=512))
    assert json.loads(seen["json"])[1]["rect"] == [45, 90, 0, 45]


def test_boxes_are_added_to_a_connected_canvas(comfy: Comfy):
    graph = {"first": node("ResonanceCanvas", canvas_text=layout(SEA, MOON)), "drawn": drawn(BOXES[:1])}
    graph |= by_hand(canvas=["first", 0], boxes=["drawn", 1], width=512, height=512)
    sea, moon, boat = json.loads(run(comfy, graph)["json"])
    assert sea["prefixes"] == SEA["prefixes"] and moon["rect"] == MOON["rect"] and boat["rect"] == BOAT["rect"]
    assert boat["prefixes"][0] == "A sea."


def test_the_boxes_can_be_drawn_by_core(comfy: Comfy):
    graph = {"image": node("EmptyImage", width=180, height=90, batch_size=1, color=0)}
    graph |= by_hand(layout(SEA, BOAT), image=["image", 0])
    graph["drawn"] = node("DrawBBoxes", image=["image", 0], bboxes=["canvas", 2])
    seen = run(comfy, shows(graph, picture=["drawn", 0]))
    assert max(seen["picture"]["mean"]) > 0
    (box,) = seen["boxes"][0]
    assert [box[k] for k in ("x", "y", "width", "height")] == [0, 45, 90, 45]
    (file,) = seen["canvas"]["resonance_background"]
    assert file["type"] == "temp" and seen["canvas"]["resonance_size"] == [180, 90]
    with Image.open(comfy.base / "temp" / file["filename"]) as image:
        assert image.size == (180, 90)


# Render Canvas, Region Masks


def rendered(text: str, **inputs: Any) -> dict[str, Any]:
    graph = {"canvas": node("ResonanceCanvas", canvas_text=text)}
    graph["render"] = node("ResonanceRenderCanvas", canvas=["canvas", 0], **inputs)
    graph["save"] = node("SaveImage", images=["render", 0], filename_prefix="sketch")
    return shows(graph, masks=["render", 1])


def pixels(comfy: Comfy, outputs: dict[str, Any]) -> np.ndarray:
    with Image.open(comfy.base / "output" / outputs["save"]["images"][0]["filename"]) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_the_sketch_has_the_colours_of_the_original(comfy: Comfy):
    nearer = {**BOAT, "rect": [45, 90, 30, 90], "color": [0, 200, 0]}
    seen = run(comfy, rendered(layout(SEA, BOAT, nearer), width=360, height=180, blur=0))
    sketch = pixels(comfy, seen)
    assert sketch.shape == (180, 360, 3) and seen["masks"]["shape"] == [3, 180, 360]
    assert np.abs(sketch[10, 10] - [0, 0, 200]).max() <= 1
    assert np.abs(sketch[170, 10] - [140, 0, 60]).max() <= 1
    assert np.abs(sketch[170, 150] - [42, 140, 18]).max() <= 1  # 0.3 of the boat's, 0.7 of its own
    assert np.abs(sketch[170, 350] - [0, 140, 60]).max() <= 1

    blurred = pixels(comfy, run(comfy, rendered(layout(SEA, BOAT), width=360, height=180, blur=40)))
    grid = np.zeros((90, 90, 3)) + SEA["color"]
    grid[45:90, 0:45] = 0.7 * np.array(BOAT["color"]) + 0.3 * grid[45:90, 0:45]
    padded = np.pad(grid, ((40, 40), (40, 40), (0, 0)), mode="reflect")
    for row, column in ((0, 0), (89, 0), (60, 44), (60, 80)):
        expected = padded[row : row + 81, column : column + 81].mean((0, 1))
        assert np.abs(blurred[row * 2, column * 4] - expected).max() <= 1.5


def test_the_sketch_is_a_latent_with_a_vae(comfy: Comfy):
    graph = rendered(layout(SEA, BOAT), width=64, height=128, blur=0, vae=["checkpoint", 2])
    graph["checkpoint"] = node("CheckpointLoaderSimple", ckpt_name="tiny_sd15.safetensors")
    graph["decode"] = node("VAEDecode", samples=["render", 2], vae=["checkpoint", 2])
    seen = run(comfy, shows(graph, latent=["render", 2], picture=["decode", 0]))
    assert seen["latent"]["samples"]["shape"] == [1, 4, 16, 8]
    assert seen["picture"]["shape"] == [1, 128, 64, 3]
    assert np.abs(np.array(seen["picture"]["mean"]) * 255 - pixels(comfy, seen).mean((0, 1))).max() < 20


def test_a_latent_without_a_vae_is_an_error(comfy: Comfy, client: Client):
    graph = rendered(layout(SEA, BOAT), width=64, height=64, blur=0)
    with pytest.raises(RunFailed, match="only with a VAE: connect vae"):
        run(comfy, shows(graph, latent=["render", 2]))
    run(comfy, graph)  # nobody asks for the latent
    outputs = run(comfy, shows(graph, latent=["render", 2]), client_id="canvas")  # what was made is in the cache now
    assert "latent" not in outputs
    assert "connect vae" in of("execution_error", client.received())[0]["exception_message"]


def test_region_masks_by_name_and_number(comfy: Comfy):
    def of_regions(which: str, **size: int) -> dict[str, Any]:
        graph = {"canvas": node("ResonanceCanvas", canvas_text=layout(SEA, {**BOAT, "name": "boat"}, MOON))}
        graph["masks"] = node("ResonanceRegionMasks", canvas=["canvas", 0], which=which, **size)
        graph["one"] = node("MaskToImage", mask=["masks", 0])
        outputs = comfy.run(comfy.complete(shows(graph, image=["one", 0], names=["masks", 1])))
        (image,) = json.loads(outputs["image"]["value"][0])
        return {
            "shape": image["shape"][:3],
            "mean": image["mean"][0],
            "names": json.loads(outputs["names"]["value"][0]),
        }

    everything = of_regions("")
    assert everything["names"] == ["global", "boat", "A moon"] and everything["shape"] == [3, 90, 90]
    boat = of_regions("boat", width=180, height=360)
    assert boat["names"] == ["boat"] and boat["shape"] == [1, 360, 180] and abs(boat["mean"] - 0.25) < 1e-3
    assert of_regions("2, Boat")["names"] == ["A moon", "boat"]
    with pytest.raises(RunFailed, match=r"no region 'ship'.*0 \(global\), 1 \(boat\), 2 \(A moon\)"):
        of_regions("ship")
