import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websocket
from fake_llm import KEY, FakeLLM

from .comfy import Comfy, RunFailed, node
from .conftest import server
from .graphs import check_whole, items, pictures, quick

RED, BLUE, GREEN = 0xFF0000, 0x0000FF, 0x00FF00


@pytest.fixture(scope="module")
def comfy(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Comfy]:
    with server(tmp_path_factory.mktemp("llm"), models, "probe", "small_clip", "llama") as comfy:
        yield comfy


@pytest.fixture
def fake() -> Iterator[FakeLLM]:
    with FakeLLM() as fake:
        yield fake


@pytest.fixture
def keys(comfy: Comfy) -> Iterator[Path]:
    """ComfyUI's private folder for the pack, as a user would find it."""
    file = comfy.base / "user" / "__resonance" / "llm_keys.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    yield file
    file.unlink(missing_ok=True)


def describe(llm: dict[str, Any], *colours: int, **inputs: Any) -> dict[str, Any]:
    """A graph: node ``llm`` describes one plain picture per colour; ``captions`` shows what comes out."""
    graph = {"llm": llm}
    for i, colour in enumerate(colours):
        graph[f"image{i}"] = node("EmptyImage", width=64, height=64, batch_size=1, color=colour)
        graph[f"batch{i}"] = node("ImageBatch", image1=[f"batch{i - 1}", 0], image2=[f"image{i}", 0])
    graph["batch0"] = graph.pop("image0")
    defaults = {"instruction": "Describe.", "system": "Be brief.", "max_tokens": 50, "temperature": 0.3, "top_p": 0.95}
    graph["caption"] = node(
        "ResonanceCaptionImages",
        llm=["llm", 0],
        images=[f"batch{len(colours) - 1}", 0],
        **{**defaults, "top_k": 40, "seed": 0, **inputs},
    )
    graph["captions"] = node("ProbeValue", value=["caption", 0])
    graph["thoughts"] = node("ProbeValue", value=["caption", 1])
    return graph


def connect(address: str, **inputs: Any) -> dict[str, Any]:
    return node("ResonanceConnectLLM", address=address, **{"model": "", "timeout": 30, **inputs})


def core() -> dict[str, Any]:
    return {
        "clip": node("SmallCLIP", name="tiny-qwen3vl.safetensors"),
        "llm": node("ResonanceCoreLLM", clip=["clip", 0]),
    }


def captions(outputs: dict[str, Any]) -> list[str]:
    return json.loads(outputs["captions"]["value"][0])


def interrupt(comfy: Comfy, prompt_id: str) -> float:
    """Seconds from the interrupt to the end of the run."""
    start = time.monotonic()
    comfy.post("/interrupt")
    with pytest.raises(RunFailed, match="interrupted"):
        comfy.wait(prompt_id, 10)
    return time.monotonic() - start


def until(condition: Any, timeout: float = 20) -> None:
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


class Texts:
    """Texts that the server shows on nodes, as the front end receives them."""

    before: websocket.WebSocket | None = None

    def __init__(self, comfy: Comfy) -> None:
        # The server forgets a client when one of its connections ends, also where another one has begun.
        if Texts.before:
            Texts.before.close()
        self.socket = websocket.create_connection(comfy.url.replace("http", "ws") + "/ws?clientId=texts", timeout=5)
        Texts.before = self.socket

    def on(self, node_id: str, most: int = 1000) -> list[str]:
        """All that came for this node, once nothing more comes or there are so many."""
        texts: list[str] = []
        self.socket.settimeout(0.5)
        try:
            while len(texts) < most:
                message = self.socket.recv()
                match json.loads(message) if isinstance(message, str) else None:
                    case {"type": "resonance.text", "data": {"node": node, "text": text}} if node == node_id:
                        texts.append(text)
                    case {"type": "executed", "data": {"node": node, "output": {"resonance_text": [text]}}} if (
                        node == node_id
                    ):
                        texts.append(text)
                    case _:
                        pass
        except websocket.WebSocketTimeoutException:
            pass
        return texts


# Connect LLM


