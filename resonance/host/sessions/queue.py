"""ComfyUI's queue: the run that asks, whether another one still waits, how one ended, and how to queue one more."""

import json
from dataclasses import dataclass
from typing import Any

from ... import graph
from ...session.reason import Outcome, Reason, reported
from ...told import NotNow
from .. import core


@dataclass(frozen=True)
class Run:
    """One request as ComfyUI runs it.

    Attributes:
        prompt: the graph with every node reduced to what was sent (no cache marks).
        extra: client id, workflow and other extra data.
        targets: ids of the output nodes that are run.
    """

    id: str
    prompt: dict[str, Any]
    extra: dict[str, Any]
    targets: list[str]

    @property
    def workflow(self) -> str:
        """Names the workflow, whatever its nodes are set to: the editor's id or, for who posts a graph, its nodes."""
        match self.extra:
            case {"extra_pnginfo": {"workflow": {"id": str(id_)}}}:
                return id_
            case _:
                return repr(sorted((id_, node["class_type"]) for id_, node in self.prompt.items()))

    def graph(self) -> dict[str, Any]:
        """What :func:`submit` needs to run the same again."""
        return {"prompt": self.prompt, "extra_data": self.extra, "partial_execution_targets": self.targets}


def current() -> Run:
    """The run in which the calling node executes."""
    run = core.running()
    if run is None:
        raise NotNow("Rounds work in ComfyUI's own queue only: this graph was started in another way.")
    return Run(run.id, graph.reduced(run.prompt), run.extra, run.targets)


def is_used(running: Any, node_id: str, output: int) -> bool:
    """Whether something is connected to an output in the graph as it runs (core's DynamicPrompt): a loop's passes too."""
    return graph.is_used(core.live_graph(running), node_id, output)


def texts(prompt: dict[str, Any], extra: dict[str, Any] | None) -> dict[str, str]:
    """What ComfyUI's own saver writes into a picture: ``prompt``, ``workflow`` and what else came with the request."""
    return {key: json.dumps(value) for key, value in {"prompt": prompt, **(extra or {})}.items()}


def ended(run: str, first: graph.Graph | None = None) -> Outcome:
    """How a run ended, as ComfyUI's history tells; ``gone`` where it knows nothing of it.

    Args:
        first: the graph of a chain's first run. An error in a node of it that no item reaches, such as one that loads a model, is no
            item's: it ends the chain, as an interrupt does, while whoever pressed Run still looks.
    """
    ending = core.ending(run)
    if ending is None:
        return Outcome(Reason.GONE)
    if ending.interrupted:
        return Outcome(Reason.INTERRUPTED)
    if failure := ending.failure:
        if first and graph.reached(first, failure.id) is False:
            return Outcome(Reason.INTERRUPTED, f"{failure.node}: {failure.text}")
        return Outcome(reported(failure.kind, failure.text), f"{failure.node}: {failure.text}")
    return Outcome(Reason.NO_RESULT)


def submit(run: str, graph: dict[str, Any]) -> None:
    """Posts a graph to this server under an id chosen beforehand. The text of a refusal is raised as NotNow."""
    from ...llm.sending import post_json  # which ComfyUI need not wait for when it starts

    status, said = post_json(f"{core.address()}/prompt", {**graph, "prompt_id": run}, timeout=60)
    if status != 200:
        raise NotNow(f"ComfyUI refused to queue the next run: {said}")
