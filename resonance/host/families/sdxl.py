from comfy.supported_models import SDXL

from ..core_sampling import transformers
from .family import Family

FAMILY = Family("SDXL", lambda config: isinstance(config, SDXL), transformers, lambda depth: depth)
