"""How a picture was made, as far as it can be known: for the texts that A1111's web UI and kohya's gen_img write into pictures."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

from ..graph import (
    ENCODE_LINE,
    EXPLORE,
    GRADUAL_LATENT,
    HIGHRES_FIX,
    LORA_STACK,
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
from ..session.payloads import Exploration, Payload, PromptLine
from ..sizes import Size
from ..told import Told
from ..vary.grid import split
from . import a1111
from .encoding import Sizes, sizes_of
from .kohya_samplers import kohya_name
from .multipliers import of_line, padded, read_multipliers
from .options import Said, parts, read_options
from .passes import following
from .request import Request, model_name, parameters

_SEEDS = {"KSampler": "seed", "KSamplerAdvanced": "noise_seed", "SamplerCustomAdvanced": "noise"}
"""The samplers that are read, and what they call their seed, or the noise that is made of it."""
_OF_ITEM = {ROUND_INPUT: (5,), EXPLORE: (8,), PROMPT_LINES: (8, 13)}
"""The outputs that hand out an item's own seed, or its noise."""
_OF_SECOND = (4, 5)
"""The outputs of Highres Fix that hand out a seed, or its noise."""
_BESIDE = ("sigmas", "sampler", "guider")
"""Inputs of SamplerCustomAdvanced behind which there is what KSampler has in itself; the guider's MODEL is the one that paints."""
_TOLD = (
    "original_height",
    "original_width",
    "original_height_negative",
    "original_width_negative",
    "crop_top",
    "crop_left",
)
"""What SDXL is told of sizes: fields of :class:`.encoding.Sizes`."""


_Node = Mapping[str, Any]


class Lora(NamedTuple):
    """A LoRA that acts on the whole model."""

    name: str
    strength: float


@dataclass(frozen=True)
class How:
    """What is known.

    Attributes:
        facts: by A1111's names, with ComfyUI's names of samplers and schedules; what is None is not known.
        loras: in the order in which they are put on.
        payload: what the session's fill knows of the picture.
        told: what SDXL is told of its size; None: nobody says anything of that.
        first: how the first of two passes made its picture, where there are two.
    """

    prompt: str
    negative: str
    facts: Mapping[str, object]
    loras: tuple[Lora, ...] = ()
    payload: Payload | None = None
    told: Sizes | None = None
    first: "How | None" = None

    def texts(self, size: Size, seed: int | None = None, graph: bool = True) -> dict[str, str]:
        """What is written into a picture: A1111's ``parameters`` and kohya's keys. Of a graph ComfyUI's ``prompt`` is beside them: then
        kohya's prompt is ``kohya-prompt``.

        Args:
            size: of this very picture, in pixels.
            seed: its own, where it is not the one that is known.
        """
        facts = {**self.facts, "Size": f"{size[0]}x{size[1]}"}
        if seed is not None:
            facts["Seed"] = seed
        found = {"parameters": self._parameters(facts), **self._kohya(facts)}
        if graph and "prompt" in found:
            found["kohya-prompt"] = found.pop("prompt")
        return {key: sound(text) for key, text in found.items()}

    def text(self, size: Size, seed: int | None = None) -> str:
        """The first of :meth:`texts`."""
        return self.texts(size, seed)["parameters"]

    def _parameters(self, facts: Mapping[str, object]) -> str:
        known = {name: fact for name, fact in facts.items() if fact is not None}
        for name, names in (("Sampler", a1111.SAMPLERS), ("Schedule type", a1111.SCHEDULES)):
            if name in known:
                known[name] = names.get(str(known[name]), known[name])
        prompt = " ".join(filter(None, [self.prompt, *map(_written, self.loras)]))
        # A1111 takes a line of fewer than three entries for a part of the prompt.
        return a1111.write_infotext(prompt, self.negative, known if len(known) >= a1111.LEAST else {})

    def _kohya(self, facts: Mapping[str, object]) -> dict[str, str]:
        return kohya_texts(
            self.payload,
            {
                "prompt": self.prompt,
                "negative-prompt": self.negative,
                "seed": facts.get("Seed"),
                "sampler": facts.get("Sampler"),
                "steps": facts.get("Steps"),
                "scale": facts.get("CFG scale"),
                **{name.replace("_", "-"): getattr(self.told, name, None) for name in _TOLD},
            },
        )


