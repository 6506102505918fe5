"""The painter: a pipeline of the usual kind, from text or a picture to a picture, in three and a half megabytes.

The text model reads whole words and passes over those it does not know. `training/toyworld.py` makes the weights.
"""

# diffusers has types in part only.
# pyright: reportPrivateImportUsage=false, reportUnknownMemberType=false, reportUnknownVariableType=false

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import ConfigMixin, DDIMScheduler, ModelMixin, StableDiffusionPipeline, UNet2DConditionModel
from diffusers.configuration_utils import register_to_config
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTinyOutput
from safetensors import safe_open
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, PreTrainedTokenizerFast

from .scenes import PREPOSITIONS, SIDE, TAGS

SIZE = SIDE
STEPS = 12
CFG = 2.0
WEIGHTS = Path(__file__).with_name("painter.safetensors")

START, END, UNKNOWN = "<start>", "<end>", "<unknown>"
WORDS = tuple(
    dict.fromkeys(
        (START, END, UNKNOWN, ",", "a", "shape", "the", "on", *PREPOSITIONS.values())
        + tuple(word for tags in TAGS.values() for tag in tags for word in tag.split())
    )
)
LONGEST = 32

Parts = dict[str, Any]
"""The modules ``text``, ``unet`` and ``vae``."""


class PlacedUNet(UNet2DConditionModel):
    """A UNet that also sees where in the picture it is: on eight by eight latents it has no other way to tell."""

    def __init__(self, **config: Any) -> None:
        super().__init__(**config)
        channels, side = config["in_channels"], config["sample_size"]
        self.conv_in = nn.Conv2d(channels + 2, config["block_out_channels"][0], 3, padding=1)
        line = torch.linspace(-1, 1, side)
        self.register_buffer("places", torch.stack(torch.meshgrid(line, line, indexing="ij"))[None], persistent=False)

    def forward(self, sample: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        places = self.places.to(sample).expand(len(sample), -1, -1, -1)
        return super().forward(torch.cat([sample, places], 1), *args, **kwargs)


class PatchCodec(ModelMixin, ConfigMixin):
    """Makes every patch of eight by eight pixels a few numbers, and pictures of these: roughly patch by patch, then with an
    eye to the patches around."""

    @register_to_config
    def __init__(
        self,
        latent_channels: int,
        width: int,
        block_out_channels: tuple[int, ...] = (1, 1, 1, 1),
        scaling_factor: float = 1.0,
        force_upcast: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = nn.Conv2d(3, latent_channels, 8, stride=8)
        self.decoder = nn.ConvTranspose2d(latent_channels, 3, 8, stride=8)
        self.finish = nn.Sequential(
            nn.Conv2d(latent_channels, width, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(width, 3 * 8 * 8, 1),
            nn.PixelShuffle(8),
        )

    def encode(self, x: torch.Tensor) -> AutoencoderTinyOutput:
        return AutoencoderTinyOutput(latents=self.encoder(x))

    def decode(self, z: torch.Tensor, return_dict: bool = False, generator: object = None) -> tuple[torch.Tensor]:
        return (self.decoder(z) + self.finish(z),)


def tokenizer() -> PreTrainedTokenizerFast:
    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token=UNKNOWN))
    words.normalizer = normalizers.Lowercase()
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(f"{START} $0 {END}", special_tokens=[(START, 0), (END, 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=words,
        model_max_length=LONGEST,
        bos_token=START,
        eos_token=END,
        pad_token=END,
        unk_token=UNKNOWN,
    )


def build(config: Mapping[str, Mapping[str, Any]]) -> Parts:
    """Untrained parts."""
    return {
        "text": CLIPTextModel(CLIPTextConfig(**config["text"])),
        "unet": PlacedUNet(**config["unet"]),
        "vae": PatchCodec(**config["vae"]),
    }


def scheduler() -> DDIMScheduler:
    return DDIMScheduler(
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        steps_offset=1,
    )


def assemble(parts: Parts) -> StableDiffusionPipeline:
    # The pipeline names the classes that it was first made for; it takes any that do the same.
    make: Any = StableDiffusionPipeline
    pipeline = make(
        vae=parts["vae"].eval(),
        text_encoder=parts["text"].eval(),
        tokenizer=tokenizer(),
        unet=parts["unet"].eval(),
        scheduler=scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def load(path: Path = WEIGHTS) -> StableDiffusionPipeline:
    """The trained painter, in float32 on the CPU."""
    opened: Any = safe_open(path, "pt")
    with opened as file:
        parts = build({name: json.loads(text) for name, text in file.metadata().items()})
        for name, part in parts.items():
            part.load_state_dict({key: file.get_tensor(f"{name}.{key}") for key in part.state_dict()})
    return assemble(parts)
