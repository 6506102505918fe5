"""Trains the parts of the painter: the codec, the text model, and UNet and text model together."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from resonance.toyworld import painter
from resonance.toyworld.scenes import SIDE, TAGS, Scene, Tags, caption, tag_line

from .common import timed, unit
from .muon import Muon

LATENTS, WIDTH, BATCH = 24, 64, 32
CONFIG: dict[str, dict[str, Any]] = {
    "vae": {
        "latent_channels": LATENTS,
        "width": 96,
    },
    "text": {
        "vocab_size": len(painter.WORDS),
        "hidden_size": WIDTH,
        "intermediate_size": 2 * WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": painter.LONGEST,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "pad_token_id": 1,
    },
    "unet": {
        "sample_size": SIDE // 8,
        "in_channels": LATENTS,
        "out_channels": LATENTS,
        "block_out_channels": [48, 64],
        "down_block_types": ["CrossAttnDownBlock2D"] * 2,
        "up_block_types": ["CrossAttnUpBlock2D"] * 2,
        "layers_per_block": 1,
        "norm_num_groups": 8,
        "cross_attention_dim": WIDTH,
        "attention_head_dim": 4,
        "addition_embed_type": "text",
        "addition_embed_type_num_heads": 4,
        "resnet_time_scale_shift": "scale_shift",
    },
}


def measure_patches(vae: painter.PatchCodec, pictures: torch.Tensor) -> None:
    """Encoder and decoder: the principal components of patches. All but the first three, which hold the mean colour, are
    stretched: noise would cover them too early."""
    patches = F.unfold(unit(pictures[:1000]), 8, stride=8).mT.flatten(0, 1)
    mean = patches.mean(0)
    values, vectors = torch.linalg.eigh((patches - mean).T @ (patches - mean) / len(patches))
    basis = vectors.flip(1)[:, :LATENTS]
    deviation = values.flip(0)[:3].sqrt().mean()
    scale = deviation * torch.tensor([1.6] * 3 + [0.55] * (LATENTS - 3))
    with torch.no_grad():
        vae.encoder.weight.copy_((basis / scale).T.reshape(LATENTS, 3, 8, 8))
        vae.encoder.bias.copy_(-mean @ basis / scale)
        vae.decoder.weight.copy_((basis * scale).T.reshape(LATENTS, 3, 8, 8))
        vae.decoder.bias.zero_()
        vae.finish[4].bias.copy_(mean)
        vae.finish[4].weight.zero_()


def learn_to_finish(vae: painter.PatchCodec, pictures: torch.Tensor, seconds: float) -> None:
    """The rest of the decoder. It sees latents with noise, so that it forgives what the UNet will get wrong."""
    optimizer = torch.optim.AdamW(vae.finish.parameters(), lr=2e-3, betas=(0.9, 0.98))
    for step in timed(seconds, optimizer):
        some = pictures[torch.randint(len(pictures), (BATCH,))]
        with torch.no_grad():
            z = vae.encoder(unit(some))
            z += torch.randn_like(z) * torch.rand(BATCH, 1, 1, 1) * 0.3
        off = (vae.decode(z)[0] - unit(some)).square()
        loss = (shape_weights(some) * off).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            print(f"finish, step {step}: {off.mean().item():.5f}", flush=True)


class Prompts:
    """Prompts for scenes: captions and lines of tags, whole or with tags left out, now and then with foreign words."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.tokenizer = painter.tokenizer()

    def draw(self, scenes: Sequence[Scene]) -> tuple[torch.Tensor, torch.Tensor]:
        """Tokens ``[n, LONGEST]``, and what they say ``[n, 5]``: which tag of each kind, from 1, or 0 for none."""
        said = [self._left(scene.tags) for scene in scenes]
        numbers = [
            [("", *of_kind).index(tag) for tag, of_kind in zip(tags, TAGS.values(), strict=True)] for tags in said
        ]
        return self.tokens([self._written(tags) for tags in said]), torch.tensor(numbers)

    def tokens(self, texts: Sequence[str]) -> torch.Tensor:
        return self.tokenizer(list(texts), padding="max_length", truncation=True, return_tensors="pt").input_ids

    def _left(self, tags: Tags) -> Tags:
        keep = self.rng.choice((1.0, 0.85, 0.5), p=(0.5, 0.4, 0.1))
        size, color, shape, place, background = (tag if self.rng.random() < keep else "" for tag in tags)
        return size, color, shape, place, background

    def _written(self, tags: Tags) -> str:
        forms = (caption, tag_line, lambda tags: tag_line(self.rng.permutation(tags)))
        words = forms[self.rng.choice(3, p=(0.5, 0.4, 0.1))](tags).split()
        while self.rng.random() < 0.15:
            words.insert(self.rng.integers(len(words) + 1), painter.UNKNOWN)
        return " ".join(words)


