"""Regions as areas, see :mod:`..area`: the nearest region has the place."""

from ..area import STRENGTHS
from ..method import RegionMethod

METHOD = RegionMethod(
    name="area overlay",
    settings=STRENGTHS,
    place=lambda placing, values: placing.areas("overlay", values["global_strength"], values["region_strength"]),
)