def kohya_texts(payload: Payload | None, known: Mapping[str, object]) -> dict[str, str]:
    """What gen_img writes into its pictures, by its names. What is not known, or is empty, is left out.

    Args:
        payload: of a line, which says the rest.
        known: by these names.
    """
    found = dict(known)
    if sampler := known.get("sampler"):
        found["sampler"] = kohya_name(str(sampler))
    if isinstance(payload, PromptLine):
        options = _options(payload).options
        scale = options.negative_scale
        found |= {
            "negative-scale": None if scale == "none" else scale,
            "clip-prompt": options.guide,
            "raw-prompt": _raw(payload),
        }
    return {name: str(value) for name, value in found.items() if value not in (None, "")}


def painted_texts(request: Request, payload: Payload | None = None) -> dict[str, str]:
    """What is written into a picture that was painted without a graph: A1111's ``parameters``, and kohya's own keys."""
    known = {
        "prompt": request.prompt,
        "negative-prompt": request.negative,
        "seed": request.seed,
        "sampler": request.sampler,
        "steps": request.steps,
        "scale": request.cfg,
    }
    return {
        key: sound(text) for key, text in {"parameters": parameters(request), **kohya_texts(payload, known)}.items()
    }


def how(graph: Graph, item: Item, words: str, hashes: Mapping[str, str] | None = None) -> How:
    """What item and graph say of the pictures that reach Round Output.

    Args:
        graph: in ComfyUI's API form.
        words: what they were made from, as Round Output was told.
        hashes: of their files, by A1111's names.
    """
    last, first, fix = _passes(graph)
    steps, strength = item.payload.steps, item.payload.strength
    if fix and not isinstance(item.payload, PromptLine):
        steps, strength = (_number(fix["inputs"].get(name)) for name in ("steps", "strength"))
    found = _how(graph, item, words, hashes or {}, last, steps, strength)
    return replace(found, first=_first_how(graph, item, words, hashes or {}, first)) if fix else found


def _first_how(graph: Graph, item: Item, words: str, hashes: Mapping[str, str], sampler: _Node | None) -> How:
    """How the first of two passes made its picture."""
    steps, strength = item.payload.steps, item.payload.strength
    if isinstance(item.payload, PromptLine):
        lines = [graph[id_]["inputs"] for id_ in nodes_of(graph, PROMPT_LINES)]
        own = [(_number(each.get("highres_steps")), _number(each.get("highres_strength"))) for each in lines]
        steps = own[0][0] or steps if own else steps
        strength = (own[0][1] or strength if own else strength) if item.source else None
    written = _number(sampled_with(graph, sampler).get("steps")) if sampler else None
    return _how(graph, item, words, hashes, sampler, written or steps, strength)


def _how(
    graph: Graph,
    item: Item,
    words: str,
    hashes: Mapping[str, str],
    sampler: _Node | None,
    steps: float | None,
    part: float | None,
) -> How:
    """What one sampler made.

    Args:
        steps, part: length of its schedule and its strength, where they are known.
    """
    inputs = sampled_with(graph, sampler) if sampler else {}
    prompt, negative = words or _text(graph, inputs.get("positive")), _text(graph, inputs.get("negative"))
    if isinstance(item.payload, Exploration):
        prompt, negative = split(item.payload.words)
    if isinstance(item.payload, PromptLine):
        prompt, given = item.payload.prompt, item.payload.negative
        if not negative or (given is not None and _takes_lines(graph, inputs.get("negative"))):
            negative = given or ""
    strength = _number(inputs.get("denoise"))
    model = model_for(graph, item)
    facts = {
        "Steps": _first(steps, _number(inputs.get("steps"))),
        "Sampler": _name(inputs.get("sampler_name")),
        "Schedule type": _name(inputs.get("scheduler")),
        "CFG scale": _first(item.payload.scale, _number(inputs.get("cfg"))),
        "Seed": _seed(graph, item, inputs.get(_SEEDS[sampler["class_type"]])) if sampler else None,
        "Size": None,
        "Denoising strength": _first(part, strength if strength != 1 else None),
        "Model hash": hashes.get("Model hash"),
        "Model": model_name(model) if model else None,
        "Lora hashes": hashes.get("Lora hashes"),
    }
    told = _told(graph, item, inputs.get("positive"))
    return How(prompt, negative, facts, tuple(loras_of(graph, item)), item.payload, told)


