from comfy.supported_models import SD15

from ..core_attention import transformers
from .family import Family, by_level

STYLE = frozenset(("output", number) for number in (3, 4, 5))
LAYOUT = frozenset((("input", 7), ("input", 8), ("middle", 0)))

FAMILY = Family("Stable Diffusion 1.5", lambda config: isinstance(config, SD15), transformers, by_level, STYLE, LAYOUT)
