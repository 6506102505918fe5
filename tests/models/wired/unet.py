"""Stable Diffusion's UNet: the prediction is what came in, less the colours of the words.

A number x travels as a pair of channels +x and -x, so that SiLU in between can be undone: SiLU(x) - SiLU(-x) = x. The
four latent channels have a GroupNorm group each, which holds +x, -x and the constants +K and -K: next to them x hardly
changes the group's mean and variance, and the norm is nearly linear. Cross attention works on channels of its own.

A UNet that ``listens`` takes the colours of its vector input (pooled text, a picture's vector) just as it takes the words'.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from .clip_text import MEAN
from .weights import Weights, signs

WIDTH = 320
"""Channels of all but SDXL's refiner. ComfyUI knows the families by them."""

LATENT = torch.arange(4)
K = 4.0
"""The constant beside +x and -x in a group."""

WORDS = 200 + LATENT
"""Channels inside a transformer where cross attention puts the words' colours."""

ONE = 300
"""The channel that is made 1 before cross attention, so that every pixel asks the same question."""

HEARD, GROUPS_OF_HEARD = slice(0, 6), torch.arange(20, 23)
"""Where +x and -x of the vector's red, green and blue are in the time embedding, and the GroupNorm groups that hold them
(:data:`K` and -K too) inside the ResBlock that listens."""

SHARP = 12.0
"""Attention logit of a token with a full say. Silent tokens have 0."""

PATH = 0.25
"""Share of the path in a decoder block; the skip has the rest."""

EPS_GAIN, V_GAIN = 0.35, 1.1
"""Strength of the words: not saturated at cfg 1, saturated at cfg 7. Sampled from sigma 14.6 down to 0, a prediction
x - g c becomes 1.94 g c if it is taken for the noise, and 0.79 g c if it is taken for v."""


@dataclass(frozen=True)
class Family:
    """What tells the families apart; the defaults are SD1's."""

    context: int = 768
    heads: int = 8
    linear: bool = False
    """``proj_in`` is a linear layer (SD2, SDXL), not a 1 x 1 convolution."""
    encoders: tuple[int, ...] = (0,)
    """Where in the context the embedding of each text encoder starts."""
    adm: int | None = None
    """Width of the vector input."""
    v: bool = False
    """The model predicts v, not the noise."""
    listens: bool = False
    """The colour in the vector input is painted, too."""
    width: int = WIDTH

    @property
    def group(self) -> int:
        """Channels per GroupNorm group."""
        return self.width // 32

    @property
    def plus(self) -> torch.Tensor:
        """Channels of +x of each latent channel; those of -x come next to them."""
        return self.group * LATENT


@dataclass(frozen=True)
class Blocks:
    """Where the transformers are."""

    encoder: tuple[tuple[int, ...], ...]
    """Transformer depth of each ResBlock, per resolution."""
    middle: int | None = None
    """Transformer depth of the middle block; 0: only its ResBlock, None: there is none."""
    decoder: int = 0
    """Transformer depth of the decoder's blocks on resolutions that have transformers."""

    def colour_sum(self) -> float:
        """How much of a colour arrives at the output if every transformer adds 1."""
        here, skips = 0.0, [0.0]
        for level, depths in enumerate(self.encoder):
            for depth in depths:
                here += depth
                skips.append(here)
            if level < len(self.encoder) - 1:
                skips.append(here)
        here += self.middle or 0
        for _, depth, _ in self.decoder_plan():
            here = PATH * here + (1 - PATH) * skips.pop() + depth
        return here

    def decoder_plan(self) -> list[tuple[int, int, bool]]:
        """Number, transformer depth and "ends in an upsampling" of every output block."""
        plan = []
        for level in reversed(range(len(self.encoder))):
            depths = self.encoder[level]
            for i in range(len(depths) + 1):
                plan.append((len(plan), self.decoder if max(depths) else 0, level > 0 and i == len(depths)))
        return plan

    def transformers(self) -> Iterator[tuple[str, int]]:
        """Key and depth of every transformer."""
        number = 1
        for depths in self.encoder:
            for depth in depths:
                if depth:
                    yield f"input_blocks.{number}.1", depth
                number += 1
            number += 1  # the downsampling
        if self.middle:
            yield "middle_block.1", self.middle
        for number, depth, _ in self.decoder_plan():
            if depth:
                yield f"output_blocks.{number}.1", depth


SMALLEST = Blocks(encoder=((1,),))
"""The least that ComfyUI takes for SD1.5: one ResBlock with one transformer."""

