"""Loads the tiny models: each node gives model, CLIP and VAE."""

import json
import re
from pathlib import Path

import comfy.clip_vision
import comfy.sd
import comfy.utils
import folder_paths
from comfy_api.latest import io

import nodes


class LoadSmall(io.ComfyNode):
    """A checkpoint loader that takes the number of text layers from the file, which may be fewer than ComfyUI expects."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="LoadSmall",
            category="probe",
            inputs=[io.Combo.Input("ckpt_name", options=folder_paths.get_filename_list("checkpoints"))],
            outputs=[io.Model.Output(), io.Clip.Output(), io.Vae.Output()],
        )

    @classmethod
    def execute(cls, ckpt_name):
        path = folder_paths.get_full_path_or_raise("checkpoints", ckpt_name)
        numbers = (re.search(r"encoder\.layers\.(\d+)\.", key) for key in comfy.utils.load_torch_file(path))
        layers = {"num_hidden_layers": 1 + max(int(number[1]) for number in numbers if number)}
        options = {f"{encoder}_model_config": layers for encoder in ("clip_l", "clip_h", "clip_g")}
        embeddings = {"embedding_directory": folder_paths.get_folder_paths("embeddings")}
        return io.NodeOutput(*comfy.sd.load_checkpoint_guess_config(path, te_model_options=options, **embeddings)[:3])


class LoadFlux(io.ComfyNode):
    """The three standard loaders in one node: a Flux in ``diffusion_models``, with ``tiny_clip_l`` and ``tiny_taef1``."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="LoadFlux",
            category="probe",
            inputs=[io.Combo.Input("ckpt_name", options=folder_paths.get_filename_list("diffusion_models"))],
            outputs=[io.Model.Output(), io.Clip.Output(), io.Vae.Output()],
        )

    @classmethod
    def execute(cls, ckpt_name):
        return io.NodeOutput(
            *nodes.UNETLoader().load_unet(ckpt_name, "default"),
            *nodes.CLIPLoader().load_clip("tiny_clip_l.safetensors", "stable_diffusion"),
            *nodes.VAELoader().load_vae("tiny_taef1.safetensors"),
        )


class LoadSmallVision(io.ComfyNode):
    """A CLIP vision or SigLIP model with as many layers as the file has."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="LoadSmallVision",
            category="probe",
            inputs=[io.Combo.Input("clip_name", options=folder_paths.get_filename_list("clip_vision"))],
            outputs=[io.ClipVision.Output()],
        )

    @classmethod
    def execute(cls, clip_name):
        path = folder_paths.get_full_path_or_raise("clip_vision", clip_name)
        return io.NodeOutput(small_vision(comfy.utils.load_torch_file(path)))


CONFIGS = {1024: "config_vitl", 1152: "siglip_384", 1280: "config_h", 1664: "config_g"}
"""ComfyUI's own, by width."""


def small_vision(weights):
    width, *_ = weights["vision_model.encoder.layers.0.layer_norm1.weight"].shape
    file = Path(comfy.clip_vision.__file__).with_name(f"clip_vision_{CONFIGS[width]}.json")
    numbers = (re.search(r"encoder\.layers\.(\d+)\.", key) for key in weights)
    layers = 1 + max(int(number[1]) for number in numbers if number)
    vision = comfy.clip_vision.ClipVisionModel({**json.loads(file.read_text()), "num_hidden_layers": layers})
    missing, unexpected = vision.load_sd(weights)
    assert not missing and not unexpected, (missing, unexpected)
    return vision


NODES = [LoadSmall, LoadFlux, LoadSmallVision]
