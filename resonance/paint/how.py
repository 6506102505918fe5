"""How a graph of ComfyUI made a picture, as far as it can be known: for the text that A1111's web UI writes into pictures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from ..graph import (
    EXPLORE,
    PER_PICTURE_NOISE,
    PROMPT_LINES,
    ROUND_INPUT,
    ROUND_OUTPUT,
    Graph,
    ancestors,
    model_of,
    nodes_of,
)
from ..llm.chat import sound
from ..roulette.draw import DrawnLora, is_lora
from ..session.item import Item
from ..session.payloads import Exploration, PromptLine
from ..vary.grid import split
from .request import model_name, write_parameters

_SEEDS = {"KSampler": "seed", "KSamplerAdvanced": "noise_seed", "SamplerCustomAdvanced": "noise"}
"""The samplers that are read, and what they call their seed, or the noise that is made of it."""
_OF_ITEM = {ROUND_INPUT: (5,), EXPLORE: (8,), PROMPT_LINES: (8, 13)}
"""The outputs that hand out an item's own seed, or its noise."""


@dataclass(frozen=True)
class How:
    """What is known; of ``facts`` what is None is not."""

    prompt: str
    negative: str
    facts: Mapping[str, object]

    def text(self, size: tuple[int, int]) -> str:
        """As :func:`.request.write_parameters` has it.

        Args:
            size: of the picture, in pixels.
        """
        facts = {**self.facts, "Size": f"{size[0]}x{size[1]}"}
        known = {name: fact for name, fact in facts.items() if fact is not None}
        # A1111 takes a line of fewer than three entries for a part of the prompt.
        return sound(write_parameters(self.prompt, self.negative, known if len(known) > 2 else {}))


def how(graph: Graph, item: Item, words: str) -> How:
    """What item and graph say of the pictures that reach Round Output.

    Args:
        graph: in ComfyUI's API form.
        words: what they were made from, as Round Output was told.
    """
    sampler = _sampler(graph)
    inputs: Mapping[str, Any] = sampler["inputs"] if sampler else {}
    prompt, negative = words or _text(graph, inputs.get("positive")), _text(graph, inputs.get("negative"))
    if isinstance(item.payload, Exploration):
        prompt, negative = split(item.payload.words)
    if isinstance(item.payload, PromptLine):
        prompt, negative = item.payload.prompt, item.payload.negative or ""
    prompt = " ".join(filter(None, [prompt, *_loras(item)]))
    strength = _number(inputs.get("denoise"))
    model = str((item.draw or {}).get("checkpoint") or model_of(graph))
    facts = {
        "Steps": _first(item.payload.steps, _number(inputs.get("steps"))),
        "Sampler": _name(inputs.get("sampler_name")),
        "Schedule type": _name(inputs.get("scheduler")),
        "CFG scale": _first(item.payload.scale, _number(inputs.get("cfg"))),
        "Seed": _seed(graph, item, inputs.get(_SEEDS[sampler["class_type"]])) if sampler else None,
        "Size": None,
        "Denoising strength": _first(item.payload.strength, strength if strength != 1 else None),
        "Model": model_name(model) if model else None,
    }
    return How(prompt, negative, facts)


def _loras(item: Item) -> list[str]:
    """The LoRAs that were drawn, as A1111 writes them into prompts and Civitai finds them there."""
    match item.draw:
        case {"loras": [*drawn]}:
            loras = [DrawnLora(**lora) for lora in drawn if is_lora(lora)]
        case _:
            loras = []
    return [f"<lora:{model_name(lora.name)}:{lora.model_strength:g}>" for lora in loras]


def _sampler(graph: Graph) -> Mapping[str, Any] | None:
    """The one sampler above the pictures of the one Round Output, if it is one that is read."""
    ends = nodes_of(graph, ROUND_OUTPUT)
    images = graph[ends[0]]["inputs"].get("images") if len(ends) == 1 else None
    if not isinstance(images, list):
        return None
    above = str(cast(list[Any], images)[0])
    nodes = [graph[id_] for id_ in {above, *ancestors(graph, above)} if id_ in graph]
    samplers = [node for node in nodes if "latent_image" in node["inputs"]]
    return samplers[0] if len(samplers) == 1 and samplers[0]["class_type"] in _SEEDS else None


def _text(graph: Graph, link: Any) -> str:
    """The text that is written in the node at the other end of a link."""
    node = graph.get(str(cast(list[Any], link)[0])) if isinstance(link, list) else None
    text = node["inputs"].get("text") if node and node["class_type"] == "CLIPTextEncode" else None
    return text if isinstance(text, str) else ""


def _seed(graph: Graph, item: Item, seed: Any) -> int | None:
    """What a sampler was given: a number, or the item's own."""
    if not isinstance(seed, list):
        return cast("int | None", _number(seed))
    id_, output = cast(list[Any], seed)[:2]
    node = graph.get(str(id_), {"class_type": ""})
    if node["class_type"] == PER_PICTURE_NOISE:
        return item.seed if "item" in node["inputs"] else cast("int | None", _number(node["inputs"].get("seed")))
    return item.seed if output in _OF_ITEM.get(node["class_type"], ()) else None


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)
