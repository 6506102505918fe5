"""Loads the text encoder of tests/models/wired_text.py with ComfyUI's own classes, at the small size its file names."""

import json

import comfy.sd
import comfy.text_encoders.qwen3vl
import comfy.utils
import folder_paths
from comfy_api.latest import ComfyExtension, io


class SmallCLIP(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="SmallCLIP", category="probe", inputs=[io.String.Input("name")], outputs=[io.Clip.Output()]
        )

    @classmethod
    def execute(cls, name):
        path = folder_paths.get_full_path_or_raise("text_encoders", name)
        _, metadata = comfy.utils.load_torch_file(path, safe_load=True, return_metadata=True)
        sizes = json.loads(metadata["sizes"])
        # ComfyUI tells Qwen3-VL 4B and 8B apart by their width, and takes any other for 8B.
        comfy.text_encoders.qwen3vl.QWEN3VL_VISION["qwen3vl_8b"] = sizes["vision"]
        return io.NodeOutput(comfy.sd.load_clip([path], model_options={"qwen3vl_8b_model_config": sizes["language"]}))


class SmallCLIPExtension(ComfyExtension):
    async def get_node_list(self):
        return [SmallCLIP]


async def comfy_entrypoint():
    return SmallCLIPExtension()
