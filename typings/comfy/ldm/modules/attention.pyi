from collections.abc import Sequence
from typing import Any

import torch

class BasicTransformerBlock(torch.nn.Module):
    attn2: torch.nn.Module | None

class SpatialTransformer(torch.nn.Module):
    transformer_blocks: Sequence[BasicTransformerBlock]

def attention_basic(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    heads: int,
    *,
    attn_precision: torch.dtype | None = None,
    transformer_options: dict[str, Any] = ...,
) -> torch.Tensor: ...

optimized_attention = attention_basic
