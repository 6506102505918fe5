"""A workflow that names models and pictures as a command line does: each server gets it with names of its own."""

from pathlib import Path

from ..gen_img.models import Graph, looked_up
from ..graph import LOADERS, PROMPT_LINES
from ..session.made import Made
from .comfyui import Server
from .job import EngineLost, Job, JobFailed
from .workflow import ItemWorkflow


class LocalNames:
    """A :class:`.comfyui.Recipe` whose models are found among those of the server, and whose loaders' pictures, paths of this machine,
    are sent there."""

    def __init__(self, graph: Graph, metadata: bool = True) -> None:
        self.graph, self.metadata = graph, metadata
        self._known: dict[str, ItemWorkflow] = {}

    async def on(self, server: Server) -> ItemWorkflow:
        """As that server has it.

        Raises:
            Told: a model is not there, or a picture cannot be read.
            EngineLost: it does not answer.
        """
        if server.address not in self._known:
            graph = await looked_up(self.graph, server.models)
            for node in graph.values():
                if node["class_type"] in LOADERS:
                    path = Path(node["inputs"]["image"])
                    node["inputs"]["image"] = await server.upload(path.read_bytes(), path.suffix)
            self._known[server.address] = ItemWorkflow(graph, None, PROMPT_LINES, self.metadata)
        return self._known[server.address]

    async def make(self, server: Server, job: Job, run: str) -> Made:
        try:
            return await (await self.on(server)).make(server, job, run)
        except (JobFailed, EngineLost):  # one that was started anew has nothing of what was sent
            self._known.pop(server.address, None)
            raise
