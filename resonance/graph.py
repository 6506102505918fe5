"""Graphs in ComfyUI's API form: which of our nodes are in them, and what hangs on what. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

Graph = Mapping[str, Mapping[str, Any]]

ROUND_INPUT = "ResonanceRoundInput"
ROUND_WORDS = "ResonanceRoundWords"
ROUND_OUTPUT = "ResonanceRoundOutput"
EXPLORE = "ResonanceExplore"
PROMPT_LINES = "ResonancePromptLines"
VARY = "ResonanceVary"
TRANSFORM = "ResonanceTransform"
ROULETTE = "ResonanceModelRoulette"
PER_PICTURE_NOISE = "ResonancePerPictureNoise"
ENCODE_LINE = "ResonanceEncodeLine"
REGIONS_FROM_MASK = "ResonanceRegionsFromMask"
LORA_STACK = "ResonanceLoRAStack"
HIGHRES_FIX = "ResonanceHighresFix"
GRADUAL_LATENT = "ResonanceGradualLatent"
NEGATIVE_SCALE = "ResonanceNegativeScale"
DEEP_SHRINK = "ResonanceDeepShrink"
GRADIENT_GUIDANCE = "ResonanceGradientGuidance"
LLLITE = "ResonanceControlNetLLLite"
ALTERNATE = "ResonanceAlternateControlNets"
TURNS = range(2, 9)
"""How many ControlNets may take turns there."""

DRIVEN = "resonance_vary"
"""Key of ComfyUI's ``extra_data`` under which a driver asks Vary: its ``kind`` is :data:`PLAN` or :data:`MAKE`."""
PLAN, MAKE = "plan", "make"

LOADERS = ("LoadImage", "LoadImageMask", "LoadImageOutput")
"""Core's nodes that load a picture by its name."""
STARTS = (ROUND_INPUT, EXPLORE, PROMPT_LINES)
"""Nodes that claim an item and queue the next run."""
FIRST = 7
"""Number of Round Input's output ``first``."""


def reduced(graph: Graph) -> dict[str, dict[str, Any]]:
    """A graph without what the executor writes into it (``is_changed``), so that it can be posted again."""
    kept = ("class_type", "inputs", "_meta")
    return {id_: {key: node[key] for key in kept if key in node} for id_, node in graph.items()}


def is_graph(value: Any) -> bool:
    """Whether a value read from JSON has the form of a graph."""
    nodes = cast(dict[str, Any], value) if isinstance(value, dict) else {}
    return bool(nodes) and all(_is_node(node) for node in nodes.values())


def nodes_of(graph: Graph, *kinds: str) -> list[str]:
    """Ids of the nodes of these classes."""
    return [id_ for id_, node in graph.items() if node["class_type"] in kinds]


