"""What the workflow around Prompt Lines does with its lines, as far as only ComfyUI knows it."""

from collections.abc import Sequence

from .. import graph
from ..paint.line_workflow import ITEM, LineWorkflow
from ..session.item import Item
from ..session.payloads import PromptLine
from . import weighted


class Workflow(LineWorkflow):
    """See :class:`resonance.paint.line_workflow.LineWorkflow`."""

    def can_encode(self, items: Sequence[Item]) -> bool:
        """Whether the nodes that encode the item's words can encode these together. Of an Encode Line that is told over links nobody
        knows."""
        if graph.comes_to(self.nodes, self.own, ITEM, graph.REGIONS_FROM_MASK) and not _say_the_same(items):
            return False
        encoders = (self.nodes[id_]["inputs"] for id_ in graph.nodes_of(self.nodes, graph.ENCODE_LINE))
        asked = [each for each in encoders if each.get("item") == [self.own, ITEM]]
        linked = any(
            isinstance(each.get(name), list) for each in asked for name in ("chunks", "negative", "embeddings", "xti")
        )
        return linked or all(weighted.share_a_batch(items, each) for each in asked)


def _say_the_same(items: Sequence[Item]) -> bool:
    """A picture of places is for one prompt."""
    lines = [item.payload for item in items if isinstance(item.payload, PromptLine)]
    return len({(line.prompt, line.negative) for line in lines}) == 1