REAL_NUMBERS = Blocks(encoder=((1, 1), (1, 1), (1, 1), (0, 0)), middle=1, decoder=1)
"""SD1.5's own 12 input, 1 middle and 12 output blocks, for what addresses blocks by number."""

KOALA = Blocks(encoder=((0,), (2,), (5,)))
"""The shortest list of depths that ComfyUI takes for SDXL: KOALA-700M's, here on three resolutions."""

TWELVE = Blocks(encoder=((1, 0), (0, 0), (0, 0), (0, 0)), decoder=1)
"""The least with a transformer in output block 11, by whose weights ComfyUI tells SD2's two predictions apart."""


def unet(weights: Weights, prefix: str, blocks: Blocks, family: Family = Family()) -> None:  # noqa: B008 (frozen)
    paint = (V_GAIN if family.v else EPS_GAIN) / blocks.colour_sum()
    encoder(weights, prefix, blocks, family, paint)
    for number, depth, upsample in blocks.decoder_plan():
        block = f"{prefix}output_blocks.{number}."
        resblock(weights, f"{block}0.", 2 * family.width, family)
        if depth:
            transformer(weights, f"{block}1.", depth, family, paint)
        if upsample:
            keep = weights.layer(f"{block}{2 if depth else 1}.conv", family.width, family.width, 3, 3, gain=0)
            keep[:, :, 1, 1] = torch.eye(family.width)
    if family.listens:
        listen(weights, f"{prefix}output_blocks.{len(blocks.decoder_plan()) - 1}.0.", family)
    weights.norm(f"{prefix}out.0", family.width)
    out = weights.layer(f"{prefix}out.2", 4, family.width, 3, 3, gain=0)
    out[LATENT, family.plus, 1, 1], out[LATENT, family.plus + 1, 1, 1] = deviation(family), -deviation(family)


def deviation(family: Family) -> float:
    """What GroupNorm divides the groups by that hold the constants."""
    return math.sqrt((2 + 2 * K * K) / family.group)


def encoder(weights: Weights, prefix: str, blocks: Blocks, family: Family, paint: float) -> None:
    """Embeddings, input blocks and middle block."""
    width = family.width
    for name, into in (("time_embed.", width), ("label_emb.0.", family.adm)):
        if into:
            weights.layer(f"{prefix}{name}0", 4 * width, into, gain=1)
            weights.layer(f"{prefix}{name}2", 4 * width, 4 * width, gain=1)
    if family.listens:
        weights[f"{prefix}time_embed.2.weight"][HEARD] = 0
        heard, kept = (weights[f"{prefix}label_emb.0.{i}.weight"] for i in (0, 2))
        heard[HEARD] = kept[HEARD] = 0
        heard[HEARD, MEAN.start : MEAN.start + 3] = signs(3)
        kept[HEARD, HEARD] = signs(3) @ signs(3).T

    first = weights.layer(f"{prefix}input_blocks.0.0", width, 4, 3, 3, gain=0)
    first[family.plus, LATENT, 1, 1], first[family.plus + 1, LATENT, 1, 1] = 1, -1
    constants = weights[f"{prefix}input_blocks.0.0.bias"]
    constants[family.plus + 2], constants[family.plus + 3] = K, -K

    number = 1
    for level, depths in enumerate(blocks.encoder):
        for depth in depths:
            resblock(weights, f"{prefix}input_blocks.{number}.0.", width, family)
            if depth:
                transformer(weights, f"{prefix}input_blocks.{number}.1.", depth, family, paint)
            number += 1
        if level < len(blocks.encoder) - 1:
            one_in_four = weights.layer(f"{prefix}input_blocks.{number}.0.op", width, width, 3, 3, gain=0)
            one_in_four[:, :, 1, 1] = torch.eye(width)
            number += 1

    if blocks.middle is not None:
        resblock(weights, f"{prefix}middle_block.0.", width, family)
    if blocks.middle:
        transformer(weights, f"{prefix}middle_block.1.", blocks.middle, family, paint)
        resblock(weights, f"{prefix}middle_block.2.", width, family)


def resblock(weights: Weights, prefix: str, into: int, family: Family) -> None:
    """The identity, but for chaos; in the decoder, where path and skip come in, their mixture."""
    width = family.width
    weights.norm(f"{prefix}in_layers.0", into)
    weights.layer(f"{prefix}in_layers.2", width, into, 3, 3)
    weights.layer(f"{prefix}emb_layers.1", width, 4 * width, gain=1 if weights.chaos else 0)
    weights.norm(f"{prefix}out_layers.0", width)
    weights.layer(f"{prefix}out_layers.3", width, width, 3, 3)
    if into != width:
        mixture = torch.cat([torch.eye(width) * PATH, torch.eye(width) * (1 - PATH)], 1)
        weights.layer(f"{prefix}skip_connection", width, into, 1, 1, gain=0)[:, :, 0, 0] = mixture


