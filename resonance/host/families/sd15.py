from comfy.supported_models import SD15

from .family import Family
from .unet import slots

FAMILY = Family("Stable Diffusion 1.5", lambda config: isinstance(config, SD15), slots)
