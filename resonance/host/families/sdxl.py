from comfy.supported_models import SDXL

from .family import Family
from .unet import slots

FAMILY = Family("SDXL", lambda config: isinstance(config, SDXL), slots)
