"""Show what pictures, conditionings and other values are, in the history's outputs."""

import dataclasses
import hashlib
import json

import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from comfy_api.latest import io


class Digest(io.ComfyNode):
    """SHA-256 over everything in a value, and the value itself. ``after``: what shall have run before."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Digest",
            category="probe",
            inputs=[io.AnyType.Input("value"), io.AnyType.Input("after", optional=True)],
            outputs=[io.String.Output(), io.AnyType.Output()],
            is_output_node=True,
            not_idempotent=True,
        )

    @classmethod
    def fingerprint_inputs(cls, **_):
        return float("nan")

    @classmethod
    def execute(cls, value, after=None):
        text = digest(value)
        return io.NodeOutput(text, value, ui={"digest": [text]})


class Stats(io.ComfyNode):
    """Mean red, green, blue of each picture and its halves, 0 to 255, and a digest of its pixels."""

    @classmethod
    def define_schema(cls):
        return io.Schema(node_id="Stats", category="probe", inputs=[io.Image.Input("images")], is_output_node=True)

    @classmethod
    def execute(cls, images):
        return io.NodeOutput(ui={"stats": [json.dumps(stats(image)) for image in images]})


class CondStats(io.ComfyNode):
    """What each entry of a conditioning holds."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="CondStats",
            category="probe",
            inputs=[io.Conditioning.Input("conditioning")],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, conditioning):
        return io.NodeOutput(ui={"entries": [json.dumps(entry_stats(*entry)) for entry in conditioning]})


class Difference(io.ComfyNode):
    """Largest difference between two pictures, of 1."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Difference",
            category="probe",
            inputs=[io.Image.Input("a"), io.Image.Input("b")],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, a, b):
        return io.NodeOutput(ui={"difference": [(a - b).abs().max().item()]})


class LatentDifference(io.ComfyNode):
    """Largest difference between two latents, and the largest number in the first."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="LatentDifference",
            category="probe",
            inputs=[io.Latent.Input("a"), io.Latent.Input("b")],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, a, b):
        a, b = a["samples"], b["samples"]
        return io.NodeOutput(ui={"difference": [(a - b).abs().max().item()], "largest": [a.abs().max().item()]})


def stats(image):
    height, width, _ = image.shape
    parts = {
        "whole": image,
        "left": image[:, : width // 2],
        "right": image[:, width // 2 :],
        "top": image[: height // 2],
        "bottom": image[height // 2 :],
    }
    means = {name: (part.mean((0, 1)) * 255).tolist() for name, part in parts.items()}
    return {**means, "size": [width, height], "pixels": digest(image)}


def entry_stats(tensor, options):
    mask, pooled = options.get("mask"), options.get("pooled_output")
    return {
        "shape": list(tensor.shape),
        "cond": digest(tensor),
        "pooled": None if pooled is None else digest(pooled),
        "mask": None if mask is None else {"shape": list(mask.shape), "mean": mask.mean().item()},
        "keys": sorted(options),
        **{key: value for key, value in options.items() if isinstance(value, (str, int, float, tuple, type(None)))},
    }


def digest(value):
    sha = hashlib.sha256()
    feed(sha, value)
    return sha.hexdigest()


def feed(sha, value):
    """Whatever has no parts to look at (functions, modules) counts by its identity."""
    sha.update(type(value).__qualname__.encode())
    if isinstance(value, torch.Tensor):
        sha.update(f"{value.dtype}{tuple(value.shape)}".encode())
        sha.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    elif isinstance(value, (str, bytes, int, float, complex, type(None))):
        sha.update(repr(value).encode())
    elif isinstance(value, dict):
        sha.update(str(len(value)).encode())
        for key, item in value.items():
            feed(sha, key)
            feed(sha, item)
    elif isinstance(value, (list, tuple, set, frozenset)):
        sha.update(str(len(value)).encode())
        for item in value:
            feed(sha, item)
    elif isinstance(value, ModelPatcher):
        kept = ("model_options", "patches", "object_patches", "hook_patches", "callbacks", "wrappers", "attachments")
        feed(sha, {name: getattr(value, name) for name in kept})
    elif isinstance(value, CLIP):
        feed(sha, [value.patcher, value.layer_idx, value.tokenizer_options])
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        feed(sha, {field.name: getattr(value, field.name) for field in dataclasses.fields(value)})
    else:
        sha.update(str(id(value)).encode())


NODES = [Digest, Stats, CondStats, Difference, LatentDifference]