def test_each_picture_of_a_batch_gets_its_caption(comfy: Comfy, fake: FakeLLM):
    outputs = comfy.run(describe(connect(fake.url + "/ok"), RED, BLUE, GREEN, seed=7))
    assert captions(outputs) == [f"a {c} picture, seed 7" for c in ("red", "blue", "green")]
    sent = fake.bodies[0]
    assert (sent["temperature"], sent["top_p"], sent["top_k"], sent["max_tokens"]) == (0.3, 0.95, 40, 50)
    assert sent["messages"][0] == {"role": "system", "content": "Be brief."}


def test_tgi_describes_too(comfy: Comfy, fake: FakeLLM):
    assert captions(comfy.run(describe(connect(fake.url + "/tgi"), BLUE))) == ["a blue picture, seed 0"]


def test_the_text_grows_on_the_node_and_ends_with_what_was_left_out(comfy: Comfy, fake: FakeLLM):
    texts = Texts(comfy)
    comfy.run(describe(connect(fake.url + "/slow"), RED), client_id="texts")
    shown = texts.on("caption")
    assert len(shown) > 5 and all(b.startswith(a) for a, b in zip(shown, shown[1:-1], strict=False))
    assert shown[0].startswith("word0") and shown[-1].split("\n\n")[0].endswith("word39")
    comfy.run(describe(connect(fake.url + "/strict"), RED), client_id="texts")
    said, _, by = texts.on("caption")[-1].rpartition("\n\n")
    assert said == "a red picture, seed 0\n\nNote: the server does not take top_k: it was left out."
    assert re.fullmatch(rf"seer at {fake.url}/strict/v1, \d+\.\d s", by)


def test_captions_are_made_fit_for_a_prompt(comfy: Comfy, fake: FakeLLM):
    assert captions(comfy.run(describe(connect(fake.url + "/think"), RED))) == ["A cat. On a mat."]
    assert captions(comfy.run(describe(connect(fake.url + "/think"), RED, one_line=False))) == ["A cat.\n\nOn a mat."]
    assert captions(comfy.run(describe(connect(fake.url + "/length"), RED))) == ["One sentence."]
    assert captions(comfy.run(describe(connect(fake.url + "/ok"), RED, stop="|, seed"))) == ["a red picture"]


def test_thoughts_have_an_output_of_their_own_and_are_shown_until_the_caption_begins(comfy: Comfy, fake: FakeLLM):
    texts, draft = Texts(comfy), "[THINK]The user wants a caption. Perhaps: a draft.[/THINK]"
    fake.script, fake.pause = [(f"{draft}A cat.<|im_end|>", "stop"), ("A dog.", "stop")], 0.03
    outputs = comfy.run(describe(connect(fake.url + "/ok"), RED, BLUE), client_id="texts")
    assert captions(outputs) == ["A cat.", "A dog."]
    assert json.loads(outputs["thoughts"]["value"][0]) == ["The user wants a caption. Perhaps: a draft.", ""]
    shown = texts.on("caption")
    assert shown[0].startswith("Thinking: The") and shown[-1].startswith("A cat.\n\nA dog.\n\nseer at ")
    assert all(text.startswith("Thinking: ") == ("The u" in text) for text in shown)


def test_an_answer_without_text_is_an_error_and_no_caption(comfy: Comfy, fake: FakeLLM):
    for text, finish, why in (
        ("", "stop", "The model's answer is empty"),
        ("<think>hm", "length", "still thinking when max_tokens ran out"),
        ("<think>a cat", "stop", "gave thoughts but no answer"),
    ):
        fake.script = [(text, finish)]
        with pytest.raises(RunFailed, match=why):
            comfy.run(describe(connect(fake.url + "/ok"), RED))


@pytest.mark.parametrize("mode", ["stall", "mute"])  # in the middle of an answer, and while it is asked what it is
def test_an_interrupt_ends_a_server_that_says_nothing_within_a_second(comfy: Comfy, fake: FakeLLM, mode: str):
    run = comfy.queue(describe(connect(f"{fake.url}/{mode}"), RED))
    until(lambda: fake.bodies if mode == "stall" else fake.seen)
    assert interrupt(comfy, run) < 1
    assert mode == "mute" or fake.gone.wait(1), "the server was left working"
    assert captions(comfy.run(describe(connect(fake.url + "/ok"), RED))) == ["a red picture, seed 0"]


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("nothing", "neither as an OpenAI-compatible server"),
        ("error500", "answered 500: Failed to create bitmap"),
        ("nofinish", "before it was finished"),
        ("redirect", "not followed"),
    ],
)
def test_a_failing_server_is_one_sentence(comfy: Comfy, fake: FakeLLM, mode: str, says: str):
    with pytest.raises(RunFailed, match=says):
        comfy.run(describe(connect(f"{fake.url}/{mode}"), RED))


