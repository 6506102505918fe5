import torch

class CONDRegular:
    cond: torch.Tensor

    def __init__(self, cond: torch.Tensor) -> None: ...

class CONDCrossAttn(CONDRegular): ...