def with_inputs(graph: Graph, kind: str, inputs: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """A graph whose nodes of a class have these inputs, beside those that they have."""
    return {
        id_: {**node, "inputs": {**node["inputs"], **inputs}} if node["class_type"] == kind else dict(node)
        for id_, node in graph.items()
    }


def with_session(graph: Graph, name: str) -> dict[str, dict[str, Any]]:
    """A graph whose nodes work on the session of that name, if they all worked on one."""
    places = {**dict.fromkeys(STARTS, "session"), VARY: "save_as.session"}
    found = {
        id_: key
        for id_, node in graph.items()
        if isinstance(node["inputs"].get(key := places.get(node["class_type"], "")), str)
    }
    if len({graph[id_]["inputs"][key] for id_, key in found.items()}) != 1:
        return {id_: dict(node) for id_, node in graph.items()}
    return {
        id_: {**node, "inputs": {**node["inputs"], found[id_]: name}} if id_ in found else dict(node)
        for id_, node in graph.items()
    }


def ancestors(graph: Graph, id_: str) -> set[str]:
    """Ids of the nodes on which one depends."""
    found: set[str] = set()
    waiting = [id_]
    while waiting:
        for source in _links(graph.get(waiting.pop(), {})):
            if source not in found:
                found.add(source)
                waiting.append(source)
    return found


def loaded_pictures(graph: Graph, id_: str) -> list[str]:
    """The files that core's nodes load and on which a node depends; none where a picture was painted on the way."""
    nodes = [graph[each] for each in sorted(ancestors(graph, id_)) if each in graph]
    if any("samples" in node["inputs"] for node in nodes):  # latents that became a picture
        return []
    named = (node["inputs"].get("image") for node in nodes if node["class_type"] in LOADERS)
    return list(dict.fromkeys(name for name in named if isinstance(name, str)))


def linked(graph: Graph) -> set[str]:
    """Ids of the nodes to which something is connected."""
    return {source for node in graph.values() for source in _links(node)}


def model_of(graph: Graph) -> str:
    """The model that a graph loads; empty where it loads several, or none by name."""
    named = [
        node["inputs"][key] for node in graph.values() for key in ("ckpt_name", "unet_name") if key in node["inputs"]
    ]
    found = named[:1] if all(name == named[0] for name in named) else []
    return next((name for name in found if isinstance(name, str)), "")


def has_stages(graph: Graph) -> bool:
    """Whether pictures are painted in two passes, as far as the graph says so."""
    if nodes_of(graph, HIGHRES_FIX):
        return True
    scales = (graph[each]["inputs"].get("highres_scale") for each in nodes_of(graph, PROMPT_LINES))
    return any(isinstance(scale, (int, float)) and scale > 0 for scale in scales)


def is_used(graph: Graph, id_: str, output: int) -> bool:
    """Whether something is connected to an output."""
    return any([id_, output] in node["inputs"].values() for node in graph.values())


def comes_to(graph: Graph, id_: str, output: int, kind: str) -> bool:
    """Whether an output is connected to a node of a class."""
    return any([id_, output] in graph[each]["inputs"].values() for each in nodes_of(graph, kind))


def samplers_beside(graph: Graph, id_: str, output: int) -> list[str]:
    """The samplers of nodes that take the noise of an output, but those that come from Per Picture Noise: names of core's, else kinds
    of nodes."""
    ours = set(nodes_of(graph, PER_PICTURE_NOISE))
    links = (node["inputs"].get("sampler") for node in graph.values() if [id_, output] in node["inputs"].values())
    ids = (str(cast(list[Any], link)[0]) for link in links if isinstance(link, list))
    nodes = (graph[each] for each in ids if each in graph and not ours & {each, *ancestors(graph, each)})
    return [str(node["inputs"].get("sampler_name", node["class_type"])) for node in nodes]


def is_saved(graph: Graph, targets: list[str], id_: str) -> bool:
    """Whether a run with these output nodes executes a Round Output that hangs below a node."""
    return any(
        graph[target]["class_type"] == ROUND_OUTPUT and id_ in ancestors(graph, target)
        for target in targets
        if target in graph
    )


def other_start(graph: Graph, targets: list[str], id_: str) -> str | None:
    """Another node of the run that would claim an item too."""
    return next((each for each in nodes_of(graph, *STARTS) if each != id_ and is_saved(graph, targets, each)), None)


def reached(graph: Graph, id_: str) -> bool | None:
    """Whether what a node does depends on an item; None: it is not in the graph as it was sent."""
    if id_ not in graph:
        return None
    return bool({id_, *ancestors(graph, id_)}.intersection(nodes_of(graph, *STARTS)))


def stores_words(graph: Graph, id_: str) -> bool:
    """Whether the words of this node's items are stored on the way: only then a round can be described first."""
    return any(id_ in ancestors(graph, each) for each in nodes_of(graph, ROUND_WORDS))


def _links(node: Mapping[str, Any]) -> Iterator[str]:
    for value in node.get("inputs", {}).values():
        if isinstance(value, list) and len(cast(list[Any], value)) == 2 and isinstance(value[0], str):
            yield value[0]


def _is_node(node: Any) -> bool:
    match node:
        case {"class_type": str(), "inputs": dict()}:
            return True
        case _:
            return False
