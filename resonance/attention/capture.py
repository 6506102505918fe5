"""Notes where the words of each region act."""

import torch

from .binding import BindingProcessor
from .site import Inner, Site


class HeatProcessor:
    """The :class:`~resonance.attention.site.Processor` that notes heat."""

    order = 10

    def __init__(self, words: BindingProcessor) -> None:
        self._words = words

    def kinds(self) -> frozenset[str]:
        return frozenset({"cross"})

    def __call__(self, site: Site, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, inner: Inner) -> torch.Tensor:
        # A call for a gradient looks at what an ordinary one has looked at.
        for row in () if q.requires_grad else site.call.rows:
            bound = self._words.of(row)
            if bound and bound.heat and bound.acts(site.call.sigma):
                bound.heat.add(bound.share(site, q[row.at], k[row.at]), *site.grid)
        return inner(q, k, v)
