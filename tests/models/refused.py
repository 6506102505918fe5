"""Files of ``models/ipadapter`` that cannot be used: adapters of other kinds, each tiny and with the keys it really has,
and files that are broken or hostile."""

from pathlib import Path

import torch
from safetensors.torch import save_file

File = dict[str, torch.Tensor]


def numbers(**shapes: tuple[int, ...]) -> File:
    """Zeros; ``__`` stands for the dots of a key."""
    return {key.replace("__", "."): torch.zeros(shape) for key, shape in shapes.items()}


def resampler(width: int, into: int, out: int, tokens: int = 16, prefix: str = "") -> File:
    weights = numbers(
        latents=(1, tokens, width),
        proj_in__weight=(width, into),
        proj_in__bias=(width,),
        proj_out__weight=(out, width),
        proj_out__bias=(out,),
        norm_out__weight=(out,),
        norm_out__bias=(out,),
        layers__0__0__norm1__weight=(width,),
        layers__0__0__norm1__bias=(width,),
        layers__0__0__norm2__weight=(width,),
        layers__0__0__norm2__bias=(width,),
        layers__0__0__to_q__weight=(width, width),
        layers__0__0__to_kv__weight=(2 * width, width),
        layers__0__0__to_out__weight=(width, width),
        layers__0__1__0__weight=(width,),
        layers__0__1__0__bias=(width,),
        layers__0__1__1__weight=(width, width),
        layers__0__1__3__weight=(width, width),
    )
    return {prefix + key: tensor for key, tensor in weights.items()}


def mlp(into: int, inner: int, context: int, tokens: int) -> File:
    return numbers(
        proj__0__weight=(inner, into),
        proj__0__bias=(inner,),
        proj__2__weight=(tokens * context, inner),
        proj__2__bias=(tokens * context,),
        norm__weight=(context,),
        norm__bias=(context,),
    )


def attention(context: int, *names: str, inner: int = 8) -> File:
    return {f"{name}.{part}_ip.weight": torch.zeros(inner, context) for name in names for part in ("to_k", "to_v")}


def lora(*names: str) -> File:
    parts = [
        f"{name}.{part}_lora.{half}.weight" for name in names for part in ("to_q", "to_k") for half in ("down", "up")
    ]
    return {part: torch.zeros(8, 8) for part in parts}


class Opens:
    """Pickled, it opens a file for writing wherever it is read."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.file), "w")


RAN = "hostile_ran"
"""A file that appears in the models folder if the code in ``hostile.bin`` was run."""


def build_refused(folder: Path) -> None:
    """Writes into ``ipadapter``, beside what :func:`.checkpoint.build_reference` writes there: ``faceid_sd15.bin``,
    ``faceid_plus_sd15.bin``, ``kolors_plus.bin``, ``xlabs_flux.safetensors``, ``instantx_flux.bin``, ``instantx_sd35.bin``;
    ``a_lora.safetensors`` (no adapter at all), ``truncated.safetensors``, ``truncated.bin``, ``no_numbers.bin`` (a text) and
    ``hostile.bin``, which if its code were run would write ``hostile_ran`` into ``folder``."""
    adapters = folder / "ipadapter"
    adapters.mkdir(parents=True, exist_ok=True)
    for name, image, layers in (
        ("faceid_sd15", mlp(512, 64, 768, 4), attention(768, "1", "3") | lora("0", "1")),
        (
            "faceid_plus_sd15",
            mlp(512, 64, 768, 4) | resampler(64, 1280, 768, prefix="perceiver_resampler."),
            attention(768, "1", "3") | lora("0", "1"),
        ),
        ("kolors_plus", resampler(64, 1024, 2048), attention(2048, "1", "3")),
        ("instantx_flux", mlp(1152, 64, 4096, 1), attention(4096, "0", "1")),
        (
            "instantx_sd35",
            resampler(64, 1152, 2432, tokens=64)
            | numbers(time_embedding__linear_1__weight=(64, 320), layers__0__2__1__weight=(256, 64)),
            attention(2432, "0", "1") | {"0.norm_ip.linear.weight": torch.zeros(8, 64)},
        ),
    ):
        torch.save({"image_proj": image, "ip_adapter": layers}, adapters / f"{name}.bin")
    xlabs = numbers(
        ip_adapter_proj_model__proj__weight=(4 * 16, 768),
        ip_adapter_proj_model__proj__bias=(4 * 16,),
        ip_adapter_proj_model__norm__weight=(16,),
        ip_adapter_proj_model__norm__bias=(16,),
    )
    for part in ("k", "v"):
        stream = f"double_blocks.0.processor.ip_adapter_double_stream_{part}_proj."
        xlabs |= {f"{stream}weight": torch.zeros(8, 16), f"{stream}bias": torch.zeros(8)}
    save_file(xlabs, adapters / "xlabs_flux.safetensors")
    save_file(lora("lora_unet_down_blocks_0"), adapters / "a_lora.safetensors")
    for suffix in ("safetensors", "bin"):
        whole = (adapters / f"{'xlabs_flux' if suffix == 'safetensors' else 'kolors_plus'}.{suffix}").read_bytes()
        (adapters / f"truncated.{suffix}").write_bytes(whole[: len(whole) // 2])
    torch.save("not an adapter", adapters / "no_numbers.bin")
    torch.save({"image_proj": Opens(folder / RAN), "ip_adapter": {}}, adapters / "hostile.bin")
