"""Regions as areas (ComfyUI's own): the model is asked once per region, and its answers are averaged.

Per pixel the result is ``(g * e_g + s * sum(m_i * e_i)) / (g + s * sum(m_i))``: MultiDiffusion's formula with global
strength g, region strength s and masks m. Works with every model family, since the model is not touched.
"""

from typing import Literal

import torch

from ..settings import Setting

Overlap = Literal["overlay", "average"]


STRENGTHS = (
    Setting(
        name="global_strength",
        default=0.2,
        low=0.01,
        high=1.0,
        step=0.01,
        tip="Share of the words that act everywhere.",
    ),
    Setting(
        name="region_strength",
        default=0.8,
        low=0.0,
        high=1.0,
        step=0.01,
        tip="Share of a region's own words, where it is.",
    ),
)


def coverage(masks: torch.Tensor, overlap: Overlap) -> torch.Tensor:
    """What is left of masks ``[R, H, W]``, far to near, where they overlap.

    overlay: the nearest one has the place. average: all that cover it share it.
    """
    if overlap == "average":
        return masks / (1e-6 + masks.sum(0))
    left, free = masks.clone(), torch.ones_like(masks[0])
    for i in reversed(range(len(masks))):
        left[i] = masks[i] * free
        free = free * (1 - masks[i])
    return left
