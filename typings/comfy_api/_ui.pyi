import torch

from ._io import ComfyNode

class PreviewImage:
    values: list[dict[str, str]]

    def __init__(self, image: torch.Tensor, animated: bool = False, cls: type[ComfyNode] | None = None) -> None: ...

class PreviewMask:
    values: list[dict[str, str]]

    def __init__(self, mask: torch.Tensor, animated: bool = False, cls: type[ComfyNode] | None = None) -> None: ...
