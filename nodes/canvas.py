"""Layouts: written by hand, painted, and as masks."""

import torch
from comfy_api.v0_0_2 import io, ui
from comfy_execution.graph_utils import ExecutionBlocker

from ..resonance import graph
from ..resonance.attention.parts import resize
from ..resonance.canvas import pick
from ..resonance.canvas.canvas import GRID
from ..resonance.canvas.canvas import Canvas as Layout
from ..resonance.told import Told
from .types import Canvas

CATEGORY = "Resonance/Canvas"
MOST = 16384
NO_VAE = "Render Canvas makes a latent only with a VAE: connect vae, or use the image."


class CanvasByHand(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceCanvas",
            display_name="Canvas",
            category=CATEGORY,
            description="A layout, drawn in the editor or written as text: JSON, or a program as Omost's models write it, which is"
            " read and never executed. It can start from a canvas or from core's bounding boxes; edits count until those change.",
            search_aliases=["omost", "layout", "regions", "bounding boxes", "bbox", "load canvas", "regional prompt"],
            inputs=[
                io.String.Input(
                    "canvas_text",
                    multiline=True,
                    default="",
                    placeholder="JSON, Omost program or boxes; empty: what is connected",
                    tooltip="The layout. Its key `from` ties it to the canvas it was edited from: while that one is"
                    " connected unchanged the text counts, else what is connected.",
                ),
                io.Int.Input(
                    "width",
                    default=1024,
                    min=64,
                    max=MOST,
                    step=8,
                    tooltip="Width in pixels that boxes are measured on, in and out. A connected image goes before.",
                ),
                io.Int.Input(
                    "height",
                    default=1024,
                    min=64,
                    max=MOST,
                    step=8,
                    tooltip="Height in pixels that boxes are measured on, in and out. A connected image goes before.",
                ),
                Canvas.Input("canvas", optional=True, tooltip="A layout to start from, such as Canvas Chat's."),
                io.MultiType.Input(
                    "boxes",
                    [io.BoundingBox, io.Array, io.Dict, io.String],
                    optional=True,
                    tooltip="Boxes to start from: core's bounding boxes or elements, an Ideogram prompt, or any of these as JSON.",
                ),
                io.Image.Input(
                    "image", optional=True, tooltip="Background for the editor. Its size is that of the boxes."
                ),
            ],
            outputs=[
                Canvas.Output(display_name="canvas", tooltip="The layout that counts."),
                io.Mask.Output(
                    display_name="masks", tooltip="One mask per region, the global one first, of 90 x 90 cells."
                ),
                io.BoundingBox.Output(
                    display_name="boxes",
                    tooltip="One box per region without the global one, far to near, in pixels, with its words and colour. Masks, LoRAs and"
                    " pictures have no place in it.",
                ),
                io.String.Output(display_name="json", tooltip="The layout as JSON, as Omost has it and more."),
            ],
            hidden=[io.Hidden.unique_id],
            has_intermediate_output=True,
        )

    @classmethod
    def fingerprint_inputs(cls, canvas_text: str | None = None, **_: object) -> str:
        """Another picture may lie under a name tomorrow, and all that hangs on the canvas must see it."""
        from ..resonance.host.region_pictures import stamp

        return stamp(canvas_text or "")

    @classmethod
    def execute(
        cls,
        canvas_text: str,
        width: int,
        height: int,
        canvas: Layout | None = None,
        boxes: object = None,
        image: torch.Tensor | None = None,
    ) -> io.NodeOutput:
        from ..resonance.canvas import edits, listing
        from ..resonance.canvas.boxes import to_boxes
        from ..resonance.canvas.masks import masks
        from ..resonance.host import canvas as host

        if image is not None:
            height, width = image.shape[1:3]
        upstream, noted = canvas, ()
        if boxes is not None:
            placed = edits.with_boxes(canvas, boxes, width, height)
            upstream, noted = placed.canvas, placed.notes
        found = edits.effective(canvas_text, upstream, width, height)
        host.say(found.canvas, (*noted, *found.notes), cls.hidden.unique_id)
        written = listing.write(found.canvas)
        shown = {
            "resonance_canvas": [written],
            "resonance_upstream": [listing.write(upstream)] if upstream else [],
            "resonance_from": [listing.digest(upstream) if upstream else ""],
            "resonance_size": [width, height],
            "resonance_background": [] if image is None else ui.PreviewImage(image[:1], cls=cls).values,
        }
        return io.NodeOutput(
            found.canvas, masks(found.canvas), to_boxes(found.canvas, width, height), written, ui=shown
        )


