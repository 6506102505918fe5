"""Regions from a prompt with AND and a picture in colours."""

import torch
from comfy_api.v0_0_2 import io

from ..resonance.canvas.canvas import Lora
from ..resonance.host import progress
from ..resonance.session.item import Item
from ..resonance.told import Told
from . import types
from .inputs import Choice, chosen
from .regions import CATEGORY


class RegionsFromMask(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceRegionsFromMask",
            display_name="Regions from Mask",
            category=CATEGORY,
            description="Takes a prompt apart at AND and gives each part a place by the colours of a picture, and a LoRA of its own: the"
            " first part has the first colour and the first LoRA. A part without a colour acts everywhere. For Regions.",
            search_aliases=[
                "regional lora",
                "lora mask",
                "RGB mask",
                "color mask",
                "AND prompt",
                "latent couple",
                "attention couple",
                "kohya gen_img",
            ],
            inputs=[
                io.Clip.Input("clip", tooltip="The text encoder of the model that paints."),
                io.String.Input(
                    "prompt",
                    multiline=True,
                    default="",
                    tooltip="What to paint, part by part, with AND between the parts, in capitals and with blanks around it. Each part is"
                    " encoded by itself, with its LoRA.",
                ),
                io.Image.Input(
                    "image",
                    tooltip="The places in colours, of any size; it is stretched over the picture. One picture, best a PNG.",
                ),
                io.DynamicCombo.Input(
                    "colors",
                    options=[
                        io.DynamicCombo.Option("channels", []),
                        io.DynamicCombo.Option(
                            "codes",
                            [
                                io.Int.Input(
                                    "codes",
                                    default=7,
                                    min=1,
                                    max=7,
                                    tooltip="How many parts have a colour. The parts after these act everywhere.",
                                )
                            ],
                        ),
                    ],
                    tooltip="channels: how red a pixel is tells how strongly the first part acts there, green the second, blue the third; a"
                    " channel that is black all over stands for the whole picture. codes: the first part has the pixels that are exactly"
                    " red, then come green, yellow, blue, magenta, cyan and white.",
                ),
                io.String.Input(
                    "negative",
                    multiline=True,
                    default="",
                    optional=True,
                    tooltip="What to keep out of the picture. Where a LoRA changes the text encoder, it is encoded with that, too.",
                ),
                types.Loras.Input(
                    "loras",
                    optional=True,
                    tooltip="From LoRA Stack: the first acts where the first part does, and so on. Parts after the last have none.",
                ),
                types.Item.Input(
                    "item",
                    optional=True,
                    tooltip="From Prompt Lines: the words of its line go before prompt and negative.",
                ),
            ],
            outputs=[
                types.Regions.Output(
                    display_name="regions", tooltip="The parts that have a place or a LoRA, for Regions."
                ),
                io.Conditioning.Output(
                    display_name="positive",
                    tooltip="The parts that act everywhere, for Regions. None: the empty text.",
                ),
                io.Conditioning.Output(display_name="negative", tooltip="The words of negative, for Regions."),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls,
        clip: io.Clip.Type,
        prompt: str,
        image: torch.Tensor,
        colors: Choice | None = None,
        negative: str = "",
        loras: tuple[Lora, ...] = (),
        item: Item | None = None,
    ) -> io.NodeOutput:
        from ..resonance.attention import from_mask
        from ..resonance.host import from_mask as host
        from ..resonance.paint.encoding import Prompts, prompts_of

        colors = chosen(colors, "colors", ("channels", "codes"))
        if len(image) != 1:
            raise Told(f"Expected one picture of the places, got {len(image)}: choose one with Get Image from Batch.")
        said = {*prompts_of(item, Prompts(prompt, negative))}
        if len(said) > 1:
            raise Told(
                f"This run has {len(said)} different prompts at once, and a picture has places for one: set batch_size of Prompt Lines"
                " to 1."
            )
        [both] = said
        parts = from_mask.parts(both.positive, image[0], loras, colors.get("codes"))
        placed = host.place(clip, parts, both.negative)
        where = [
            f"{number} {part.name}: {part.color or 'everywhere'}{f', {part.lora.file}' if part.lora else ''}"
            for number, part in enumerate(parts, 1)
        ]
        progress.say("\n".join(where), cls.hidden.unique_id)
        return io.NodeOutput(*placed)


NODES = [RegionsFromMask]
