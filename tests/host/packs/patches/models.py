"""Loads the tiny models: each node gives model, CLIP and VAE."""

import json
import re
from pathlib import Path

import comfy.clip_vision
import comfy.model_detection
import comfy.model_management
import comfy.model_patcher
import comfy.sd
import comfy.utils
import folder_paths
import torch
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
        return io.NodeOutput(*load_small(folder_paths.get_full_path_or_raise("checkpoints", ckpt_name)))


def load_small(path):
    options = {"num_hidden_layers": layers(comfy.utils.load_torch_file(path), "text_model.")}
    options = {f"{encoder}_model_config": options for encoder in ("clip_l", "clip_h", "clip_g")}
    embeddings = {"embedding_directory": folder_paths.get_folder_paths("embeddings")}
    return comfy.sd.load_checkpoint_guess_config(path, te_model_options=options, **embeddings)[:3]


def layers(weights, prefix):
    """How many there are in a text or vision model."""
    numbers = (re.search(rf"{re.escape(prefix)}encoder\.layers\.(\d+)\.", key) for key in weights)
    return 1 + max(int(number[1]) for number in numbers if number)


class LoadSmallUnclip(io.ComfyNode):
    """unCLIPCheckpointLoader for a file with few layers, in the text model and in the vision model alike."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="LoadSmallUnclip",
            category="probe",
            inputs=[io.Combo.Input("ckpt_name", options=folder_paths.get_filename_list("checkpoints"))],
            outputs=[io.Model.Output(), io.Clip.Output(), io.Vae.Output(), io.ClipVision.Output()],
        )

    @classmethod
    def execute(cls, ckpt_name):
        path = folder_paths.get_full_path_or_raise("checkpoints", ckpt_name)
        prefix = {"embedder.model.visual.": ""}
        vision = comfy.utils.state_dict_prefix_replace(comfy.utils.load_torch_file(path), prefix, filter_keys=True)
        return io.NodeOutput(*load_small(path), small_vision(vision))


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
        (model,) = nodes.UNETLoader().load_unet(ckpt_name, "default")
        wide = model.model.model_config.unet_config["context_in_dim"] == 4096  # as Stable Diffusion 3 widens CLIP-L's
        return io.NodeOutput(
            model,
            *nodes.CLIPLoader().load_clip("tiny_clip_l.safetensors", "sd3" if wide else "stable_diffusion"),
            *nodes.VAELoader().load_vae("tiny_taef1.safetensors"),
        )


class LoadSmallQwenImage(io.ComfyNode):
    """Qwen-Image with as few heads as the file has, with ``tiny_clip_l`` and ``tiny_taew``."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="LoadSmallQwenImage",
            category="probe",
            inputs=[io.Combo.Input("ckpt_name", options=folder_paths.get_filename_list("diffusion_models"))],
            outputs=[io.Model.Output(), io.Clip.Output(), io.Vae.Output()],
        )

    @classmethod
    def execute(cls, ckpt_name):
        path = folder_paths.get_full_path_or_raise("diffusion_models", ckpt_name)
        weights = {key: weight.float() for key, weight in comfy.utils.load_torch_file(path).items()}
        config = comfy.model_detection.model_config_from_unet(weights, "")
        width, context = weights["txt_in.weight"].shape
        config.unet_config |= {"num_attention_heads": width // 128, "joint_attention_dim": context}
        config.set_inference_dtype(torch.float32, None)
        model = config.get_model(weights, "")
        devices = {
            "load_device": comfy.model_management.get_torch_device(),
            "offload_device": comfy.model_management.unet_offload_device(),
        }
        patcher = comfy.model_patcher.CoreModelPatcher(model, **devices)
        model.load_model_weights(weights, "", assign=patcher.is_dynamic())
        (vae,) = nodes.VAELoader().load_vae("tiny_taew.safetensors")
        vae.encode = lambda pixels: comfy.sd.VAE.encode(vae, pixels).unsqueeze(2)  # Wan's has a time, as films have
        clip = nodes.CLIPLoader().load_clip("tiny_clip_l.safetensors", "stable_diffusion")
        return io.NodeOutput(patcher, *clip, vae)


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
    config = {**json.loads(file.read_text()), "num_hidden_layers": layers(weights, "vision_model.")}
    vision = comfy.clip_vision.ClipVisionModel(config)
    missing, unexpected = vision.load_sd(weights)
    assert not missing and not unexpected, (missing, unexpected)
    return vision


NODES = [LoadSmall, LoadSmallUnclip, LoadFlux, LoadSmallQwenImage, LoadSmallVision]