def test_a_wrong_address_is_refused_before_anything_runs(comfy: Comfy):
    with pytest.raises(RunFailed, match="does not begin with http:// or https://"):
        comfy.queue(describe(connect("127.0.0.1:8080"), RED))


def test_a_workflow_cannot_choose_where_words_go(comfy: Comfy, keys: Path):
    line = r'\\"https://evil.example\\": {\\"key\\": \\"...\\"}'
    with pytest.raises(RunFailed) as refused:
        comfy.queue(describe(connect("https://evil.example/v1"), RED))
    assert line.replace("\\\\", "\\") in str(refused.value) and str(keys) in str(refused.value)
    graph = describe(connect("?"), RED)
    graph["text"] = node("PrimitiveString", value="https://evil.example/v1")
    graph["llm"]["inputs"]["address"] = ["text", 0]
    with pytest.raises(RunFailed, match="https://evil.example is not on this machine"):
        comfy.run(graph)


def test_a_key_is_used_and_seen_nowhere(comfy: Comfy, fake: FakeLLM, keys: Path):
    keys.write_text(json.dumps({fake.url: {"key": KEY}}))
    graph = describe(connect(fake.url + "/key"), RED)
    graph["save"] = node("SaveImage", images=["batch0", 0], filename_prefix="key")
    assert captions(comfy.run(graph, workflow={"nodes": []})) == ["a red picture, seed 0"]
    assert all(headers.get("Authorization") == f"Bearer {KEY}" for _, _, headers, _ in fake.seen)

    keys.write_text(json.dumps({fake.url: {"key": KEY + "x"}}))
    with pytest.raises(RunFailed, match="refused the key"):
        comfy.run(describe(connect(fake.url + "/key", timeout=29), RED))
    keys.write_text(json.dumps({fake.url: {"key": KEY}}))
    with pytest.raises(RunFailed, match=r"out of memory, key \(the key\)"):
        comfy.run(describe(connect(fake.url + "/broken"), RED))

    pictures = list((comfy.base / "output").glob("key*.png"))
    assert pictures and not any(KEY.encode() in p.read_bytes() for p in pictures)
    assert KEY not in json.dumps(comfy.get("/history")) + json.dumps(comfy.get("/object_info")) + comfy.read_log()
    for route in ("/userdata/__resonance/llm_keys.json", "/userdata/..%2F__resonance%2Fllm_keys.json"):
        with pytest.raises(Exception, match="40"):
            comfy.get(route)


def test_a_model_says_what_it_can(comfy: Comfy, fake: FakeLLM):
    texts = Texts(comfy)
    comfy.run(describe(connect(fake.url + "/ok"), RED), client_id="texts")
    assert texts.on("llm") == [f"seer at {fake.url}/ok/v1\nReads text and pictures. Its answers can be held to JSON."]


# A server that loads its model


def captioned(session: str, address: str) -> dict[str, Any]:
    """Rounds in which Caption Images writes the words."""
    graph = {**quick(session, session), "llm": connect(address)}
    asked = {"instruction": "Describe.", "system": "", "max_tokens": 50, "temperature": 0.3, "top_p": 0.95, "top_k": 40}
    graph["caption"] = node("ResonanceCaptionImages", llm=["llm", 0], images=["1", 0], seed=0, **asked)
    graph["3"] = node("ResonanceRoundWords", item=["1", 1], caption=["caption", 0])
    del graph["2"]
    return graph


