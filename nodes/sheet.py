"""Choosing by eye, and a rest for the graphics card."""

import torch
from comfy_api.v0_0_2 import io

from ..resonance.host import cooldown
from ..resonance.images import from_tensor, to_tensor
from ..resonance.told import Told
from ..resonance.vary import sheet
from ..resonance.vary.waits import read_waits

CATEGORY = "Resonance/Vary"


class ContactSheet(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceContactSheet",
            display_name="Contact Sheet",
            category=CATEGORY,
            description="Puts many pictures on one sheet, with numbers and labels under them, for choosing by eye.",
            search_aliases=["image grid", "montage", "collage", "xy plot", "overview", "thumbnails", "compare images"],
            inputs=[
                io.Image.Input("images", tooltip="A batch, or a list of pictures of any sizes."),
                io.String.Input(
                    "labels",
                    multiline=True,
                    optional=True,
                    tooltip="One label on each line, in the order of the pictures; an empty line leaves one picture without. A list"
                    " of texts is read one after another. Labels without a picture are left out.",
                ),
                io.Int.Input(
                    "columns",
                    default=0,
                    min=0,
                    max=1000,
                    tooltip="Pictures in a row. 0: as many as make the sheet nearly square.",
                ),
                io.Int.Input(
                    "cell",
                    default=256,
                    min=sheet.CELLS[0],
                    max=sheet.CELLS[1],
                    tooltip="Longer side of each picture on the sheet, in pixels. The labels grow with it.",
                ),
                io.Boolean.Input(
                    "numbers", default=True, tooltip="Write a number from 1 under each picture, before its label."
                ),
                io.Combo.Input("background", options=list(sheet.COLORS), tooltip="What the pictures lie on."),
            ],
            outputs=[io.Image.Output("sheet", tooltip="One picture with all of them.")],
            is_input_list=True,
        )

    @classmethod
    def execute(
        cls,
        images: list[torch.Tensor],
        columns: list[int],
        cell: list[int],
        numbers: list[bool],
        background: list[sheet.Background],
        labels: list[str] | None = None,
    ) -> io.NodeOutput:
        made = sheet.make(
            [picture for batch in images for picture in from_tensor(batch)],
            [line for text in labels or [] for line in text.splitlines() or [""]],
            columns=columns[0],
            cell=cell[0],
            numbers=numbers[0],
            background=background[0],
        )
        return io.NodeOutput(to_tensor(made))


class Cooldown(io.ComfyNode):
    # Nothing makes it run again for the same value: whatever did would also have everything below made again.

    @classmethod
    def define_schema(cls) -> io.Schema:
        value = io.MatchType.Template("value")
        return io.Schema(
            node_id="ResonanceCooldown",
            display_name="Cooldown",
            category=CATEGORY,
            description="Waits before it passes a value on, so that the graphics card can cool down between pictures. Put it into a"
            " link whose value is new for every picture, such as the seed.",
            search_aliases=["wait", "sleep", "pause", "delay", "temperature", "gpu heat"],
            inputs=[
                io.MatchType.Input(
                    "value",
                    template=value,
                    tooltip="Anything that is new for every picture: the seed, the prompt, the source picture. A list counts as one"
                    " value.",
                ),
                io.String.Input(
                    "waits",
                    default="3,3,3",
                    tooltip="Seconds to wait: after each picture, after each third, after each ninth. One number stands for all"
                    " three. There is no wait before the first picture.",
                ),
                io.Int.Input(
                    "made",
                    optional=True,
                    force_input=True,
                    tooltip="How many pictures are made already. Without it the node counts its own runs since ComfyUI started.",
                ),
            ],
            outputs=[
                io.MatchType.Output(value, "value", tooltip="The same value.", is_output_list=True),
            ],
            hidden=[io.Hidden.unique_id],
            is_input_list=True,
        )

    @classmethod
    def validate_inputs(cls, waits: list[str | None]) -> bool | str:
        try:
            if waits[0] is not None:
                read_waits(waits[0])
        except Told as error:
            return str(error)
        return True

    @classmethod
    def execute(cls, value: list[object], waits: list[str], made: list[int] | None = None) -> io.NodeOutput:
        if made:
            cooldown.wait(read_waits(waits[0]).before(made[0]), cls.hidden.unique_id)
        else:
            cooldown.wait_own(read_waits(waits[0]), cls.hidden.unique_id)
        return io.NodeOutput(value)


NODES = [ContactSheet, Cooldown]
