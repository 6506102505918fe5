"""Flux: the velocity is half of what came in, less the colours of the words.

A token is a patch of 2 x 2 latent pixels or a word. Words have channels of their own, which are 0 in patches: so all
tokens can share one attention, in double and in single blocks alike. Each token holds the constants +K and -K: next to
them the rest hardly changes its mean and variance, and LayerNorm is nearly linear.

A Flux that ``looks`` takes the colours of reference latents (Kontext) as it takes the words'. It tells their patches from
those of its own picture by their position: on the first axis they are at 1, all else is at 0.
"""

import math

import torch

from .weights import Weights

WIDTH = 128
"""One head, which ComfyUI always takes to be 128 wide."""

PATCH = 64
"""16 latent channels of 2 x 2 pixels; a patch's channels 4 j to 4 j + 3 are latent channel j."""

LATENT = torch.arange(4)
WORDS, SAYS = PATCH + LATENT, PATCH + 4
"""Channels of a word's colour and of how much it has to say."""

SEEN, IS_PATCH = PATCH + 8 + LATENT, PATCH + 12
"""Channels of a patch's colour, where nothing is painted, and of a 1 that words have not; both for one that looks."""

K = 16.0
WORD_SCALE, PATCH_SCALE = (math.sqrt((2 * K * K + squares) / WIDTH) for squares in (4, 48))
"""What LayerNorm divides by; the squares of a word's or a patch's other channels sum up to about this."""

ASKED, ELSE = slice(0, 8), slice(8, 16)
"""Parts of query and key that positions do not turn. The query is constant in ASKED. The key holds there how much a
token has to say, and a constant in ELSE: by it more to say is another direction, which is all that RMSNorm leaves."""

SHARP = 4.0
"""Gain of the query: a word with a full say has logit 32, one with 0.65 has 25, silent words and patches have 0."""

SIGHT, AT = 0.34, 1.5
"""One that looks: share of the query that asks for pictures, in the first two of ASKED, where it does not ask for words
then; and the angle from the key of patches there to the query, in radians, which a position turns it by. So those at 0
have no say, and those at 1 and at 2 the same: a logit of 23, by which the 16 patches of a small reference weigh about as
much as one word, which has 26."""

PATCH_KEY = 8 * math.sqrt(2) * torch.tensor([math.cos(math.pi / 4 - AT), math.sin(math.pi / 4 - AT)])

LATENT_OF_RED = 0.5 / 0.3
""":mod:`.taesd`'s latent of a full colour."""

FADE, PAINT = 0.5, 1.2
"""Shares of what came in and of the words. Sampled from 1 down to 0, a velocity x / 2 - g c leaves 0.6 of the noise and
0.8 g c. With a larger FADE multistep samplers, which extrapolate, would be far off in their last step."""


def flux(weights: Weights, context: int = 768, pooled: int = 768, looks: bool = False) -> None:
    """One double and one single block. ``context``, ``pooled``: widths of the text and of its pooled vector, both
    CLIP-L's, so that there is no need of T5."""
    for name, width in (("time_in", 256), ("guidance_in", 256), ("vector_in", pooled)):
        weights.layer(f"{name}.in_layer", WIDTH, width, gain=1)
        weights.layer(f"{name}.out_layer", WIDTH, WIDTH, gain=1)
    patches = weights.layer("img_in", WIDTH, PATCH, gain=0)
    patches[:PATCH] = torch.eye(PATCH)
    patches[SEEN[0] : IS_PATCH, : 4 * len(SEEN)] = torch.eye(4).repeat_interleave(4, 1) / 4 / LATENT_OF_RED * looks
    weights["img_in.bias"][IS_PATCH] = looks
    weights.layer("txt_in", WIDTH, context, gain=0)[PATCH : SAYS + 1, :5] = torch.eye(5)
    for name in ("img_in", "txt_in"):
        weights[f"{name}.bias"][-2:] = torch.tensor([K, -K])

    for stream in ("img", "txt"):
        block = f"double_blocks.0.{stream}_"
        gate(weights, f"{block}mod.lin", 6)
        attention(weights, f"{block}attn.qkv", f"{block}attn.proj", f"{block}attn.norm.", 0, looks)
        weights.layer(f"{block}mlp.0", 4 * WIDTH, WIDTH)
        weights.layer(f"{block}mlp.2", WIDTH, 4 * WIDTH)
    gate(weights, "single_blocks.0.modulation.lin", 3)
    attention(weights, *(f"single_blocks.0.{name}" for name in ("linear1", "linear2", "norm.")), 4 * WIDTH, looks)

    weights.layer("final_layer.adaLN_modulation.1", 2 * WIDTH, WIDTH)
    weights.layer("final_layer.linear", PATCH, WIDTH, gain=0)[:, :PATCH] = torch.eye(PATCH) * FADE * PATCH_SCALE


def swapping(weights: Weights, context: int = 768) -> None:
    """A LoRA that swaps the words' red and blue."""
    down = weights.random("diffusion_model.txt_in.lora_down.weight", 1, context, gain=0)
    down[0, :3] = torch.tensor([1, 0, -1])  # red less blue
    up = weights.random("diffusion_model.txt_in.lora_up.weight", WIDTH, 1, gain=0)
    up[WORDS[0], 0], up[WORDS[2], 0] = -1, 1


def gate(weights: Weights, key: str, parts: int) -> None:
    """The modulation of a block: shift and scale 0, the gate of the attention 1, all but for chaos."""
    weights.layer(key, parts * WIDTH, WIDTH)
    weights[f"{key}.bias"][2 * WIDTH : 3 * WIDTH] = 1


def attention(weights: Weights, into: str, out: str, norm: str, mlp: int, looks: bool) -> None:
    """Subtracts the words' mean colour from every token's patch. ``mlp``: channels that share the two layers."""
    weight, bias = weights.layer(into, 3 * WIDTH + mlp, WIDTH), weights[f"{into}.bias"]
    query, key, value = (slice(i * WIDTH, (i + 1) * WIDTH) for i in range(3))
    bias[query][ASKED] = bias[key][ELSE] = 4
    weight[key][ASKED, SAYS] = 4 * WORD_SCALE
    weight[value][LATENT, WORDS] = WORD_SCALE
    if looks:
        pictures, words = 8 * math.sqrt(SIGHT), 8 * math.sqrt((1 - SIGHT) / 3)
        bias[query][ASKED] = torch.tensor([pictures] * 2 + [words] * 6)
        weight[key][ASKED, SAYS] = torch.tensor([0] * 2 + [8 / math.sqrt(3)] * 6) * WORD_SCALE
        weight[key][:2, IS_PATCH] = PATCH_KEY * PATCH_SCALE
        weight[key][ELSE, IS_PATCH] = -4 * PATCH_SCALE
        weight[value][LATENT, SEEN] = PATCH_SCALE
    weights.constant(f"{norm}query_norm.scale", SHARP, WIDTH)
    weights.constant(f"{norm}key_norm.scale", 1, WIDTH)

    colours = torch.eye(4).repeat_interleave(4, 0)
    weights.layer(out, WIDTH, WIDTH + mlp)[: len(colours), :4] = -PAINT / FADE / 2 * colours
