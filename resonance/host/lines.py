"""What the workflow around Prompt Lines does with its lines, as far as only ComfyUI knows it."""

from collections.abc import Sequence

from .. import graph
from ..paint.line_workflow import ITEM, LineWorkflow
from ..session.item import Item
from . import weighted


class Workflow(LineWorkflow):
    """See :class:`resonance.paint.line_workflow.LineWorkflow`."""

    def can_encode(self, items: Sequence[Item]) -> bool:
        """Whether every Encode Line that takes the item can encode these together. Of one that is told over links nobody knows."""
        encoders = (self.nodes[id_]["inputs"] for id_ in graph.nodes_of(self.nodes, graph.ENCODE_LINE))
        asked = [each for each in encoders if each.get("item") == [self.own, ITEM]]
        linked = any(
            isinstance(each.get(name), list) for each in asked for name in ("chunks", "negative", "embeddings")
        )
        return linked or all(weighted.share_a_batch(items, each) for each in asked)
