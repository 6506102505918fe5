from comfy.supported_models import SD15

from ..core_sampling import transformers
from .family import Family, by_level

FAMILY = Family("Stable Diffusion 1.5", lambda config: isinstance(config, SD15), transformers, by_level)
