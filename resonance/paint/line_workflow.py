"""What the workflow around Prompt Lines does with its lines: which options it takes, and whether it can paint several of them at once."""

from dataclasses import dataclass

from .. import graph
from .per_picture import NOISES

ITEM, POSITIVE, NEGATIVE, SEED, NOISE = 0, 1, 2, 8, 13
"""Numbers of the node's outputs."""
TAKERS = {
    graph.ENCODE_LINE: "Encode Line",
    graph.LORA_STACK: "LoRA Stack",
    graph.NEGATIVE_SCALE: "Negative Scale",
    graph.DEEP_SHRINK: "Deep Shrink",
}
"""Nodes that take options of lines, by class: their names."""
ALONE = (
    "One picture is painted in each run. For more at once, connect item to Encode Line and to Per Picture Noise, and nothing to"
    " positive, negative and seed."
)
DRAWS = (
    "One picture is painted in each run: {sampler} may add noise at every step. For more at once, put Per Picture Noise between it"
    " and SamplerCustomAdvanced."
)


@dataclass(frozen=True)
class LineWorkflow:
    """
    Attributes:
        nodes: the graph that runs.
        own: the id of Prompt Lines in it.
    """

    nodes: graph.Graph
    own: str

    def takers(self) -> list[str]:
        """Names of the nodes that take options of the lines."""
        return [name for kind, name in TAKERS.items() if graph.comes_to(self.nodes, self.own, ITEM, kind)]

    def alone(self) -> str:
        """Why a run can paint one picture only; empty where it can paint several."""
        if any(graph.is_used(self.nodes, self.own, output) for output in (POSITIVE, NEGATIVE, SEED)):
            return ALONE
        if graph.is_used(self.nodes, self.own, NOISE):
            names = graph.samplers_beside(self.nodes, self.own, NOISE)
            return next((DRAWS.format(sampler=name) for name in names if NOISES.get(name) != "none"), "")
        return "" if graph.comes_to(self.nodes, self.own, ITEM, graph.PER_PICTURE_NOISE) else ALONE