@pytest.mark.parametrize(
    ("shown", "seconds"),
    [
        ("llm", 0.5),  # while it is asked what it is
        ("caption", 2),  # in the middle of the session
        pytest.param("caption", 10, marks=pytest.mark.long),
    ],
)
def test_a_session_goes_on_by_itself_once_the_server_has_loaded(
    comfy: Comfy, fake: FakeLLM, shown: str, seconds: float
):
    session = f"loading-{shown}-{seconds:.0f}"
    pictures(comfy, session, "red", "green", "blue")

    class Seen(list[Any]):
        def append(self, entry: Any) -> None:
            super().append(entry)
            if len(fake.bodies) == 2 and entry[0] == "POST" and not fake.loads_until:
                fake.loads_for = seconds

    if shown == "caption":
        fake.seen = Seen()
    else:
        fake.loads_for = seconds
    texts = Texts(comfy)
    comfy.queue(captioned(session, fake.url + "/ok"), client_id="texts")
    comfy.idle(30)
    check_whole(comfy, session, 1, 3)
    assert {item["words"]["caption"] for item in items(comfy, session, 1)} == {
        f"a {colour} picture, seed 0" for colour in ("red", "green", "blue")
    }
    waiting = [text for text in texts.on(shown) if "Loading model" in text]
    assert len(waiting) == {0.5: 1, 2: 2, 10: 4}[seconds] and waiting[0] == (
        f"{fake.url} answers 503 (Loading model). Asking again in 1 s (waited 0 of at most 600 s)."
    )


def test_a_server_that_is_not_there_is_one_error_and_the_session_goes_on_once_it_is(comfy: Comfy, fake: FakeLLM):
    session = "nobody there"
    pictures(comfy, session, "red", "green")
    comfy.post("/history", {"clear": True})
    comfy.queue(captioned(session, "http://127.0.0.1:9"))
    comfy.idle(30)
    runs = [run["status"]["messages"] for run in comfy.get("/history").values()]
    errors = [data for run in runs for event, data in run if event == "execution_error"]
    assert [error["node_id"] for error in errors] == ["llm"]
    assert [(item["state"], item["attempts"]) for item in items(comfy, session, 1)] == [("pending", 0)] * 2
    comfy.queue(captioned(session, fake.url + "/ok"))
    comfy.idle(30)
    check_whole(comfy, session, 1, 2)


def test_waiting_for_a_server_that_loads_is_interrupted_within_a_second(comfy: Comfy, fake: FakeLLM):
    fake.loads_until, fake.busy = time.monotonic() + 60, (503, "Loading model", {"Retry-After": "30"})
    run = comfy.queue(describe(connect(fake.url + "/ok"), RED))
    until(lambda: fake.seen)
    assert interrupt(comfy, run) < 1


def test_limits_are_set_on_the_node(comfy: Comfy, fake: FakeLLM):
    fake.loads_until = time.monotonic() + 60
    with pytest.raises(RunFailed, match=r"answers 503 \(Loading model\): look at the server, or raise wait_seconds"):
        comfy.run(describe(connect(fake.url + "/ok", wait_seconds=0), RED))
    fake.loads_until = 0
    fake.script = [("word " * 1000, "stop")]
    with pytest.raises(RunFailed, match="wrote more than 4,050 characters .* raise characters_per_token"):
        comfy.run(describe(connect(fake.url + "/ok", characters_per_token=1), RED))


def test_from_elsewhere_only_usual_ports_of_this_machine_can_be_asked(tmp_path: Path, models: Path, fake: FakeLLM):
    with server(tmp_path, models, "probe", args=("--listen", "0.0.0.0")) as comfy:
        graph = describe(connect(fake.url + "/ok"), RED)
        line = rf'Add the line \\"{fake.url}\\": {{}} to .*llm_keys.json'
        with pytest.raises(RunFailed, match=line):
            comfy.queue(graph)
        late = {**graph, "text": node("PrimitiveString", value=fake.url + "/ok")}
        late["llm"] = connect("?") | {"inputs": {**graph["llm"]["inputs"], "address": ["text", 0]}}
        with pytest.raises(RunFailed, match=line.replace("\\\\", "")):
            comfy.run(late)
        assert fake.seen == []
        file = comfy.base / "user" / "__resonance" / "llm_keys.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({fake.url: {}}))
        assert captions(comfy.run(graph)) == ["a red picture, seed 0"]


def test_only_projectors_are_offered_as_one_whatever_their_names(comfy: Comfy, models: Path):
    unnamed = models / "llm" / "sees.gguf"
    unnamed.write_bytes((models / "llm" / "tiny-mmproj.gguf").read_bytes())
    try:
        inputs = comfy.get("/object_info/ResonanceLoadLLM")["ResonanceLoadLLM"]["input"]["required"]
    finally:
        unnamed.unlink()
    offered = {name: inputs[name][1]["options"] for name in ("model", "mmproj")}
    assert offered == {"model": ["tiny.gguf"], "mmproj": ["none", "sees.gguf", "tiny-mmproj.gguf"]}


