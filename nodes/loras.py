"""LoRAs: several at once, and what their files say of themselves."""

from typing import Any

import folder_paths
from comfy_api.v0_0_2 import io
from comfy_execution.graph_utils import ExecutionBlocker

from ..resonance.canvas.canvas import STRONGEST, Lora
from ..resonance.host import progress
from ..resonance.session.item import Item
from ..resonance.told import Told
from . import types
from .inputs import Choice, Files, chosen

CATEGORY = "Resonance/LoRA"
NONE = "none"
ROWS = range(1, 9)
AS_MODEL, OWN = CLIP_STRENGTHS = ("as in the model", "their own")


def _strength(name: str, tooltip: str) -> io.Input:
    return io.Float.Input(name, default=1.0, min=-STRONGEST, max=STRONGEST, step=0.01, optional=True, tooltip=tooltip)


class LoRAStack(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        files = Files([NONE, *folder_paths.get_filename_list("loras")])
        rows: list[io.Input] = []
        for n in ROWS:
            rows.append(
                io.Combo.Input(
                    f"lora_{n}",
                    options=files,
                    default=NONE,
                    optional=True,
                    tooltip="A file of models/loras; none: this row is skipped.",
                )
            )
            rows.append(_strength(f"strength_{n}", f"How strongly lora_{n} acts; 0 not at all, below 0 the other way."))
        own = [_strength(f"clip_{n}", f"How strongly lora_{n} acts in the text encoder.") for n in ROWS]
        return io.Schema(
            node_id="ResonanceLoRAStack",
            display_name="LoRA Stack",
            category=CATEGORY,
            description="Up to eight LoRAs for a model and its text encoder, or as a list for regions. Their multipliers may come from"
            " prompt lines.",
            search_aliases=["lora loader", "load lora", "multi lora", "lora stacker", "lora list", "network_mul"],
            inputs=[
                io.Model.Input("model", optional=True, tooltip="Not connected: the LoRAs are only a list for regions."),
                io.Clip.Input("clip", optional=True, tooltip="The text encoder, for LoRAs that have a part for it."),
                *rows,
                io.String.Input(
                    "multipliers",
                    default="",
                    optional=True,
                    tooltip="Multiply the strengths, one for each LoRA in order, with commas between them: 0.8,-0.5. The last counts for"
                    " all further ones. Empty: 1. What a prompt line gives with --am goes before this.",
                ),
                io.DynamicCombo.Input(
                    "clip_strengths",
                    options=[io.DynamicCombo.Option(AS_MODEL, []), io.DynamicCombo.Option(OWN, own)],
                    optional=True,
                    tooltip="How strongly the LoRAs act in the text encoder. The multipliers count there, too.",
                ),
                types.Item.Input(
                    "item", optional=True, tooltip="A prompt line's --am goes before multipliers, for its picture only."
                ),
            ],
            outputs=[
                io.Model.Output(tooltip="The model with the LoRAs; the same one as long as nothing changes."),
                io.Clip.Output(tooltip="The text encoder with the LoRAs."),
                types.Loras.Output("loras", tooltip="The list, for nodes that make regions."),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def validate_inputs(cls, multipliers: str | None = None, *, clip_strengths: Any = None) -> bool | str:
        # What a dynamic combo holds is handed on in any case. It would be blamed, too, if it could be given by its place.
        from ..resonance.paint.multipliers import read_multipliers

        try:
            read_multipliers(multipliers or "")
        except Told as error:
            return str(error)
        return True

    @classmethod
    def fingerprint_inputs(cls, **given: Any) -> str:
        """Another file may lie under a name tomorrow."""
        from ..resonance.host.lora_stack import stamp

        return stamp(name for n in ROWS if (name := given.get(f"lora_{n}")) and name != NONE)

    @classmethod
    def execute(
        cls,
        model: io.Model.Type | None = None,
        clip: io.Clip.Type | None = None,
        multipliers: str = "",
        clip_strengths: Choice | None = None,
        item: Item | None = None,
        **rows: Any,
    ) -> io.NodeOutput:
        from ..resonance.host import lora_stack
        from ..resonance.paint.multipliers import of_line, padded, read_multipliers

        in_clip = chosen(clip_strengths, "clip_strengths", CLIP_STRENGTHS)
        own = in_clip["clip_strengths"] == OWN
        given = of_line(item)
        factors = read_multipliers(multipliers) if given is None else given
        numbers = [n for n in ROWS if rows.get(f"lora_{n}", NONE) != NONE]
        stack: list[lora_stack.Row] = []
        for n, factor in zip(numbers, padded(factors, len(numbers)), strict=True):
            strength = rows.get(f"strength_{n}", 1.0)
            clip_strength = in_clip.get(f"clip_{n}", 1.0) if own else strength
            stack.append(lora_stack.Row(rows[f"lora_{n}"], strength * factor, clip_strength * factor))
        model, clip = lora_stack.laid(model, clip, stack)
        says = [f"{row.file}: {_acting(row, clip is not None)}" for row in stack] or ["No LoRA is chosen."]
        if given is not None:
            says.append("The multipliers are those of the prompt line.")
        if len(factors) > len(stack):
            says.append(f"There are {len(factors)} multipliers for {len(stack)} LoRAs; the last ones are not used.")
        progress.say("\n".join(says), cls.hidden.unique_id)
        return io.NodeOutput(
            _or_blocked(model, "model"),
            _or_blocked(clip, "clip"),
            tuple(Lora(row.file, row.strength) for row in stack),
        )


def _acting(row: Any, in_clip: bool) -> str:
    both = in_clip and row.clip_strength != row.strength
    return f"{row.strength:g}, in CLIP {row.clip_strength:g}" if both else f"{row.strength:g}"


def _or_blocked(value: Any, name: str) -> Any:
    return ExecutionBlocker(f"LoRA Stack has no {name}: connect one to it.") if value is None else value


class LoRAMetadata(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceLoRAMetadata",
            display_name="LoRA Metadata",
            category=CATEGORY,
            description="What a LoRA's file says of itself: how it was trained, the tags of its pictures, its trigger words. Only the"
            " header is read.",
            search_aliases=["lora info", "trigger words", "ss_tag_frequency", "network_show_meta", "modelspec"],
            inputs=[
                io.Combo.Input(
                    "lora",
                    options=folder_paths.get_filename_list("loras"),
                    tooltip="A safetensors file of models/loras.",
                ),
                io.Int.Input("count", default=20, min=1, max=10_000, tooltip="How many tags, the most frequent ones."),
            ],
            outputs=[
                io.String.Output("metadata", tooltip="All of it, as JSON."),
                io.String.Output("tags", tooltip="The most frequent tags of the captions that it was trained with."),
                io.String.Output(
                    "triggers",
                    tooltip="Its trigger words; where it names none, what the folders of its pictures stand for.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def validate_inputs(cls, lora: str | None = None) -> bool | str:
        from ..resonance.host.lora_stack import file_of

        try:
            if lora is not None:
                file_of(lora)
        except Told as error:
            return str(error)
        return True

    @classmethod
    def fingerprint_inputs(cls, lora: str | None = None, **_: object) -> str:
        from ..resonance.host.lora_stack import stamp

        return stamp([lora] if lora else [])

    @classmethod
    def execute(cls, lora: str, count: int) -> io.NodeOutput:
        from pathlib import Path

        from ..resonance.files.lora_metadata import read_metadata
        from ..resonance.host.lora_stack import file_of

        found = read_metadata(Path(file_of(lora).path))
        tags, triggers = found.tags(), ", ".join(found.triggers)
        if found.texts:
            says = f"{lora}: {len(tags):,} tags; " + (
                f"trigger words: {triggers}." if triggers else "no trigger words."
            )
        else:
            says = f"{lora} holds no metadata: its trainer wrote none, or somebody has taken it out."
        progress.say(says, cls.hidden.unique_id)
        return io.NodeOutput(found.json, ", ".join(tags[:count]), triggers)


NODES = [LoRAStack, LoRAMetadata]
