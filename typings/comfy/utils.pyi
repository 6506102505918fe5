from typing import Any, Literal, overload

import torch

PROGRESS_BAR_ENABLED: bool

class ProgressBar:
    def __init__(self, total: int, node_id: str | None = None) -> None: ...
    def update(self, value: int) -> None: ...
    def update_absolute(self, value: int, total: int | None = None, preview: Any = None) -> None: ...

@overload
def load_torch_file(
    ckpt: str, safe_load: bool = False, *, return_metadata: Literal[True]
) -> tuple[dict[str, torch.Tensor], dict[str, str] | None]: ...
@overload
def load_torch_file(ckpt: str, safe_load: bool = False) -> dict[str, torch.Tensor]: ...