class RenderCanvas(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceRenderCanvas",
            display_name="Render Canvas",
            category=CATEGORY,
            description="Paints the layout as a sketch of its colours, far to near, to start a picture from: use the latent at a"
            " denoise of 0.95 to 0.99.",
            search_aliases=["omost", "initial latent", "colour sketch", "init image", "layout to image"],
            inputs=[
                Canvas.Input("canvas", tooltip="The layout to paint."),
                io.Int.Input("width", default=1024, min=64, max=MOST, step=8, tooltip="Width in pixels."),
                io.Int.Input("height", default=1024, min=64, max=MOST, step=8, tooltip="Height in pixels."),
                io.Int.Input(
                    "blur",
                    default=40,
                    min=0,
                    max=GRID - 1,
                    tooltip="Radius of the blur in cells of the 90 x 90 grid: 40 as in Omost's demo, 0 for hard edges.",
                ),
                io.Vae.Input("vae", optional=True, tooltip="Makes the latent. Needed only for that output."),
            ],
            outputs=[
                io.Image.Output(display_name="image", tooltip="The sketch."),
                io.Mask.Output(display_name="masks", tooltip="One mask per region at that size, the global one first."),
                io.Latent.Output(display_name="latent", tooltip="The sketch as latent. Needs vae."),
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt],
        )

    @classmethod
    def execute(
        cls, canvas: Layout, width: int, height: int, blur: int, vae: io.Vae.Type | None = None
    ) -> io.NodeOutput:
        from ..resonance.canvas.masks import masks
        from ..resonance.canvas.render import render

        image = render(canvas, width, height, blur)
        if vae is not None:
            latent = {"samples": vae.encode(image)}
        elif graph.is_used(cls.hidden.prompt, cls.hidden.unique_id, 2):
            raise Told(NO_VAE)
        else:
            # For a link that is made later, when this result comes from the cache.
            latent = ExecutionBlocker(NO_VAE)
        return io.NodeOutput(image, resize(masks(canvas), height, width), latent)


class RegionMasks(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceRegionMasks",
            display_name="Region Masks",
            category=CATEGORY,
            description="The places of a layout as masks, for ControlNet, IP-Adapter, inpainting or anything else that takes one.",
            search_aliases=["omost", "layout to mask", "region mask", "split regions"],
            inputs=[
                Canvas.Input("canvas", tooltip="The layout."),
                io.String.Input(
                    "which",
                    default="",
                    placeholder="all",
                    tooltip="Names or numbers of regions, separated by commas, in the order wanted; 0 is the global one."
                    " Empty: all.",
                ),
                io.Int.Input(
                    "width", default=0, min=0, max=MOST, step=8, tooltip="Width in pixels; 0: 90, as the grid."
                ),
                io.Int.Input(
                    "height", default=0, min=0, max=MOST, step=8, tooltip="Height in pixels; 0: 90, as the grid."
                ),
            ],
            outputs=[
                io.Mask.Output(display_name="masks", tooltip="One mask per region, as a batch."),
                io.String.Output(
                    display_name="names", is_output_list=True, tooltip="The regions' names, in that order."
                ),
            ],
        )

    @classmethod
    def execute(cls, canvas: Layout, which: str, width: int, height: int) -> io.NodeOutput:
        from ..resonance.canvas.masks import masks

        numbers = pick.numbers(canvas, which)
        chosen = masks(canvas)[list(numbers)]
        return io.NodeOutput(resize(chosen, height or GRID, width or GRID), [canvas.label(n) for n in numbers])


NODES = [CanvasByHand, RenderCanvas, RegionMasks]
