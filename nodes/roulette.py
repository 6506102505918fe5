"""A plan of checkpoints and LoRAs, and the models that were drawn from it."""

import hashlib
import json

import folder_paths
from comfy_api.v0_0_2 import io
from comfy_execution.graph_utils import ExecutionBlocker

from ..resonance.files.lookup import nearest
from ..resonance.host import checkpoints, progress
from ..resonance.host.folders import model_file
from ..resonance.roulette import Draw, PlanError
from ..resonance.session.item import Item
from ..resonance.told import Told
from . import types

CATEGORY = "Resonance/Model roulette"
FROM_CHECKPOINT = "from checkpoint"
EXAMPLE = """\
# One checkpoint is drawn for each picture.
model.checkpoint = ["your-model.safetensors"]

# Draws without a LoRA. Each [[lora]] counts once, or as its weight says.
blank = 1

# [[lora]]
# name = "your-lora.safetensors"
# strength = 0.8
# trigger = ""
"""


class ModelRoulette(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceModelRoulette",
            display_name="Model Roulette",
            category=CATEGORY,
            description="Says which checkpoints and LoRAs may be drawn for a picture, and how often. Connect it to Round Input,"
            " Explore or Prompt Lines.",
            search_aliases=[
                "random checkpoint",
                "random lora",
                "lora random",
                "lora roulette",
                "virtual model",
                "checkpoint list",
            ],
            inputs=[
                io.String.Input(
                    "text",
                    multiline=True,
                    default=EXAMPLE,
                    tooltip="img2tag2img's TOML: model.checkpoint, [[lora]], model.force_lora; also weight, blank and folder. It is "
                    "checked when you press Run. The help page has the whole list.",
                )
            ],
            outputs=[
                types.Plan.Output(
                    "plan", tooltip="For Round Input, Explore or Prompt Lines, which draws from it for each picture."
                ),
                io.String.Output(
                    "summary", tooltip="How often each model is drawn, and which keys of the text mean nothing here."
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def validate_inputs(cls, text: str | None) -> bool | str:
        try:
            if text is not None:
                checkpoints.read_plan(text)
        except PlanError as error:
            return str(error)
        return True

    @classmethod
    def fingerprint_inputs(cls, text: str | None) -> str:
        """Folders of a plan hold other files tomorrow."""
        files = [text, *(folder_paths.get_filename_list(kind) for kind in ("checkpoints", "loras"))]
        return hashlib.sha256(json.dumps(files).encode()).hexdigest()

    @classmethod
    def execute(cls, text: str) -> io.NodeOutput:
        plan = checkpoints.read_plan(text)
        summary = plan.summary()
        progress.say(summary, cls.hidden.unique_id)
        return io.NodeOutput(plan, summary)


class LoadDrawn(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceLoadDrawn",
            display_name="Load Drawn",
            category=CATEGORY,
            description="Loads the checkpoint and the LoRAs that Model Roulette drew for this picture. They stay loaded for as long "
            "as the draw stays the same.",
            search_aliases=["random checkpoint", "random lora", "lora random", "load checkpoint", "lora stack"],
            inputs=[
                types.Item.Input(
                    "item",
                    tooltip="From Round Input, Explore or Prompt Lines, which needs Model Roulette's plan for this.",
                ),
                io.Combo.Input(
                    "vae",
                    options=[FROM_CHECKPOINT, *folder_paths.get_filename_list("vae")],
                    default=FROM_CHECKPOINT,
                    tooltip="A VAE to use with every checkpoint, in place of its own.",
                ),
            ],
            outputs=[
                io.Model.Output(tooltip="The checkpoint's model with the drawn LoRAs."),
                io.Clip.Output(tooltip="The checkpoint's text encoder with the drawn LoRAs."),
                io.Vae.Output(tooltip="The checkpoint's VAE, or the one you chose."),
                io.String.Output("triggers", tooltip="Trigger words of the drawn LoRAs, for Compose Prompt."),
                io.String.Output("neg_triggers", tooltip="Words that the drawn LoRAs want in the negative prompt."),
            ],
        )

    @classmethod
    def validate_inputs(cls, vae: str | None) -> bool | str:
        if vae in (None, FROM_CHECKPOINT) or model_file("vae", vae):
            return True
        return (
            f"There is no VAE {vae!r}. Searched: {', '.join(folder_paths.get_folder_paths('vae'))}. "
            f"Put the file there, or choose {FROM_CHECKPOINT!r}. {nearest(vae, folder_paths.get_filename_list('vae'))}"
        )

    @classmethod
    def execute(cls, item: Item, vae: str) -> io.NodeOutput:
        if item.phase == "describe":
            return io.NodeOutput(*[ExecutionBlocker(None)] * 5)
        if item.draw is None:
            raise Told(
                "Nothing was drawn for this picture. Connect Model Roulette to the plan of the node that hands out item."
            )
        draw = Draw.from_dict(item.draw)
        loaded = checkpoints.load(draw, None if vae == FROM_CHECKPOINT else vae)
        return io.NodeOutput(*loaded, draw.triggers, draw.neg_triggers)


NODES = [ModelRoulette, LoadDrawn]
