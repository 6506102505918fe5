from enum import Enum
from typing import Any

import torch

class EnumWeightTarget(Enum):
    Model = "model"
    Clip = "clip"

class HookGroup:
    @staticmethod
    def combine_all_hooks(hooks_list: list[HookGroup | None]) -> HookGroup: ...
    def clone(self) -> HookGroup: ...
    def set_keyframes_on_hooks(self, hook_kf: object) -> None: ...

def create_hook_lora(lora: dict[str, torch.Tensor], strength_model: float, strength_clip: float) -> HookGroup: ...
def create_target_dict(target: EnumWeightTarget) -> dict[str, Any]: ...
