"""The request for one picture: a copy of the workflow, filled in from the configuration."""

import posixpath
from collections.abc import Mapping, Sequence
from copy import deepcopy
from difflib import get_close_matches
from typing import Any, cast

from ..graph import linked
from ..roulette import Lora
from ..roulette.plan import BLANK
from ..told import Told
from . import models
from .config import Config
from .models import Choose, pick
from .overrides import NodeInput
from .picture import Picture
from .template import PURPOSES, Template

Graph = dict[str, Any]

CAPACITY = {"LoRA Stacker": 49}
"""How many slots a LoRA stack of a class has, where it is known."""

FACTS = ("steps", "cfg", "sampler_name", "scheduler")
"""What the saver is told of the sampler."""


def build(
    template: Template, config: Config, picture: Picture, destination: str, lineage: str, choose: Choose
) -> Graph:
    """The request for one picture.

    Args:
        destination: folder below the archive, and below the server's folder.
        lineage: prefix of the saved file's name.
        choose: all that is drawn follows from it.

    Raises:
        Told: the workflow lacks a node that the configuration needs.
    """
    graph = deepcopy(dict(template.nodes))

    def inputs(name: str) -> dict[str, Any]:
        return template.inputs(graph, name)

    def drawn(key: str) -> Any:
        return pick(getattr(config, key.replace(".", "_")), choose(key))

    def resolved(path: str) -> str:
        """A path as the server's system writes it."""
        return path.replace("/", "\\") if config.server_on_windows else path

    inputs("seed")["seed"] = choose("sampler")
    inputs("full_path")["string"] = resolved(posixpath.join(drawn("paths.output"), destination))
    inputs("save_image")["filename"] = f"{lineage}_%time_%basemodelname_%seed"
    final = ["face_detailer", 0]
    if drawn("misc.save_predetail"):
        graph["batch_images"]["inputs"] = {"images_a": before(template), "images_b": final}
    else:
        inputs("batch_images")
        graph["batch_images"]["inputs"] = {"images_a": final}
    if config.llava_disable:
        graph.pop("llava_tagger", None)
        inputs("combine_prompt_and_preamble")["text_c"] = ""
    else:
        captioner = inputs("llava_tagger")
        captioner["prompt"] = drawn("llava.prompt")
        captioner["model"] = resolved(drawn("llava.model"))
        captioner["mm_proj"] = resolved(drawn("llava.projector"))
    inputs("wd14_tagger")["exclude_tags"] = config.wd14_banned
    chosen = models.draw(config.plan, choose)
    loader = inputs("load_model")
    checkpoint = _checkpoint(template, loader)
    loader[checkpoint] = resolved(chosen.checkpoint)
    if config.model_cfg:
        inputs("ksampler")["cfg"] = config.model_cfg
    if config.model_steps:
        inputs("ksampler")["steps"] = config.model_steps
    inputs("image_loader")["image_data"] = picture.url
    loader["empty_latent_width"], loader["empty_latent_height"] = config.latent(picture.aspect)
    if "lora_stacker" in graph or any(lora.name != BLANK for lora in chosen.loras):
        inputs("lora_stacker")
        _stack(template, graph["lora_stacker"], [(resolved(lora.name), lora) for lora in chosen.loras])
    for node, text, triggers in (
        ("preamble", drawn("prompt.preamble"), (lora.trigger for lora in chosen.loras)),
        ("negative_prompt", drawn("prompt.negative"), (lora.neg_trigger for lora in chosen.loras)),
    ):
        inputs(node)["string"] = text + "".join(f", {trigger}" for trigger in triggers if trigger)

    graph.update(deepcopy(dict(drawn("overload.replace"))))
    _merge(graph, drawn("overload.merge"))
    for override in config.inputs:
        _override(template, graph, override)

    sampler, loader, saver = inputs("ksampler"), inputs("load_model"), inputs("save_image")
    saver |= {fact: sampler[fact] for fact in FACTS if fact in sampler}
    saver["modelname"] = loader[checkpoint if checkpoint in loader else _checkpoint(template, loader)]
    for node in ("preamble", "negative_prompt"):
        text = inputs(node).get("string")
        if isinstance(text, str):  # an overload may have put a link there
            inputs(node)["string"] = text.removeprefix(", ")
    _leave_out_unlinked(template, graph)
    return graph


