"""Regions as areas, see :mod:`..area`: all regions that cover a place share it."""

from ..area import STRENGTHS
from ..method import RegionMethod

METHOD = RegionMethod(
    name="area average",
    settings=STRENGTHS,
    place=lambda placing, values: placing.areas("average", values["global_strength"], values["region_strength"]),
)
