"""A CLIP text encoder whose tokens carry colours."""

from functools import cache

import torch

from .weights import HALF, Weights

VOCABULARY, LENGTH = 49408, 77
END = 49407
COLOUR, SAYS, MEAN = slice(0, 4), 4, slice(16, 20)
"""Dimensions of an embedding: the token's colour, how much it has to say, the mean colour of the text so far."""

COLOURS = {
    736: (1, -1, -1, 0),  # red
    1901: (-1, 1, -1, 0),  # green
    1746: (-1, -1, 1, 0),  # blue
    1579: (1, 1, 1, 0),  # white
    1449: (-1, -1, -1, 0),  # black
    4481: (1, 1, -1, 0),  # yellow
    38091: (1, -1, 1, 0),  # magenta
    7048: (0, 0, 0, 0),  # gray
    5046: (0, 0, 0, 0),  # grey
}
SILENT = frozenset(
    (0, 49406, END)  # padding, begin, end
    + (256, 262, 263, 264, 267, 268, 269, 281, 282)  # ! ' ( ) , - . : ;
    + (320, 518, 525, 530, 533, 537, 539, 550, 593)  # a the on in is and of an with
    + (4852,)  # bright: in a tag list it shall not dilute the hue
)

OTHER_WORDS = 0.65
"""What any other word has to say. Alone it paints a colour of its own; a named colour beside it outweighs it."""

COMMON = 8192
"""Tokens beyond are rarer words; they stay empty, which keeps the file small."""


def clip_text(weights: Weights, prefix: str, width: int = 768, layers: int = 12, projection: str | None = None) -> None:
    """The text model. ``projection``: key of the text projection, for families that use the projected pooled text."""
    weights[f"{prefix}embeddings.token_embedding.weight"] = embeddings(width)
    position = weights.random(f"{prefix}embeddings.position_embedding.weight", LENGTH, width, gain=0.05 * width**0.5)
    position[:, : MEAN.stop + 1] = 0

    for i in range(layers):
        layer(weights, f"{prefix}encoder.layers.{i}.", width, live=i == 0)
    value, out = (weights[f"{prefix}encoder.layers.0.self_attn.{name}_proj.weight"] for name in ("v", "out"))
    # The end token, from which the pooled text is taken, gets to know the mean colour.
    value[:4, COLOUR] = out[MEAN, :4] = torch.eye(4, dtype=HALF)
    # The last layer tints, so that clip skip is visible.
    tint = weights.constant(f"{prefix}encoder.layers.{layers - 1}.mlp.fc2.bias", 0, width)
    tint[:3] = torch.tensor([0.2, -0.2, 0.2])
    weights.norm(f"{prefix}final_layer_norm", width)
    if projection:
        weights[projection] = torch.eye(width, dtype=HALF)


@cache
def embeddings(width: int) -> torch.Tensor:
    """``[VOCABULARY, width]``, the same colours in every encoder. The rest of a row is random signs: rows then have the
    same norm, and LayerNorm leaves colours as they are."""
    generator = torch.Generator().manual_seed(1)
    words = torch.cat(
        [torch.rand((VOCABULARY, 4), generator=generator) * 2 - 1, torch.full((VOCABULARY, 1), OTHER_WORDS)], 1
    )
    for token, colour in COLOURS.items():
        words[token] = torch.tensor([*colour, 1])
    words[list(SILENT)] = 0

    live = [*range(COMMON), *(t for t in COLOURS if t >= COMMON), VOCABULARY - 2, END]
    table = torch.zeros(VOCABULARY, width, dtype=HALF)
    table[live] = (torch.randint(0, 2, (len(live), width), generator=generator, dtype=torch.int8) * 2 - 1).to(HALF)
    table[live, : SAYS + 1] = words[live].to(HALF)
    table[:, MEAN] = 0
    table[END, MEAN.stop] = 1
    return table


def layer(weights: Weights, prefix: str, width: int, live: bool) -> None:
    """One transformer layer. A layer that is not live is all zeros, which is the identity."""
    for name in ("layer_norm1", "layer_norm2"):
        if live:
            weights.norm(prefix + name, width)
        else:
            weights.hole(f"{prefix}{name}.weight", width)
            weights.hole(f"{prefix}{name}.bias", width)
    attention = {f"self_attn.{name}_proj": (width, width) for name in ("q", "k", "v", "out")}
    for name, shape in {**attention, "mlp.fc1": (4 * width, width), "mlp.fc2": (width, 4 * width)}.items():
        if live:
            weights.layer(prefix + name, *shape, gain=1 if name == "mlp.fc1" else None)
        else:
            weights.hole(f"{prefix}{name}.weight", *shape)
            weights.hole(f"{prefix}{name}.bias", shape[0])
