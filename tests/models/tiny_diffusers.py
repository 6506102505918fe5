"""Tiny models in diffusers' own form, with random weights: they paint noise, but load and run like real ones."""

import json
import re
from pathlib import Path
from typing import Any

import torch

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789,.:()-"
SIDE = 64


def stable_diffusion(folder: Path, seed: int = 0) -> Path:
    """Writes a Stable Diffusion for pictures of 64 x 64 into ``folder``. It has a safety checker's place, empty."""
    from diffusers import DDIMScheduler, StableDiffusionPipeline

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        pipeline = StableDiffusionPipeline(
            vae=vae(),
            text_encoder=text_encoder(),
            tokenizer=tokenizer(folder / "letters"),
            unet=unet(),
            scheduler=DDIMScheduler(beta_schedule="scaled_linear", clip_sample=False, timestep_spacing="trailing"),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
    pipeline.save_pretrained(folder)
    return folder


def stable_diffusion_xl(folder: Path, seed: int = 0) -> Path:
    """The same of the XL family: two text encoders, and a size among the conditions."""
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

    words = tokenizer(folder / "letters")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        pipeline = StableDiffusionXLPipeline(
            vae=vae(),
            text_encoder=text_encoder(),
            text_encoder_2=text_encoder(projected=True),
            tokenizer=words,
            tokenizer_2=words,
            unet=unet(
                cross_attention_dim=32,
                addition_embed_type="text_time",
                addition_time_embed_dim=4,
                projection_class_embeddings_input_dim=16 + 6 * 4,
            ),
            scheduler=EulerDiscreteScheduler(beta_schedule="scaled_linear"),
            add_watermarker=False,
        )
    pipeline.save_pretrained(folder)
    return folder


def unet(**more: Any) -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        **{
            "sample_size": SIDE // 8,
            "block_out_channels": (8, 16),
            "layers_per_block": 1,
            "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
            "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
            "cross_attention_dim": 16,
            "attention_head_dim": 4,
            "norm_num_groups": 4,
            **more,
        }
    )


def vae() -> Any:
    from diffusers import AutoencoderKL

    blocks = 4
    return AutoencoderKL(
        block_out_channels=(4,) * blocks,
        down_block_types=("DownEncoderBlock2D",) * blocks,
        up_block_types=("UpDecoderBlock2D",) * blocks,
        latent_channels=4,
        norm_num_groups=2,
        sample_size=SIDE,
    )


def text_encoder(projected: bool = False) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    words = len(vocabulary())
    config = CLIPTextConfig(
        vocab_size=words,
        hidden_size=16,
        intermediate_size=32,
        num_attention_heads=2,
        num_hidden_layers=2,
        projection_dim=16,
        bos_token_id=words - 2,
        eos_token_id=words - 1,
        pad_token_id=words - 1,
    )
    return (CLIPTextModelWithProjection if projected else CLIPTextModel)(config).eval()


def vocabulary() -> dict[str, int]:
    """Every letter is a token, inside a word and at its end."""
    letters = [*LETTERS, *(f"{letter}</w>" for letter in LETTERS), "<|startoftext|>", "<|endoftext|>"]
    return {letter: number for number, letter in enumerate(letters)}


def tokenizer(folder: Path) -> Any:
    from transformers import CLIPTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocabulary()))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=77)


def lora(path: Path) -> None:
    """A LoRA for :func:`stable_diffusion` that changes one layer of the UNet and one of the text encoder much."""
    from safetensors.torch import save_file

    layers = {
        "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_v": (8, 16),
        "text_encoder.text_model.encoder.layers.0.self_attn.v_proj": (16, 16),
    }
    random = torch.Generator().manual_seed(0)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(
        {
            f"{layer}.lora_{part}.weight": torch.randn(shape, generator=random)
            for layer, (out, into) in layers.items()
            for part, shape in {"A": (2, into), "B": (out, 2)}.items()
        },
        path,
    )


# diffusers' name -> the one that Stable Diffusion's own code has, for two levels of one layer each.
UNET = (
    (r"time_embedding\.linear_(\d)", lambda m: f"time_embed.{2 * int(m[1]) - 2}"),
    (r"conv_in", "input_blocks.0.0"),
    (r"conv_norm_out", "out.0"),
    (r"conv_out", "out.2"),
    (r"down_blocks\.(\d)\.resnets\.0", lambda m: f"input_blocks.{1 + 2 * int(m[1])}.0"),
    (r"down_blocks\.(\d)\.attentions\.0", lambda m: f"input_blocks.{1 + 2 * int(m[1])}.1"),
    (r"down_blocks\.(\d)\.downsamplers\.0\.conv", lambda m: f"input_blocks.{2 + 2 * int(m[1])}.0.op"),
    (r"mid_block\.resnets\.(\d)", lambda m: f"middle_block.{2 * int(m[1])}"),
    (r"mid_block\.attentions\.0", "middle_block.1"),
    (r"up_blocks\.(\d)\.resnets\.(\d)", lambda m: f"output_blocks.{2 * int(m[1]) + int(m[2])}.0"),
    (r"up_blocks\.(\d)\.attentions\.(\d)", lambda m: f"output_blocks.{2 * int(m[1]) + int(m[2])}.1"),
    (r"up_blocks\.0\.upsamplers\.0", "output_blocks.1.1"),
    (r"norm1\.(\w+)$", r"in_layers.0.\1"),
    (r"conv1", "in_layers.2"),
    (r"time_emb_proj", "emb_layers.1"),
    (r"norm2\.(\w+)$", r"out_layers.0.\1"),
    (r"conv2", "out_layers.3"),
    (r"conv_shortcut", "skip_connection"),
)
VAE = (
    (r"encoder\.down_blocks\.(\d)\.resnets\.(\d)", r"encoder.down.\1.block.\2"),
    (r"encoder\.down_blocks\.(\d)\.downsamplers\.0", r"encoder.down.\1.downsample"),
    (r"decoder\.up_blocks\.(\d)\.resnets\.(\d)", lambda m: f"decoder.up.{3 - int(m[1])}.block.{m[2]}"),
    (r"decoder\.up_blocks\.(\d)\.upsamplers\.0", lambda m: f"decoder.up.{3 - int(m[1])}.upsample"),
    (r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}"),
    (r"mid_block\.attentions\.0\.group_norm", "mid.attn_1.norm"),
    (r"mid_block\.attentions\.0\.to_out\.0", "mid.attn_1.proj_out"),
    (r"mid_block\.attentions\.0\.to_(\w)", r"mid.attn_1.\1"),
    (r"conv_norm_out", "norm_out"),
    (r"conv_shortcut", "nin_shortcut"),
)


def one_file(folder: Path, file: Path) -> Path:
    """The model of :func:`stable_diffusion` as a checkpoint in one file, with the names that people's files have."""
    from safetensors.torch import load_file, save_file

    def renamed(part: str, prefix: str, table: tuple[tuple[str, Any], ...] = ()) -> dict[str, torch.Tensor]:
        [weights] = (folder / part).glob("*.safetensors")
        found = {}
        for name, value in load_file(weights).items():
            for pattern, to in table if "transformer_blocks" not in name else table[:-6]:
                name = re.sub(pattern, to, name)
            found[f"{prefix}.{name}"] = value
        return found

    model = {
        **renamed("unet", "model.diffusion_model", UNET),
        **renamed("vae", "first_stage_model", VAE),
        **renamed("text_encoder", "cond_stage_model.transformer.text_model"),
    }
    save_file({name: value.contiguous() for name, value in model.items()}, file)
    return file