def model_for(graph: Graph, item: Item) -> str:
    """The checkpoint of an item: the one that was drawn for it, or else the one of the graph; empty: not known."""
    return str((item.draw or {}).get("checkpoint") or model_of(graph))


def loras_of(graph: Graph, item: Item) -> list[Lora]:
    """The LoRAs on the whole model: those that were drawn, and those that core's loaders and LoRA Stack put on above the sampler. One of
    which the strength is not known is left out."""
    match item.draw:
        case {"loras": [*drawn]}:
            found = [
                Lora(each.name, each.model_strength) for lora in drawn if is_lora(lora) for each in [DrawnLora(**lora)]
            ]
        case _:
            found = []
    if sampler := _passes(graph)[0]:
        models = [inputs["model"] for inputs in (sampler["inputs"], sampled_with(graph, sampler)) if "model" in inputs]
        return [*found, *_on_model(graph, item, models[0])] if models else found
    return found


def sampled_with(graph: Graph, sampler: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of a sampler, and of the nodes that hold what KSampler has in itself."""
    found: dict[str, Any] = {}
    for name in _BESIDE:
        node = _at(graph, sampler["inputs"].get(name))
        if node and node["class_type"] == PER_PICTURE_NOISE:
            node = _at(graph, node["inputs"].get("sampler"))
        if node:
            found |= node["inputs"]
        if node and node["class_type"] == GRADUAL_LATENT:
            found["sampler_name"] = "euler_ancestral"
    if "conditioning" in found:
        found.setdefault("positive", found["conditioning"])
    return {**found, **sampler["inputs"]}


def _on_model(graph: Graph, item: Item, link: Any) -> list[Lora]:
    """The LoRAs on the way of a MODEL, the first one first."""
    found, seen = list[Lora](), set[str]()
    while isinstance(link, list) and (node := _at(graph, link)) and str(link[0]) not in seen:  # pyright: ignore[reportUnknownArgumentType]
        seen.add(str(cast(list[Any], link)[0]))
        inputs = node["inputs"]
        if node["class_type"] in ("LoraLoader", "LoraLoaderModelOnly"):
            rows = [(inputs.get("lora_name"), inputs.get("strength_model"))]
        else:
            rows = [*_stacked(item, inputs)] if node["class_type"] == LORA_STACK else []
        known = [Lora(name, float(strength)) for name, strength in rows if isinstance(name, str) and _number(strength)]
        found = known + found
        link = inputs.get("model")
    return found


def _stacked(item: Item, inputs: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The rows of a LoRA Stack."""
    numbers = [n for n in range(1, 9) if _name(inputs.get(f"lora_{n}")) not in (None, "none")]
    text = inputs.get("multipliers", "")
    try:
        given = of_line(item) if "item" in inputs else None
        factors = read_multipliers(text if isinstance(text, str) else "x") if given is None else given
    except Told:
        return
    for n, factor in zip(numbers, padded(factors, len(numbers)), strict=True):
        strength = _number(inputs.get(f"strength_{n}", 1.0))
        if strength is not None:
            yield inputs[f"lora_{n}"], strength * factor


def _written(lora: Lora) -> str:
    """As A1111 writes them into prompts and Civitai finds them there."""
    return f"<lora:{model_name(lora.name)}:{lora.strength:g}>"


def _passes(graph: Graph) -> tuple[_Node | None, _Node | None, _Node | None]:
    """The one sampler above the pictures of the one Round Output, if it is one that is read; where Highres Fix stands between two passes,
    that of the last, that of the first, and itself."""
    ends = nodes_of(graph, ROUND_OUTPUT)
    images = graph[ends[0]]["inputs"].get("images") if len(ends) == 1 else None
    if not isinstance(images, list):
        return None, None, None
    above = str(cast(list[Any], images)[0])
    ids = {above, *ancestors(graph, above)}
    fixes = [id_ for id_ in nodes_of(graph, HIGHRES_FIX) if id_ in ids]
    if len(fixes) != 1:
        return _one_sampler(graph, ids), None, None
    before = ancestors(graph, fixes[0])
    return _one_sampler(graph, ids - before), _one_sampler(graph, before), graph[fixes[0]]


def _one_sampler(graph: Graph, ids: Iterable[str]) -> _Node | None:
    samplers = [graph[id_] for id_ in ids if id_ in graph and "latent_image" in graph[id_]["inputs"]]
    return samplers[0] if len(samplers) == 1 and samplers[0]["class_type"] in _SEEDS else None


def _at(graph: Graph, link: Any) -> _Node | None:
    """The node at the other end of a link."""
    return graph.get(str(cast(list[Any], link)[0])) if isinstance(link, list) and link else None


def _takes_lines(graph: Graph, link: Any) -> bool:
    """Whether an Encode Line at the other end of a link encodes what an item says."""
    node = _at(graph, link)
    return node is not None and node["class_type"] == ENCODE_LINE and "item" in node["inputs"]


def _text(graph: Graph, link: Any) -> str:
    """The text that is written in the node at the other end of a link."""
    if (node := _at(graph, link)) is None:
        return ""
    names = {"CLIPTextEncode": "text", ENCODE_LINE: ("positive", "negative")[cast(list[Any], link)[1:] == [1]]}
    text = node["inputs"].get(names.get(node["class_type"], ""))
    return text if isinstance(text, str) else ""


def _told(graph: Graph, item: Item, link: Any) -> Sizes | None:
    """What Encode Line tells SDXL, if it or the item's line says anything of that; where nothing is told, the model may be another one."""
    node = _at(graph, link)
    if not (node and node["class_type"] == ENCODE_LINE):
        return None
    widgets = {name: node["inputs"].get(name, 1024 if name in ("width", "height") else 0) for name in Sizes._fields}
    line = item.payload if "item" in node["inputs"] and isinstance(item.payload, PromptLine) else None
    given = _options(line).given if line else frozenset[str]()
    says = given & set(_TOLD) or any(widgets[name] for name in _TOLD)
    if not says or not all(isinstance(value, int) for value in widgets.values()):
        return None
    try:
        return sizes_of(item if line else None, Sizes(**widgets), _number(node["inputs"].get("highres_scale")) or 0.0)
    except Told:  # see _options
        return None


def _options(line: PromptLine) -> Said:
    """What a line gives; nothing, where a newer version has stored what this one does not know: a picture is saved all the same."""
    try:
        return read_options(line.options)
    except Told:
        return read_options("")


def _raw(line: PromptLine) -> str:
    """The prompt of a line as it was written, before choices."""
    if line.line == line.prompt or line.line.startswith(f"{line.prompt} --"):  # also one that a picture said
        return line.prompt
    return parts(line.line)[0].strip()


def _seed(graph: Graph, item: Item, seed: Any) -> int | None:
    """What a sampler was given: a number, or the item's own."""
    if not isinstance(seed, list):
        return cast("int | None", _number(seed))
    id_, output = cast(list[Any], seed)[:2]
    node = graph.get(str(id_), {"class_type": ""})
    if node["class_type"] == PER_PICTURE_NOISE:
        return item.seed if "item" in node["inputs"] else cast("int | None", _number(node["inputs"].get("seed")))
    if node["class_type"] == "RandomNoise":
        return _seed(graph, item, node["inputs"].get("noise_seed"))
    if node["class_type"] == HIGHRES_FIX and output in _OF_SECOND:
        first = item.seed if "item" in node["inputs"] else _seed(graph, item, node["inputs"].get("seed"))
        return None if first is None else following(first)
    return item.seed if output in _OF_ITEM.get(node["class_type"], ()) else None


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)
