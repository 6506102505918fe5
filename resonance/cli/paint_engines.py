"""What paints for `resonance paint`: engines, and the workflow that each ComfyUI gets."""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..drive.job import Engine, EngineLost
from ..drive.models import LocalNames
from ..drive.workflow import ItemWorkflow, load
from ..gen_img import options
from ..gen_img.command_line import CommandLine
from ..gen_img.graph import Pictures, graph_of
from ..graph import LORA_STACK, PROMPT_LINES, ROUND_OUTPUT, TURNS, with_inputs
from ..paint.kohya_samplers import sampler
from ..session.fill.asked_lines import LARGEST_TEXT
from ..session.naming import NameRule
from ..told import Told
from .engines import ComfyServers, Engines, HasServer, PaintOptions
from .output import Output
from .paint_options import Own

TOYWORLD = "toyworld"
HALVES = {"fp16": "float16", "bf16": "bfloat16"}
"""Options that diffusers is told of."""


def is_embedded(line: CommandLine, own: Own, servers: ComfyServers, comfyui: Path | None) -> bool:
    """Whether diffusers paints, in this process or on a cluster's."""
    has_comfyui = bool(servers.servers or servers.cluster or comfyui or own.workflow)
    return own.embedded or not has_comfyui or line.asked["ckpt"] == TOYWORLD


def engines_for(line: CommandLine, own: Own, servers: ComfyServers, comfyui: Path | None, out: Output) -> Engines:
    known: dict[str, Any] = {"servers": servers.servers, "cluster": servers.cluster, "workers": servers.workers}
    if not is_embedded(line, own, servers, comfyui):
        return Engines(**known, comfyui_args=own.comfyui_args, start=comfyui)
    if servers.servers:
        raise Told("--embedded paints in this process, --server on another: pass one of them.")
    if own.workflow:
        raise Told("A --workflow needs ComfyUI: pass --server ADDRESS, or --comfyui FOLDER.")
    if lacking := [f"--{name}" for name in line.given if options.OPTIONS[name].servers]:
        raise Told(f"Without ComfyUI there is no {', '.join(lacking)}: pass --server ADDRESS, or --comfyui FOLDER.")
    if not line.asked["ckpt"]:
        raise Told("Which model paints? Pass --ckpt.")
    if not own.embedded and line.asked["ckpt"] != TOYWORLD:
        out.say("There is no ComfyUI here: diffusers paints.")
    half = next((kind for name, kind in HALVES.items() if name in line.given), own.dtype)
    painting = PaintOptions(
        model=line.asked["ckpt"],
        models=comfyui / "models" if comfyui else None,
        sampler=sampler(line.asked["sampler"]).name,
        device=own.device,
        dtype=half if own.dtype == "auto" else own.dtype,
        download=own.download,
    )
    return Engines(**known, embedding=painting)


def recipe_for(line: CommandLine, own: Own, pictures: Pictures, lines: Mapping[str, Any]) -> LocalNames | ItemWorkflow:
    asked = line.asked
    if own.workflow:
        if taken := [
            f"--{name}" for name in line.given if name in ("ckpt", "sampler") or options.OPTIONS[name].servers
        ]:
            raise Told(f"The workflow says what paints, and so do {', '.join(taken)}: pass one of them.")
        return load(own.workflow, PROMPT_LINES).saving(_saving(line), not own.disable_metadata)
    if not asked["ckpt"]:
        raise Told("Which model paints? Pass --ckpt, a checkpoint of ComfyUI's.")
    nets = len(asked["control_net_models"])
    if own.control_net_in_turn and nets not in TURNS:
        raise Told(f"--control_net_in_turn is for two to eight --control_net_models, and there are {nets or 'none'}.")
    made = graph_of(
        asked,
        pictures,
        clip_guidance=own.clip_guidance_model,
        vgg16=own.vgg16_guidance_model,
        in_turn=own.control_net_in_turn,
    )
    graph = with_inputs(made, ROUND_OUTPUT, _saving(line))
    if len(lines["lines"].encode(errors="surrogatepass")) > LARGEST_TEXT:
        lines = {**lines, "lines": ""}
    return LocalNames(with_inputs(graph, PROMPT_LINES, lines), not own.disable_metadata)


def _saving(line: CommandLine) -> dict[str, Any]:
    """Inputs of Round Output."""
    return {"name_rule": name_rule(line), "parameters": True}


def name_rule(line: CommandLine) -> NameRule:
    if line.asked["use_original_file_name"]:
        return "original"
    return "sequential" if line.asked["sequential_file_name"] else "gen_img"


async def meet(
    recipe: LocalNames | ItemWorkflow | None, engines: Sequence[Engine], show_networks: bool, out: Output
) -> ItemWorkflow | None:
    """What a ledger keeps of the workflow, as the first ComfyUI that answers has it. Each that answers is asked for the models.

    Args:
        show_networks: what LoRA files say of themselves is shown.

    Raises:
        Told: one of them lacks a model.
        EngineLost: none answers.
    """
    if not isinstance(recipe, LocalNames):
        return recipe
    found, lost = None, None
    for engine in engines:
        if not isinstance(engine, HasServer):
            continue
        try:
            await engine.ready()
            on = await recipe.on(engine.server)
            if not found and show_networks:
                await _show_networks(on, engine, out)
            found = found or on
        except EngineLost as error:
            lost = error
    if lost and not found:
        raise lost
    return found or ItemWorkflow(recipe.graph, None, PROMPT_LINES, recipe.metadata)


async def _show_networks(workflow: ItemWorkflow, engine: HasServer, out: Output) -> None:
    """What LoRA Metadata reads of each LoRA."""
    stacks = [node["inputs"] for node in workflow.graph.values() if node["class_type"] == LORA_STACK]
    for name in [value for inputs in stacks for key, value in inputs.items() if key.startswith("lora_")]:
        metadata = {"class_type": "ResonanceLoRAMetadata", "inputs": {"lora": name, "count": 20}}
        shown = {"class_type": "PreviewAny", "inputs": {"source": ["metadata", 0]}}
        outputs = await engine.server.run({"metadata": metadata, "shown": shown}, secrets.token_hex(16))
        out.say(f"{name}: {outputs['shown']['text'][0]}")
