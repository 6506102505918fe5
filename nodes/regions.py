"""Words bound to places."""

from typing import Any

import folder_paths
import torch
from comfy_api.v0_0_2 import io, ui

from ..resonance.attention.methods import METHODS
from ..resonance.attention.parts import Conditioning, Part
from ..resonance.canvas.canvas import GRID, STRONGEST, Canvas, Lora
from ..resonance.host import progress
from ..resonance.reference.reference import Reference
from ..resonance.settings import Setting
from ..resonance.told import Told
from . import types
from .inputs import Choice, chosen, input_of

CATEGORY = "Resonance/Regions"
NO_LORA = "none"


class Regions(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceRegions",
            display_name="Regions",
            category=CATEGORY,
            description="Binds words to places. The words come from a canvas, from conditionings with masks, or both. The "
            "attention methods work with Stable Diffusion 1.5, 2 and SDXL, the area methods with every model. A region may have "
            "LoRAs and a picture of its own.",
            search_aliases=[
                "regional prompt",
                "attention couple",
                "dense diffusion",
                "omost",
                "multidiffusion",
                "latent couple",
                "area composition",
                "masked conditioning",
            ],
            inputs=[
                io.Model.Input("model", tooltip="The model that shall paint. A clone of it is patched."),
                io.DynamicCombo.Input(
                    "method",
                    options=[
                        io.DynamicCombo.Option(method.name, [_input(setting) for setting in method.settings])
                        for method in METHODS.values()
                    ],
                    tooltip="attention couple: each region reads its own words; the best start. dense diffusion (omost): all "
                    "read from one pool, strictly bounded; as the Omost demo. dense diffusion (paper): pushes attention towards "
                    "the regions in the first steps only; the freest. area overlay, area average: asks the model once per "
                    "region; slower, for every model.",
                ),
                io.Clip.Input("clip", optional=True, tooltip="Encodes the words of the canvas."),
                types.Canvas.Input("canvas", optional=True, tooltip="A layout from Canvas Chat or Canvas."),
                types.Regions.Input(
                    "regions",
                    optional=True,
                    tooltip="From Region from Conditioning or Regions from Mask. They lie over those of the canvas.",
                ),
                io.Conditioning.Input(
                    "positive", optional=True, tooltip="Acts everywhere, beside the global words of the canvas."
                ),
                io.Conditioning.Input(
                    "negative",
                    optional=True,
                    tooltip="What shall be nowhere. Not connected: the empty text. Negatives of regions act where they are.",
                ),
                types.Reference.Input(
                    "reference",
                    optional=True,
                    tooltip="From Reference Picture: what the pictures of the canvas are looked at with.",
                ),
            ],
            outputs=[
                io.Model.Output(display_name="model", tooltip="To the sampler; patched for the attention methods."),
                io.Conditioning.Output(
                    display_name="positive", tooltip="To the sampler, or through Apply ControlNet and the like."
                ),
                io.Conditioning.Output(display_name="negative", tooltip="To the sampler."),
                io.Mask.Output(
                    display_name="masks", tooltip="Where each part acts: the global words first, then far to near."
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls,
        model: io.Model.Type,
        method: Choice | None = None,
        clip: io.Clip.Type | None = None,
        canvas: Canvas | None = None,
        regions: tuple[Part, ...] = (),
        positive: Conditioning | None = None,
        negative: Conditioning | None = None,
        reference: Reference | None = None,
    ) -> io.NodeOutput:
        from ..resonance.host import regions as host

        method = chosen(method, "method", METHODS)
        sources = host.Sources(clip, canvas, regions, positive, negative, reference)
        name: str = method["method"]
        placed = METHODS[name].place(host.Placing(model, sources, METHODS[name].reason), method)
        where = [f"{n} {part}" for n, part in enumerate(placed.names)]
        progress.say("\n".join((f"{name}: {', '.join(where)}", *placed.notes)), cls.hidden.unique_id)
        return io.NodeOutput(placed.model, placed.positive, placed.negative, placed.masks)


def _input(setting: Setting[Any]) -> io.Input:
    """A choice has its first value as default, unsaid."""
    return input_of(setting, default=None) if setting.choices else input_of(setting)


class EncodeCanvas(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceEncodeCanvas",
            display_name="Encode Canvas",
            category=CATEGORY,
            description="All words of a canvas as one conditioning, wherever their regions are. Long texts are dealt out to "
            "bags of whole sentences, each with the subject before it, so that no sentence is cut.",
            search_aliases=["greedy bags", "omost", "long prompt", "clip text encode"],
            inputs=[
                io.Clip.Input("clip", tooltip="The text encoder of the model that shall paint."),
                types.Canvas.Input("canvas", tooltip="A layout; its places are not looked at."),
            ],
            outputs=[
                io.Conditioning.Output(
                    display_name="conditioning", tooltip="77 tokens per bag; the pooled vector is the first bag's."
                )
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, clip: io.Clip.Type, canvas: Canvas) -> io.NodeOutput:
        from ..resonance.host.encode import encode_all
        from ..resonance.host.region_pictures import say_unseen

        say_unseen(canvas, cls.hidden.unique_id)
        return io.NodeOutput(encode_all(clip, canvas))


class RegionFromConditioning(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        sides = [
            io.Float.Input(
                side,
                default=default,
                min=0.0,
                max=1.0,
                step=0.01,
                tooltip=f"{side.capitalize()} edge of the box. {unit}",
            )
            for side, default, unit in (
                ("left", 0.0, "0: the left edge of the picture, 1: the right one."),
                ("top", 0.0, "0: the top of the picture, 1: the bottom."),
                ("right", 0.5, "0: the left edge of the picture, 1: the right one."),
                ("bottom", 1.0, "0: the top of the picture, 1: the bottom."),
            )
        ]
        return io.Schema(
            node_id="ResonanceRegionFromConditioning",
            display_name="Region from Conditioning",
            category=CATEGORY,
            description="Gives a conditioning a place: a box or a mask. For Regions; several are chained.",
            search_aliases=["regional prompt", "masked conditioning", "conditioning set mask", "attention couple mask"],
            inputs=[
                io.Conditioning.Input("conditioning", tooltip="What shall be there."),
                io.DynamicCombo.Input(
                    "place",
                    options=[
                        io.DynamicCombo.Option("box", sides),
                        io.DynamicCombo.Option(
                            "mask", [io.Mask.Input("mask", tooltip="Where it shall be, in any resolution; one mask.")]
                        ),
                    ],
                    tooltip="A box in shares of the picture, or a mask that is stretched over the picture.",
                ),
                io.Float.Input(
                    "weight", default=1.0, min=0.0, max=10.0, step=0.05, tooltip="How strongly it acts; 0 takes it out."
                ),
                io.Float.Input(
                    "start",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Share of the sampling at which it begins.",
                ),
                io.Float.Input(
                    "end", default=1.0, min=0.0, max=1.0, step=0.01, tooltip="Share of the sampling at which it ends."
                ),
                io.String.Input("name", default="", optional=True, tooltip="For messages and maps."),
                io.Conditioning.Input("negative", optional=True, tooltip="What shall not be there."),
                types.Regions.Input("regions", optional=True, tooltip="Earlier regions; this one lies over them."),
                io.Combo.Input(
                    "lora",
                    options=[NO_LORA, *folder_paths.get_filename_list("loras")],
                    default=NO_LORA,
                    optional=True,
                    tooltip="A LoRA that acts in this region only, in the diffusion model: the conditioning is taken as it is. Encode"
                    " it with the LoRA too, if it has a part for the text encoder.",
                ),
                io.Float.Input(
                    "lora_strength",
                    default=1.0,
                    min=-STRONGEST,
                    max=STRONGEST,
                    step=0.01,
                    optional=True,
                    tooltip="How strongly the LoRA acts; 0 takes it out.",
                ),
                types.Loras.Input(
                    "loras",
                    optional=True,
                    tooltip="From LoRA Stack: LoRAs that act in this region only, as lora does and beside it.",
                ),
            ],
            outputs=[types.Regions.Output(display_name="regions", tooltip="All of them, for Regions or the next one.")],
        )

    @classmethod
    def validate_inputs(cls, lora: str | None = None, place: Any = None) -> bool:
        # What is named here ComfyUI does not look up in its list: a missing file is told where it was looked for. It hands on what
        # a dynamic combo holds whether it is asked for or not, and would blame that as well: so execute says it.
        return True

    @classmethod
    def execute(
        cls,
        conditioning: Conditioning,
        weight: float,
        start: float,
        end: float,
        place: Choice | None = None,
        name: str = "",
        negative: Conditioning | None = None,
        regions: tuple[Part, ...] = (),
        lora: str = NO_LORA,
        lora_strength: float = 1.0,
        loras: tuple[Lora, ...] = (),
    ) -> io.NodeOutput:
        from ..resonance.host.loras import find

        place = chosen(place, "place", ("box", "mask"))
        name = name.strip() or f"region {len(regions) + 1}"
        for _, values in (*conditioning, *(negative or [])):
            if "mask" in values or "area" in values:
                raise Told(f"The conditioning of {name} has a place already: connect it without mask and area.")
        mask: torch.Tensor = place["mask"] if place["place"] == "mask" else _box(name, **place)
        masks = mask.reshape(-1, *mask.shape[-2:])
        if len(masks) != 1:
            raise Told(f"Expected one mask for {name}, got {len(masks)}: make a region of each.")
        mask = masks[0].nan_to_num().clamp(0, 1)
        acting = loras if lora == NO_LORA else (Lora(lora, lora_strength), *loras)
        for each in acting:
            find(each.file)
        return io.NodeOutput((*regions, Part(name, conditioning, mask, weight, start, end, negative, acting)))


def _box(name: str, left: float, top: float, right: float, bottom: float, place: str) -> torch.Tensor:
    if left >= right or top >= bottom:
        raise Told(f"The box of {name} is empty: left must be less than right, and top less than bottom.")
    rows, columns = (
        slice(min(round(a * GRID), GRID - 1), max(round(b * GRID), round(a * GRID) + 1))
        for a, b in ((top, bottom), (left, right))
    )
    mask = torch.zeros(GRID, GRID)
    mask[rows, columns] = 1
    return mask


class RegionHeat(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceRegionHeat",
            display_name="Region Heat",
            category=CATEGORY,
            description="Shows where the words of each region acted while the picture was sampled. Set capture in Regions.",
            search_aliases=["attention map", "heat map", "daam", "cross attention", "attention heat"],
            inputs=[
                io.Model.Input("model", tooltip="From Regions, with capture."),
                io.Image.Input("image", tooltip="The decoded picture; the maps are laid over it."),
                io.Float.Input("opacity", default=0.7, min=0.0, max=1.0, step=0.05, tooltip="1 hides the picture."),
            ],
            outputs=[
                io.Image.Output(
                    display_name="image",
                    tooltip="One picture per part and picture of the batch, the global words first.",
                ),
                io.Mask.Output(display_name="maps", tooltip="The maps themselves, in the resolution of capture."),
                io.String.Output(display_name="names", is_output_list=True, tooltip="The parts, in the same order."),
            ],
            has_intermediate_output=True,
        )

    @classmethod
    def execute(cls, model: io.Model.Type, image: torch.Tensor, opacity: float) -> io.NodeOutput:
        from ..resonance.host import regions as host

        maps, names = host.heat_of(model)
        # The editor lays the maps of the first picture over it.
        shown = {
            "picture": ui.PreviewImage(image[:1], cls=cls).values[0],
            "maps": ui.PreviewMask(maps[0], cls=cls).values,
            "names": names,
        }
        return io.NodeOutput(
            host.overlay(image, maps, opacity), maps.flatten(0, 1), list(names), ui={"resonance_heat": [shown]}
        )


NODES = [Regions, RegionFromConditioning, EncodeCanvas, RegionHeat]
