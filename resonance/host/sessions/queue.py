"""ComfyUI's queue: the run that asks, whether another one still waits, how one ended, and how to queue one more."""

import json
from dataclasses import dataclass
from typing import Any

from comfy.cli_args import args
from comfy_execution.utils import get_executing_context
from server import PromptServer

from ... import graph
from ...llm.http import post_json
from ...session.reason import Outcome, Reason, reported
from ...told import NotNow


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
    context = get_executing_context()
    running, _ = PromptServer.instance.prompt_queue.get_current_queue_volatile()
    for entry in running:
        if context and entry[1] == context.prompt_id:
            extra = {key: value for key, value in entry[3].items() if key != "create_time"}
            return Run(entry[1], graph.reduced(entry[2]), extra, list(entry[4]))
    raise NotNow("Rounds work in ComfyUI's own queue only: this graph was started in another way.")


def is_used(running: Any, node_id: str, output: int) -> bool:
    """Whether something is connected to an output in the graph as it runs (core's DynamicPrompt): a loop's passes too."""
    return graph.is_used({id_: running.get_node(id_) for id_ in running.all_node_ids()}, node_id, output)


def texts(prompt: dict[str, Any], extra: dict[str, Any] | None) -> dict[str, str]:
    """What ComfyUI's own saver writes into a picture: ``prompt``, ``workflow`` and what else came with the request."""
    return {key: json.dumps(value) for key, value in {"prompt": prompt, **(extra or {})}.items()}


def waits(run: str) -> bool:
    """Whether a run is queued or running."""
    running, queued = PromptServer.instance.prompt_queue.get_current_queue_volatile()
    return any(entry[1] == run for entry in (*running, *queued))


def ended(run: str) -> Outcome:
    """How a run ended, as ComfyUI's history tells; ``gone`` where it knows nothing of it."""
    history = PromptServer.instance.prompt_queue.get_history(run, map_function=lambda entry: entry["status"])
    status = history.get(run)
    if not status:
        return Outcome(Reason.GONE)
    for event, data in status["messages"]:
        if event == "execution_interrupted":
            return Outcome(Reason.INTERRUPTED)
        if event == "execution_error":
            text = data["exception_message"].strip()
            return Outcome(reported(data["exception_type"], text), f"{data['node_type']}: {text}")
    return Outcome(Reason.NO_RESULT)


def submit(run: str, graph: dict[str, Any]) -> None:
    """Posts a graph to this server under an id chosen beforehand. The text of a refusal is raised as NotNow."""
    server = PromptServer.instance
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(server.address, server.address)
    scheme = "https" if args.tls_keyfile else "http"
    status, said = post_json(f"{scheme}://{host}:{server.port}/prompt", {**graph, "prompt_id": run}, timeout=60)
    if status != 200:
        raise NotNow(f"ComfyUI refused to queue the next run: {said}")


def forget(run: str) -> None:
    """Removes a finished run from the history."""
    PromptServer.instance.prompt_queue.delete_history_item(run)
