from comfy.supported_models import SD20

from ..core_attention import transformers
from .family import Family, by_level

FAMILY = Family("Stable Diffusion 2", lambda config: isinstance(config, SD20), transformers, by_level)
