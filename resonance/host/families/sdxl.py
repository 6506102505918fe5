from comfy.supported_models import SDXL

from ..core_attention import transformers
from .family import Family

STYLE = frozenset((("output", 1),))
LAYOUT = frozenset((("input", 8),))

FAMILY = Family("SDXL", lambda config: isinstance(config, SDXL), transformers, lambda depth: depth, STYLE, LAYOUT)