def before(template: Template) -> list[Any]:
    """Where the picture before face repair comes from: a link.

    It is what goes into ``face_detailer``. img2tag2img always took output 3 of ``ksampler``, which is the picture in its SDXL
    workflow only.
    """
    link = template.inputs(template.nodes, "face_detailer").get("image")
    match link:
        case [str(), int()]:
            return list(cast(list[Any], link))
        case _:
            raise Told(
                f"{template.path}: to save the picture before face repair (save_predetail), the input image of the node"
                " face_detailer must be linked to it."
            )


def _checkpoint(template: Template, loader: Mapping[str, Any]) -> str:
    """The input that names the checkpoint: one in loaders for SDXL, another in those for SD 1.5."""
    for field in ("base_ckpt_name", "ckpt_name"):
        if field in loader:
            return field
    raise Told(
        f"{template.path}: the node load_model has no input base_ckpt_name or ckpt_name, which names the checkpoint."
        f" It has: {', '.join(loader)}."
    )


def _stack(template: Template, node: dict[str, Any], loras: Sequence[tuple[str, Lora]]) -> None:
    """Fills the first slots of a LoRA stack, and has it use them all.

    What the workflow says of further slots stays; ``lora_count`` is never lowered.
    """
    most = CAPACITY.get(node["class_type"])
    if most is not None and len(loras) > most:
        raise Told(
            f"{template.path}: the node lora_stacker ({node['class_type']}) has {most} slots, and one picture would get"
            f" {len(loras)} LoRAs. Put fewer into the bundle or into model.force_lora."
        )
    stack = node["inputs"]
    count = stack.get("lora_count")
    count = max(count, len(loras)) if isinstance(count, int) else len(loras)
    if stack.get("input_mode") == "simple":  # in which a stack has one strength for both, and looks at no other
        stack["input_mode"] = "advanced"
        for slot in range(len(loras) + 1, count + 1):
            if f"lora_wt_{slot}" in stack:
                stack[f"model_str_{slot}"] = stack[f"clip_str_{slot}"] = stack[f"lora_wt_{slot}"]
    for slot, (name, lora) in enumerate(loras, 1):
        stack[f"lora_name_{slot}"] = name
        stack[f"model_str_{slot}"] = lora.model_strength
        stack[f"clip_str_{slot}"] = lora.clip_strength
    stack["lora_count"] = count


def _merge(into: dict[str, Any], new: Mapping[str, Any]) -> None:
    """Tables into tables; anything else takes the place of what was there."""
    for key, value in new.items():
        old = into.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            _merge(cast(Graph, old), cast(Graph, value))
        else:
            into[key] = deepcopy(value)


def _leave_out_unlinked(template: Template, graph: Graph) -> None:
    """Takes out what led to an input that holds a value now, such as the nodes that computed the size.

    ComfyUI refuses a request with a class that it does not know, even if nothing leads there.
    """
    led = linked(template.nodes) - PURPOSES.keys()
    while cut := (led & graph.keys()) - linked(graph):
        for name in cut:
            del graph[name]


def _override(template: Template, graph: Graph, override: NodeInput) -> None:
    """One input from the command line. Node and input must be there."""
    inputs = template.inputs(graph, override.node)
    if override.field not in inputs:
        close = get_close_matches(override.field, inputs, 1, 0.4)
        raise Told(
            f"{template.path}: the node {override.node} has no input {override.field}."
            + (f" Did you mean {close[0]}?" if close else f" It has: {', '.join(inputs)}.")
        )
    value = override.value(inputs[override.field])
    if override.kind == "wire":
        template.inputs(graph, value[0])
    inputs[override.field] = value