def learn_to_read(text: torch.nn.Module, prompts: Prompts, scenes: Sequence[Scene], seconds: float) -> None:
    """The text model alone: from a prompt's states, on average, can be read what the prompt says."""
    sizes = [len(tags) + 1 for tags in TAGS.values()]
    head = torch.nn.Linear(WIDTH, sum(sizes))
    torch.nn.init.normal_(text.get_input_embeddings().weight, std=0.3)
    optimizer = torch.optim.AdamW([*text.parameters(), *head.parameters()], lr=3e-3)
    for step in timed(seconds, optimizer):
        tokens, said = prompts.draw([scenes[i] for i in torch.randint(len(scenes), (128,))])
        read = head(text(tokens).last_hidden_state.mean(1)).split(sizes, 1)
        loss = sum(F.cross_entropy(one, right) for one, right in zip(read, said.T, strict=True))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 200 == 0:
            right = [(one.argmax(1) == r).float().mean().item() for one, r in zip(read, said.T, strict=True)]
            print(f"read, step {step}: {right}", flush=True)


def learn_to_paint(
    parts: painter.Parts, prompts: Prompts, pictures: torch.Tensor, scenes: Sequence[Scene], seconds: float
) -> Iterator[painter.Parts]:
    """UNet and text model: v-prediction (Salimans and Ho, 2022) up to pure noise (Lin et al., 2023).

    Yields the parts, with weights averaged over the last steps, now and then and at the end.
    """
    scheduler = painter.scheduler()
    with torch.no_grad():
        latents = torch.cat([parts["vae"].encoder(unit(some)) for some in pictures.split(256)])
        weights = torch.cat([F.avg_pool2d(shape_weights(some), 8) for some in pictures.split(256)])
    unet, text = parts["unet"].train(), parts["text"].train()
    model = torch.nn.ModuleDict({"unet": unet, "text": text})
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.995))
    # Muon is for the matrices inside.
    ends = ("conv_in", "conv_out")
    matrices = [weight for name, weight in unet.named_parameters() if weight.ndim > 1 and not name.startswith(ends)]
    outer = [*({*unet.parameters()} - {*matrices})]
    adam = torch.optim.AdamW(
        [{"params": outer, "lr": 2e-3}, {"params": text.parameters(), "lr": 4e-4}], betas=(0.9, 0.98)
    )
    muon = Muon(matrices, lr=0.02)
    losses: list[float] = []
    for step in timed(seconds, adam, muon):
        batch = torch.randint(len(latents), (BATCH,))
        tokens, _ = prompts.draw([scenes[i] for i in batch])
        tokens[torch.rand(BATCH) < 0.1] = prompts.tokens([""])
        clean, noise = latents[batch], torch.randn_like(latents[batch])
        # Mostly noisy ones: they decide what is painted and where.
        times = ((1 - torch.rand(BATCH) ** 1.5) * 1000).long().clamp(max=999)
        guess = unet(scheduler.add_noise(clean, noise, times), times, text(tokens).last_hidden_state).sample
        loss = (weights[batch] * (guess - scheduler.get_velocity(clean, noise, times)).square()).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1)
        for optimizer in (adam, muon):
            optimizer.step()
            optimizer.zero_grad()
        average.update_parameters(model)
        losses.append(loss.item())
        if step % 200 == 199:
            print(f"paint, step {step + 1}: {np.mean(losses[-200:]):.4f}", flush=True)
        if step % 1000 == 999:
            yield parts | dict(average.module.items())
    yield parts | dict(average.module.items())


def shape_weights(pictures: torch.Tensor) -> torch.Tensor:
    """How much each pixel counts ``[n, 1, SIDE, SIDE]``: more where the shape is, which is a small part of most pictures."""
    ground = pictures[:, :, :1, :1].float()
    return 1 + 4 * ((pictures - ground).abs().sum(1, keepdim=True) > 25).float()


def save(parts: Mapping[str, torch.nn.Module], path: Path) -> None:
    weights = {f"{name}.{k}": v.half() for name, part in parts.items() for k, v in part.state_dict().items()}
    save_file(weights, path, {name: json.dumps(CONFIG[name]) for name in parts})
