"""The pack as ComfyUI and its users see it: what it registers, says, ships and costs."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import torch
from examples.blueprints import BLUEPRINTS
from places import PACK, find_comfyui, shipped_files
from unit.shared_settings import SHARED
from write_locales import FILE, inputs, node_defs, our_nodes

from .comfy import Comfy, RunFailed, node
from .conftest import server

WORKFLOWS = sorted((PACK / "example_workflows").glob("*.json"))
FRONTEND_ONLY = {"Note", "MarkdownNote", "Reroute", "PrimitiveNode"}
LOADS = 0.15
"""Seconds that loading the pack may take beyond ComfyUI."""
WIDGETS = {"INT", "FLOAT", "STRING", "BOOLEAN", "COLOR", "COMBO", "COMFY_DYNAMICCOMBO_V3"}


@pytest.fixture(scope="module")
def nodes(comfy: Comfy) -> dict[str, Any]:
    return our_nodes(comfy)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Comfy]:
    """A server that has the pack as the archive holds it, and none of the optional packages."""
    base = tmp_path_factory.mktemp("bare")
    for name in shipped_files():
        target = base / "custom_nodes" / "resonance" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PACK / name, target)
    comfy = server(base, models, "absent", "probe")
    comfy.forked = False  # what is imported before the server is there counts here
    with comfy:
        yield comfy


def test_ids_are_fixed_by_the_display_names(nodes: dict[str, Any]) -> None:
    assert nodes
    for node_id, info in nodes.items():
        # Nodes of other packs that old workflows need have the names they had there.
        if not info["deprecated"]:
            assert node_id.casefold() == "resonance" + info["display_name"].replace(" ", "").casefold()
        assert info["category"].startswith("Resonance/")


def test_every_node_input_and_output_is_explained(nodes: dict[str, Any]) -> None:
    silent = [node_id for node_id, info in nodes.items() if not (info["description"] and info["search_aliases"])]
    for node_id, info in nodes.items():
        silent += [f"{node_id}.{key}" for key, _, options in inputs(info["input"]) if not options.get("tooltip")]
        silent += [f"{node_id} output {i}" for i, tooltip in enumerate(info["output_tooltips"]) if not tooltip]
    assert silent == []


@pytest.mark.parametrize(
    ("term", "found"),
    [
        ("joycaption", {"ResonanceLoadLLM", "ResonanceCaptionImages"}),
        ("bbox", {"ResonanceCanvas"}),
        ("palette", {"ResonanceColorMatch"}),
        ("lora random", {"ResonanceModelRoulette", "ResonanceLoadDrawn"}),
        ("iterate", {"ResonanceRoundInput"}),
    ],
)
def test_the_search_finds_what_people_call_it(nodes: dict[str, Any], term: str, found: set[str]) -> None:
    assert {node_id for node_id, info in nodes.items() if term in info["search_aliases"]} == found


def test_every_node_has_a_help_page_and_every_help_page_a_node(nodes: dict[str, Any]) -> None:
    pages = {page.stem: page.read_text() for page in (PACK / "web" / "docs").glob("*.md")}
    assert set(pages) == set(nodes)
    assert [page for page, text in pages.items() if len(text.split()) < 30] == []


def test_help_pages_and_locales_are_served(comfy: Comfy, nodes: dict[str, Any]) -> None:
    for node_id in nodes:
        page = requests.get(f"{comfy.url}/extensions/resonance/docs/{node_id}.md", timeout=60)
        assert page.text == (PACK / "web" / "docs" / f"{node_id}.md").read_text()
    assert set(nodes) <= set(comfy.get("/i18n")["en"]["nodeDefs"])


def test_the_locale_file_says_what_the_schemas_say(nodes: dict[str, Any]) -> None:
    assert json.loads(FILE.read_text()) == node_defs(nodes), "run `nox -s locales`"


def test_nodes_offer_what_the_commands_offer(nodes: dict[str, Any]) -> None:
    for shared in SHARED:
        setting = shared.setting
        given = nodes[shared.node]["input"]
        _, options = {**given["required"], **given.get("optional", {})}[setting.name]
        assert options.get("default", setting.default) == setting.default, shared
        found = [options.get(key) for key in ("min", "max", "step")]
        assert found == [setting.low, setting.high, setting.step], shared
        assert tuple(options.get("options", ())) == setting.choices, shared


def test_booting_says_nothing_of_ours(bare: Comfy) -> None:
    boot = bare.read_log().split("Starting server")[0]
    for trouble in ("IMPORT FAILED", "Cannot import", "Error while calling comfy_entrypoint", "Traceback"):
        assert trouble not in boot
    ours = [line for line in boot.splitlines() if "resonance" in line.lower()]
    assert len(ours) == 1 and " seconds: " in ours[0], ours  # ComfyUI's own list of import times


def test_the_archive_without_optional_packages_has_every_node(bare: Comfy, nodes: dict[str, Any]) -> None:
    assert set(our_nodes(bare)) == set(nodes)


def test_the_archive_offers_its_subgraph_blueprints(bare: Comfy) -> None:
    listed = {id_: found for id_, found in bare.get("/global_subgraphs").items() if found["source"] == "custom_node"}
    assert {found["info"]["node_pack"] for found in listed.values()} == {"custom_nodes.resonance"}
    assert {found["name"] for found in listed.values()} == set(BLUEPRINTS)
    for id_, found in listed.items():
        [part] = json.loads(bare.get(f"/global_subgraphs/{id_}")["data"])["nodes"]
        assert part["title"] == found["name"]


def test_nodes_that_need_no_optional_package_work(bare: Comfy) -> None:
    prompt = {
        "1": node("ResonanceComposePrompt", preamble="red", suffix="sky"),
        "2": node("ProbeValue", value=["1", 0]),
    }
    assert json.loads(bare.run(bare.complete(prompt))["2"]["value"][0]) == ["red, sky"]


@pytest.mark.parametrize(("model", "package"), [("tiny-torch", "timm"), ("tiny-onnx", "onnxruntime")])
def test_a_missing_package_is_one_sentence_with_the_command(bare: Comfy, model: str, package: str) -> None:
    prompt = {
        "1": node("ResonanceLoadTagger", model=model, engine="auto", device="auto", download=False),
        "2": node("EmptyImage", width=8, height=8, batch_size=1, color=0),
        "3": node("ResonanceTagImages", tagger=["1", 0], images=["2", 0]),
        "4": node("ProbeValue", value=["3", 0]),
    }
    with pytest.raises(RunFailed, match=rf"pip install.*{package}"):
        bare.run(bare.complete(prompt))


@pytest.mark.quiet
@pytest.mark.skipif(not hasattr(os, "fork"), reason="measured in forks")
def test_loading_the_pack_costs_less_than_150_ms_and_loads_nothing_of_the_command(tmp_path: Path) -> None:
    script = Path(__file__).with_name("import_time.py")
    command = [sys.executable, "-P", script, PACK, tmp_path, str(LOADS)]
    run = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(find_comfyui())})
    assert run.returncode == 0, run.stderr[-3000:]
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["loaded"] == []
    assert found["seconds"] < LOADS


def widget_count(section: dict[str, Any], values: list[Any]) -> int:
    """How many values the browser stores for the widgets of a node, in the order of its inputs."""
    count = 0
    for name, (kind, *rest) in {**section.get("required", {}), **section.get("optional", {})}.items():
        options = rest[0] if rest else {}
        if not (isinstance(kind, list) or kind in WIDGETS) or options.get("forceInput"):
            continue
        if kind == "COMFY_DYNAMICCOMBO_V3":
            chosen = next(choice for choice in options["options"] if choice["key"] == values[count])
            count += 1 + widget_count(chosen["inputs"], values[count + 1 :])
        else:
            count += 1
        seed = kind == "INT" and name in ("seed", "noise_seed")
        count += bool(options.get("control_after_generate", seed)) + bool(options.get("image_upload"))
    return count


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_an_example_workflow_opens_without_missing_nodes(comfy: Comfy, path: Path) -> None:
    known = comfy.get("/object_info")
    workflow = json.loads(path.read_text())
    subgraphs = (workflow.get("definitions") or {}).get("subgraphs", [])
    parts = [part for graph in (workflow, *subgraphs) for part in graph["nodes"]]
    kinds = {part["type"] for part in parts}
    assert kinds - set(known) - FRONTEND_ONLY - {graph["id"] for graph in subgraphs} == set()
    assert kinds & {"Note", "MarkdownNote"}, "a note says what to change first and which files go where"
    for part in parts:
        if part["type"] in known:
            values = part.get("widgets_values") or []
            assert len(values) == widget_count(known[part["type"]]["input"], values), part["type"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_an_example_workflow_has_its_picture(path: Path) -> None:
    picture = path.with_suffix(".jpg").read_bytes()
    assert picture.startswith(b"\xff\xd8") and len(picture) < 100_000


def test_load_llm_says_how_to_get_what_it_needs_before_anything_else_is_loaded(bare: Comfy) -> None:
    graph = {
        "llm": node("ResonanceLoadLLM", model="tiny.gguf", mmproj="none"),
        "end": node("ProbeValue", value=["llm", 0]),
    }
    # A torch that was built for CUDA may lie on a machine that has none, as the one that tests install.
    wheels = r"(cu\d+|vulkan)" if torch.cuda.is_available() else "(cpu|metal)"
    with pytest.raises(
        RunFailed, match=rf"-m pip install llama-cpp-python .*/whl/{wheels}  and restart\. Or ask a model on"
    ):
        bare.run(bare.complete(graph))
