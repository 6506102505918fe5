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
    mask: torch.Tensor | None = None,
    attn_precision: torch.dtype | None = None,
    skip_reshape: bool = False,
    skip_output_reshape: bool = False,
    *,
    transformer_options: dict[str, Any] = ...,
) -> torch.Tensor: ...

optimized_attention = attention_basic
attention_pytorch = attention_basic

def get_attn_precision(attn_precision: torch.dtype | None, current_dtype: torch.dtype) -> torch.dtype | None: ...