# Core LLM


def test_a_text_encoder_describes_pictures(comfy: Comfy):
    graph = {**describe({}, RED, BLUE), **core()}
    assert captions(comfy.run(graph)) == ["red picture", "blue picture"]


def test_a_text_encoder_reads_the_instruction(comfy: Comfy):
    black = {**describe({}, 0x000000, instruction="Say that it is blue.", temperature=0.0), **core()}
    assert captions(comfy.run(black)) == ["blue picture"]


def test_a_text_encoder_stops_at_stop_texts_and_max_tokens(comfy: Comfy):
    graph = {**describe({}, GREEN, max_tokens=4), **core()}
    assert captions(comfy.run(graph)) == ["green green green green"]
    with pytest.raises(RunFailed, match="answer is empty: .* see whether a stop text stands at its beginning"):
        comfy.run({**describe({}, GREEN, stop="green green green"), **core()})


def test_a_text_encoder_is_interrupted_within_a_second(comfy: Comfy):
    texts = Texts(comfy)
    run = comfy.queue({**describe({}, GREEN, max_tokens=5000), **core()}, client_id="texts")
    until(lambda: texts.on("caption", most=1))
    assert interrupt(comfy, run) < 1
    assert captions(comfy.run({**describe({}, RED), **core()})) == ["red picture"]


def test_a_text_encoder_that_cannot_write_is_refused(comfy: Comfy):
    graph = describe(node("ResonanceCoreLLM", clip=["clip", 1]), RED)
    graph["clip"] = node("CheckpointLoaderSimple", ckpt_name=sorted(comfy.get("/models/checkpoints"))[0])
    with pytest.raises(RunFailed, match="is a text encoder that cannot write. Load one that can with Load CLIP"):
        comfy.run(graph)


# Load LLM, as far as it goes without llama.cpp, for which the pack llama stands in (the rest: test_llamacpp.py)


def load(model: str = "tiny.gguf", mmproj: str = "tiny-mmproj.gguf", **inputs: Any) -> dict[str, Any]:
    defaults = {"context": 2048, "gpu_layers": -1, "unload_after_run": False, "threads": 1}
    return node("ResonanceLoadLLM", model=model, mmproj=mmproj, **{**defaults, **inputs})


@pytest.mark.parametrize("name", ["absent.gguf", "../llm/tiny.gguf", "/etc/passwd"])
def test_a_missing_file_is_named_with_the_folders_searched(comfy: Comfy, name: str):
    with pytest.raises(RunFailed) as error:
        comfy.queue(describe(load(name), RED))
    assert f"There is no '{name}' in {comfy.base / 'models' / 'llm'}" in str(error.value)


def test_names_from_another_system_find_their_file_and_the_nearest_is_offered(comfy: Comfy):
    folder = comfy.base / "models" / "llm"
    (folder / "sub").mkdir(exist_ok=True)
    (folder / "sub" / "seer.gguf").write_bytes(b"GGUF")
    try:
        for name in ("sub\\seer.gguf", "sub/seer.gguf"):
            comfy.run({"llm": load(name, mmproj="sub\\seer.gguf"), "end": node("ProbeValue", value=["llm", 0])})
        with pytest.raises(RunFailed, match="There is no .*Nearest: sub/seer.gguf, tiny.gguf"):
            comfy.queue(describe(load("sub\\seen.gguf"), RED))
    finally:
        shutil.rmtree(folder / "sub")


def test_a_missing_projector_is_an_error_at_its_own_input(comfy: Comfy):
    answer = comfy.post("/prompt", {"prompt": comfy.complete(describe(load(mmproj="gone.gguf"), RED))})
    [error] = answer.json()["node_errors"]["llm"]["errors"]
    assert error["extra_info"]["input_name"] == "mmproj"
    assert "'gone.gguf' not in ['none', 'tiny-mmproj.gguf']" in error["details"]


def test_pictures_need_the_mmproj_file(comfy: Comfy):
    with pytest.raises(
        RunFailed, match="tiny takes no pictures: choose the mmproj file that belongs to it in Load LLM"
    ):
        comfy.run(describe(load(mmproj="none"), RED))
