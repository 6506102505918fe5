"""What hangs on what in the graph of a run."""

from collections.abc import Iterator
from typing import Any

from .sessions.queue import Run

STARTS = ("ResonanceRoundInput", "ResonanceExplore")
"""Nodes that claim an item and queue the next run."""


def is_saved(run: Run, node_id: str) -> bool:
    """Whether the run executes a Round Output that hangs below this node."""
    return any(
        run.prompt[target]["class_type"] == "ResonanceRoundOutput" and node_id in _ancestors(run.prompt, target)
        for target in run.targets
        if target in run.prompt
    )


def other_start(run: Run, node_id: str) -> str | None:
    """Another node of the run that would claim an item too."""
    others = (id_ for id_, node in run.prompt.items() if id_ != node_id and node["class_type"] in STARTS)
    return next((id_ for id_ in others if is_saved(run, id_)), None)


def stores_words(run: Run, node_id: str) -> bool:
    """Whether the words of this node's items are stored on the way: only then a round can be described first."""
    return any(
        node["class_type"] == "ResonanceRoundWords" and node_id in _ancestors(run.prompt, id_)
        for id_, node in run.prompt.items()
    )


def is_used(graph: Any, node_id: str, output: int) -> bool:
    """Whether something is connected to an output in the graph as it runs (core's DynamicPrompt): a loop's passes too."""
    return any([node_id, output] in graph.get_node(id_)["inputs"].values() for id_ in graph.all_node_ids())


def _ancestors(prompt: dict[str, Any], node_id: str) -> set[str]:
    found: set[str] = set()
    waiting = [node_id]
    while waiting:
        for source in _links(prompt.get(waiting.pop(), {})):
            if source not in found:
                found.add(source)
                waiting.append(source)
    return found


def _links(node: dict[str, Any]) -> Iterator[str]:
    for value in node.get("inputs", {}).values():
        if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
            yield value[0]
