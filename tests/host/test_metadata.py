"""What saved pictures carry in a real ComfyUI, and prompt lines that start pictures say."""

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

from infotext import a1111
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from resonance.drive.comfyui import ComfyUI, Server
from resonance.drive.workflow import ItemWorkflow
from resonance.files import formats
from resonance.paint.a1111 import SAMPLERS, SCHEDULES
from resonance.session.item import Item
from resonance.session.made import Made
from resonance.session.payloads import PromptLine

from .comfy import PACK, Comfy, node
from .graphs import items, output, quick, said
from .paint import paint
from .test_prompt_lines import MODEL, batches, lines, run
from .test_prompt_lines import made as prompts_of
from .test_shell_engine import job, new

PROBE = PACK / "tests" / "host" / "packs" / "probe"
LORA = "tiny_lora.safetensors"


def texts_of(comfy: Comfy, session: str) -> list[dict[str, str]]:
    return [formats.texts(output(comfy) / session / item["files"][0]) for item in items(comfy, session, 1)]


def driven(comfy: Comfy, workflow: ItemWorkflow) -> Made:
    """What a driver gets of one item."""

    async def work() -> Made:
        engine = ComfyUI(Server(comfy.url), workflow, patience=5)
        try:
            await engine.ready()
            return await engine.make(job(), new())
        finally:
            await engine.close()

    return asyncio.run(work())


def test_each_picture_of_a_batch_carries_what_made_it_and_the_hashes_of_its_files(comfy: Comfy):
    graph = batches("metadata", "a {red|blue} the --n green --d 7\nblue --d 8", "euler_ancestral")
    graph["lora"] = node("LoraLoaderModelOnly", model=MODEL, lora_name=LORA, strength_model=0.5)
    graph["guider"]["inputs"]["model"] = ["lora", 0]
    graph["3"]["inputs"] |= {"parameters": True, "model_hash": True}
    run(comfy, graph)
    first, second = texts_of(comfy, "metadata")
    for texts, seed, negative in ((first, "7", "green"), (second, "8", None)):
        known = [texts.get(key) for key in ("seed", "sampler", "steps", "negative-prompt")]
        assert known == [seed, "euler_a", "4", negative]
        assert json.loads(texts["prompt"])["1"]["class_type"] == "ResonancePromptLines"
    assert first["raw-prompt"] == "a {red|blue} the" and first["kohya-prompt"] in ("a red the", "a blue the")
    prompt, _, facts = a1111(second["parameters"])
    lora, model = (comfy.base / "models" / place for place in (f"loras/{LORA}", "checkpoints/tiny_sd15.safetensors"))
    data = lora.read_bytes()
    weights = data[8 + int.from_bytes(data[:8], "little") :]
    assert prompt == "blue <lora:tiny_lora:0.5>"
    assert facts == {
        "Steps": "4",
        "Sampler": "Euler a",
        "Schedule type": "Normal",
        "CFG scale": "1.0",
        "Seed": "8",
        "Size": "64x64",
        "Model hash": hashlib.sha256(model.read_bytes()).hexdigest()[:10],
        "Model": "tiny_sd15",
        "Lora hashes": f"tiny_lora: {hashlib.sha256(weights).hexdigest()[:12]}",
    }
    offered: Any = comfy.get("/object_info/KSampler")["KSampler"]["input"]["required"]
    assert SAMPLERS.keys() <= {*offered["sampler_name"][0]} and SCHEDULES.keys() <= {*offered["scheduler"][0]}


def test_a_driver_is_told_the_hashes_and_may_ask_for_pictures_without_texts(comfy: Comfy):
    graph = quick("any", "any") | paint(
        "tiny_sd15",
        "red",
        model=["lora", 0],
        nodes={"lora": node("LoraLoaderModelOnly", model=MODEL, lora_name=LORA, strength_model=0.5)},
    )
    graph = {id_: graph[id_] for id_ in graph if id_ not in ("look", "2", "3", "4")}
    graph["5"] = node(
        "ResonanceRoundOutput", images=["decode", 0], item=["1", 1], next_round_takes="first", parameters=True
    )

    made = driven(comfy, ItemWorkflow(graph))
    assert made.how and made.naming.metadata
    texts = made.how.texts((64, 64))
    assert 'Lora hashes: "tiny_lora: ' in texts["parameters"] and texts["kohya-prompt"] == "red"
    bare = driven(comfy, ItemWorkflow(graph).saving({}, metadata=False))
    assert not bare.naming.metadata and bare.naming.parameters


def test_start_pictures_say_the_lines_and_nothing_in_them_is_more_than_words(comfy: Comfy):
    folder = comfy.base / "input" / "said by pictures"
    folder.mkdir()
    evil = "boat --d 5 --f ../../x {a|b} __secret__\n# fog"
    for name, texts in {
        "1": {"prompt": evil, "negative-prompt": "--w 8"},
        "2": {},
        "3": {"parameters": "a lake\nSteps: 3, Seed: 5, CFG scale: 2"},
    }.items():
        info = PngInfo()
        for key, text in texts.items():
            info.add_text(key, text)
        Image.new("RGB", (64, 48), "red").save(folder / f"{name}.png", pnginfo=info)
    graph = lines("by pictures", "", start_pictures=folder.name, iterations=2)
    told = said(comfy, comfy.complete(graph))
    assert any("as they carry no prompt: said by pictures/2.png [input]." in each["text"] for each in told)
    words = evil.replace("\n", " ")
    assert (
        prompts_of(comfy, "by pictures") == prompts_of(comfy, "by pictures", 2) == [(words, "done"), ("a lake", "done")]
    )
    files = [file for item in items(comfy, "by pictures", 1) for file in item["files"]]
    assert all(file.startswith("round-0001/X000") for file in files)
    known = [json.loads(texts["resonance"]) for texts in texts_of(comfy, "by pictures")]
    assert [each["source"] for each in known] == [f"{folder.name}/{n}.png [input]" for n in (1, 3)]
    assert [each["payload"].get("negative") for each in known] == ["--w 8", None]
    assert 5 not in [each["seed"] for each in known] and [each["payload"]["steps"] for each in known] == [4, 4]


def test_disable_metadata_leaves_every_text_out_of_what_is_saved_pasted_and_driven(tmp_path: Path):
    with Comfy(tmp_path, (PROBE,), ("--disable-metadata",)) as comfy:
        graph = lines("bare", "a boat --d 7 --n fog")
        graph["3"]["inputs"] |= {"parameters": True, "format": "webp"}
        run(comfy, graph)
        [item] = items(comfy, "bare", 1)
        assert item["state"] == "done"
        known = PromptLine(key="k", line="a boat", prompt="a boat", width=64, height=48, steps=4, scale=1.0, seed=7)
        pasted = Item(session="bare", round=1, index=1, lineage="X0001", seed=7, payload=known)
        graph["1"]["inputs"]["item"] = pasted.to_json()
        [shown] = comfy.run(comfy.complete(graph))["3"]["images"]
        for path in (
            output(comfy) / "bare" / item["files"][0],
            comfy.base / "temp" / shown["subfolder"] / shown["filename"],
        ):
            assert formats.texts(path) == {} and b"boat" not in path.read_bytes(), path
        assert not driven(comfy, ItemWorkflow(quick("any", "any"))).naming.metadata
