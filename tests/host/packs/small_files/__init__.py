"""Has core's own loaders take checkpoints and vision models with few layers, for graphs that are not the test's."""

import importlib.util
from pathlib import Path

import comfy.utils
import folder_paths
from comfy_api.latest import ComfyExtension

import nodes

spec = importlib.util.spec_from_file_location(
    "small_models", Path(__file__).resolve().parents[1] / "patches" / "models.py"
)
small = importlib.util.module_from_spec(spec)
spec.loader.exec_module(small)


def load_checkpoint(self, ckpt_name):
    return small.load_small(folder_paths.get_full_path_or_raise("checkpoints", ckpt_name))


def load_clip(self, clip_name):
    return (small.small_vision(comfy.utils.load_torch_file(folder_paths.get_full_path("clip_vision", clip_name))),)


class SmallFilesExtension(ComfyExtension):
    async def get_node_list(self):
        nodes.CheckpointLoaderSimple.load_checkpoint = load_checkpoint
        nodes.CLIPVisionLoader.load_clip = load_clip
        return []


async def comfy_entrypoint():
    return SmallFilesExtension()
