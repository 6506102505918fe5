"""What the workflow around Prompt Lines does with its lines: which options it takes, and whether it can paint several of them at once."""

from dataclasses import dataclass

from .. import graph
from .per_picture import NOISES

ITEM, POSITIVE, NEGATIVE, SEED, NOISE = 0, 1, 2, 8, 13
"""Numbers of the node's outputs."""
SECOND_SEED, SECOND_NOISE = 4, 5
"""Those of Highres Fix."""
TAKERS = {
    graph.ENCODE_LINE: "Encode Line",
    graph.LORA_STACK: "LoRA Stack",
    graph.NEGATIVE_SCALE: "Negative Scale",
    graph.DEEP_SHRINK: "Deep Shrink",
    graph.GRADUAL_LATENT: "Gradual Latent",
    graph.GRADIENT_GUIDANCE: "Gradient Guidance",
}
"""Nodes that take options of lines, by class: their names."""
ALONE = (
    "One picture is painted in each run. For more at once, connect item to Encode Line and to Per Picture Noise, and nothing to"
    " positive, negative and seed."
)
SECOND = (
    "One picture is painted in each run. For more at once, connect item to Highres Fix, its noise to SamplerCustomAdvanced, and nothing to"
    " its seed."
)
DRAWS = (
    "One picture is painted in each run: {sampler} may add noise at every step. For more at once, put Per Picture Noise between it"
    " and SamplerCustomAdvanced."
)
VISION = "One picture is painted in each run: unCLIPConditioning gives what CLIP vision sees of one to all."


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
        return self._first_alone() or self._second_alone()

    def _first_alone(self) -> str:
        if any(graph.is_used(self.nodes, self.own, output) for output in (POSITIVE, NEGATIVE, SEED)):
            return ALONE
        seeing = graph.nodes_of(self.nodes, "unCLIPConditioning")
        if any(self.own in graph.ancestors(self.nodes, id_) for id_ in seeing):
            return VISION
        if graph.is_used(self.nodes, self.own, NOISE):
            return self._drawing(self.own, NOISE)
        return "" if graph.comes_to(self.nodes, self.own, ITEM, graph.PER_PICTURE_NOISE) else ALONE

    def _second_alone(self) -> str:
        for id_ in graph.nodes_of(self.nodes, graph.HIGHRES_FIX):
            item = self.nodes[id_]["inputs"].get("item")
            if item != [self.own, ITEM] or graph.is_used(self.nodes, id_, SECOND_SEED):
                return SECOND
            if draws := self._drawing(id_, SECOND_NOISE):
                return draws
        return ""

    def _drawing(self, id_: str, noise: int) -> str:
        """Why a sampler that has this noise cannot paint several."""
        names = graph.samplers_beside(self.nodes, id_, noise)
        known = {graph.GRADUAL_LATENT: "none", **NOISES}
        return next((DRAWS.format(sampler=name) for name in names if known.get(name) != "none"), "")
