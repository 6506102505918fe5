"""What vision models see in pictures."""

from typing import Any

import torch

AT_ONCE = 16
"""Pictures that a vision model is shown in one call."""

MEAN = (0.48145466, 0.4578275, 0.40821073)
"""The colour that CLIP's mean is, which its vision models are given as zeros."""


def squares(image: torch.Tensor, fit: str) -> torch.Tensor:
    """Pictures ``[P, H, W, 3]`` as they are shown to a vision model, ``[P, S, h, w, 3]``: S overlapping squares that cover them, or one."""
    height, width = image.shape[1:3]
    side, count = min(height, width), -(-max(height, width) // min(height, width))
    if fit != "cover" or count == 1:
        return image[:, None]
    tall = height > width
    begins = [round(i * (max(height, width) - side) / (count - 1)) for i in range(count)]
    return torch.stack([image[:, b : b + side] if tall else image[:, :, b : b + side] for b in begins], 1)


def see(vision: Any, image: torch.Tensor, fit: str, field: str) -> torch.Tensor:
    """One field of what a CLIP_VISION gives for pictures ``[P, H, W, 3]``, ``[P, S, ...]``.

    Args:
        field: ``image_embeds``, ``penultimate_hidden_states`` or ``last_hidden_state``.
    """
    shown = squares(image, fit)
    seen = [
        vision.encode_image(some, crop=fit != "squash")[field] for some in torch.split(shown.flatten(0, 1), AT_ONCE)
    ]
    return torch.unflatten(torch.cat(seen), 0, shown.shape[:2])


def see_nothing(vision: Any, field: str) -> torch.Tensor:
    """The same for a picture that is all zeros as the model is given it, as tencent-ailab/IP-Adapter has it."""
    return see(vision, torch.tensor(MEAN).expand(1, 224, 224, 3), "middle", field)
