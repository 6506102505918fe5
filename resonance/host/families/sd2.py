from comfy.supported_models import SD20

from .family import Family
from .unet import slots

FAMILY = Family("Stable Diffusion 2", lambda config: isinstance(config, SD20), slots)