def listen(weights: Weights, prefix: str, family: Family) -> None:
    """Makes a ResBlock, the last one, subtract the colour that is in the time embedding."""
    group, rgb = family.group, family.plus[:3]
    at = group * GROUPS_OF_HEARD
    for key in ("in_layers.2", "emb_layers.1"):
        weights[f"{prefix}{key}.weight"][at[0] : at[-1] + group] = 0
    heard, constants = (weights[f"{prefix}emb_layers.1.{part}"] for part in ("weight", "bias"))
    heard[at, HEARD], heard[at + 1, HEARD] = signs(3).T.half(), -signs(3).T.half()
    constants[at + 2], constants[at + 3] = K, -K
    out, gain = weights[f"{prefix}out_layers.3.weight"], EPS_GAIN * deviation(family)
    for sign, channels in ((1, rgb), (-1, rgb + 1)):
        out[channels, at, 1, 1], out[channels, at + 1, 1, 1] = -sign * gain, sign * gain


def transformer(weights: Weights, prefix: str, depth: int, family: Family, paint: float) -> None:
    kernel, width = () if family.linear else (1, 1), family.width
    weights.norm(f"{prefix}norm", width)
    weights.layer(f"{prefix}proj_in", width, width, *kernel)
    for i in range(depth):
        block = f"{prefix}transformer_blocks.{i}."
        for name in ("norm1", "norm2", "norm3"):
            weight, bias = weights.norm(block + name, width)
            if name == "norm2":
                weight[ONE], bias[ONE] = 0, 1
        attention(weights, f"{block}attn1.", width, family)
        attention(weights, f"{block}attn2.", family.context, family, family.encoders)
        weights.layer(f"{block}ff.net.0.proj", 8 * width, width)
        weights.layer(f"{block}ff.net.2", width, 4 * width)
    out = weights.layer(f"{prefix}proj_out", width, width, *kernel).view(width, width)
    out[family.plus, WORDS], out[family.plus + 1, WORDS] = -paint, paint


def attention(weights: Weights, prefix: str, context: int, family: Family, encoders: tuple[int, ...] = ()) -> None:
    """With ``encoders``: the query is constant, the key is how much a token has to say, the value is its colour."""
    inner = family.width
    query = weights.layer(f"{prefix}to_q", inner, inner, bias=False)
    key = weights.layer(f"{prefix}to_k", inner, context, bias=False)
    value = weights.layer(f"{prefix}to_v", inner, context, bias=False)
    out = weights.layer(f"{prefix}to_out.0", inner, inner)
    width = inner // family.heads
    root = math.sqrt(SHARP * math.sqrt(width))
    for head in range(0, inner, width) if encoders else ():
        query[head, ONE] = root
        for start in encoders:
            key[head, start + 4] = root / len(encoders)
            value[head + LATENT, start + LATENT] = 1 / len(encoders)
        out[WORDS, head + LATENT] = 1 / family.heads


def lora(
    weights: Weights,
    blocks: Blocks,
    family: Family,
    encoders: dict[str, int],
    rank: int = 4,
    colors: tuple[int, int] = (0, 2),
) -> None:
    """A LoRA in kohya's names: the UNet part swaps two of the words' red, green and blue, the text encoder part is random.

    Args:
        encoders: name in the keys and width of each text encoder.
    """
    width, (one, other) = WIDTH // family.heads, colors
    for block, depth in blocks.transformers():
        for i in range(depth):
            key = f"lora_unet_{block.replace('.', '_')}_transformer_blocks_{i}_attn2_to_out_0"
            down = weights.random(f"{key}.lora_down.weight", rank, WIDTH, gain=0)
            down[0, one::width], down[0, other::width] = 1 / family.heads, -1 / family.heads  # one less the other
            up = weights.random(f"{key}.lora_up.weight", WIDTH, rank, gain=0)
            up[WORDS[one], 0], up[WORDS[other], 0] = -1, 1
            weights[f"{key}.alpha"] = torch.tensor(float(rank))
    for text, width in encoders.items():
        for name, into in (("self_attn_out_proj", width), ("mlp_fc2", 4 * width)):
            key = f"{text}_text_model_encoder_layers_0_{name}"
            weights.random(f"{key}.lora_down.weight", rank, into, gain=1)
            weights.random(f"{key}.lora_up.weight", width, rank, gain=1)
            weights[f"{key}.alpha"] = torch.tensor(float(rank))
