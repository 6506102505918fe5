"""ComfyUI_omost's nodes that make, show and use a layout."""

from dataclasses import replace

from comfy_api.v0_0_2 import io

from ...resonance.attention.area import Overlap
from ...resonance.attention.methods.omost import OmostDense
from ...resonance.attention.parts import Conditioning
from ...resonance.canvas.canvas import GRID, Canvas
from . import sockets


class LoadJSON(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="OmostLoadCanvasConditioningNode",
            display_name="Omost Load Canvas Conditioning",
            category=sockets.CATEGORY,
            description="For old workflows; new ones use Canvas. A layout from its JSON.",
            search_aliases=["omost", "canvas", "layout"],
            is_deprecated=True,
            inputs=[io.String.Input("json_str", multiline=True, tooltip="The layout as Omost's JSON list.")],
            outputs=[sockets.Canvas.Output(tooltip="The layout.")],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, json_str: str) -> io.NodeOutput:
        return _loaded(json_str, cls.hidden.unique_id)


class LoadProgram(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="OmostLoadCanvasPythonCodeNode",
            display_name="Omost Load Canvas Python Code",
            category=sockets.CATEGORY,
            description="For old workflows; new ones use Canvas. A layout from an Omost program, which is read and never "
            "executed.",
            search_aliases=["omost", "canvas", "layout"],
            is_deprecated=True,
            inputs=[
                io.String.Input("python_str", multiline=True, tooltip="The layout as a program of Omost's models.")
            ],
            outputs=[sockets.Canvas.Output(tooltip="The layout.")],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, python_str: str) -> io.NodeOutput:
        return _loaded(python_str, cls.hidden.unique_id)


def _loaded(text: str, node_id: str | None) -> io.NodeOutput:
    from ...resonance.canvas.read import read_canvas
    from ...resonance.host import canvas as host

    found = read_canvas(text)
    host.say(found.canvas, found.notes, node_id)
    return io.NodeOutput(found.canvas)


class Render(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="OmostRenderCanvasConditioningNode",
            display_name="Omost Render Canvas Conditioning",
            category=sockets.CATEGORY,
            description="For old workflows; new ones use Render Canvas. The layout as a sketch of its colours, 90 x 90 pixels.",
            search_aliases=["omost", "render canvas", "colour sketch"],
            is_deprecated=True,
            inputs=[sockets.canvas_conds()],
            outputs=[
                io.Image.Output(tooltip="The sketch, not blurred."),
                io.Mask.Output(tooltip="One mask per region, the global one first."),
            ],
        )

    @classmethod
    def execute(cls, canvas_conds: Canvas) -> io.NodeOutput:
        from ...resonance.canvas.masks import masks
        from ...resonance.canvas.render import render

        return io.NodeOutput(render(canvas_conds, GRID, GRID, 0), masks(canvas_conds))


class GreedyBags(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="OmostGreedyBagsTextEmbeddingNode",
            display_name="Omost Greedy Bags Text Embedding",
            category=sockets.CATEGORY,
            description="For old workflows; new ones use Encode Canvas. All words of a layout, wherever its regions are.",
            search_aliases=["omost", "encode canvas", "greedy bags"],
            is_deprecated=True,
            inputs=[
                sockets.canvas_conds(),
                io.Clip.Input("clip", tooltip="The text encoder of the model that shall paint."),
            ],
            outputs=[io.Conditioning.Output(tooltip="77 tokens per bag; the pooled vector is the first bag's.")],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, canvas_conds: Canvas, clip: io.Clip.Type) -> io.NodeOutput:
        from ...resonance.host.encode import encode_all
        from ...resonance.host.region_pictures import say_unseen

        say_unseen(canvas_conds, cls.hidden.unique_id)
        return io.NodeOutput(encode_all(clip, canvas_conds))


class Area(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="OmostLayoutCondNode",
            display_name="Omost Layout Cond (ComfyUI-Area)",
            category=sockets.CATEGORY,
            description="For old workflows; new ones use Regions. Each region of a layout as a conditioning with a mask.",
            search_aliases=["omost", "regions", "area composition"],
            is_deprecated=True,
            inputs=[
                sockets.canvas_conds(),
                io.Clip.Input("clip", tooltip="The text encoder of the model that shall paint."),
                io.Float.Input(
                    "global_strength",
                    default=0.2,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Share of the words that act everywhere.",
                ),
                io.Float.Input(
                    "region_strength",
                    default=0.8,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Share of a region's own words, where it is.",
                ),
                io.Combo.Input(
                    "overlap_method",
                    options=["overlay", "average"],
                    default="average",
                    tooltip="Where regions overlap, the nearest has the place (overlay), or they share it (average).",
                ),
                io.Conditioning.Input(
                    "positive", optional=True, tooltip="Put before the regions as it is, without a mask and strength."
                ),
            ],
            outputs=[
                io.Conditioning.Output(tooltip="What was connected, the global words, then the regions, far to near."),
                io.Mask.Output(tooltip="The mask of each, the global one first, with overlaps resolved."),
            ],
        )

    @classmethod
    def execute(
        cls,
        canvas_conds: Canvas,
        clip: io.Clip.Type,
        global_strength: float,
        region_strength: float,
        overlap_method: Overlap,
        positive: Conditioning | None = None,
    ) -> io.NodeOutput:
        from ...resonance.host.regions import Sources, by_area

        placed = by_area(None, Sources(clip, _renewed(canvas_conds)), overlap_method, global_strength, region_strength)
        return io.NodeOutput([*(positive or []), *placed.positive], placed.masks)


def _renewed(canvas: Canvas) -> Canvas:
    """Every region with the global prefixes of now before its own: the old editor left those of before in their place."""
    shared = canvas.whole.prefixes
    regions = (replace(r, prefixes=(*shared, *r.prefixes[len(shared) :])) for r in canvas.locals)
    return replace(canvas, regions=(canvas.whole, *regions))


class Dense(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="OmostDenseDiffusionLayoutNode",
            display_name="Omost Layout Cond (OmostDenseDiffusion)",
            category=sockets.CATEGORY,
            description="For old workflows; new ones use Regions with dense diffusion (omost). The words of each region act where "
            "it is, in one pass of the model.",
            search_aliases=["omost", "regions", "dense diffusion"],
            is_deprecated=True,
            inputs=[
                io.Model.Input("model", tooltip="Stable Diffusion 1.5, 2 or SDXL. A clone of it is patched."),
                sockets.canvas_conds(),
                io.Clip.Input("clip", tooltip="The text encoder of that model."),
            ],
            outputs=[
                io.Model.Output(tooltip="The model with its attention patched."),
                io.Conditioning.Output(tooltip="To the sampler, with this model."),
            ],
        )

    @classmethod
    def execute(cls, model: io.Model.Type, canvas_conds: Canvas, clip: io.Clip.Type) -> io.NodeOutput:
        from ...resonance.host.regions import Sources, by_attention

        placed = by_attention(model, Sources(clip, canvas_conds), OmostDense())
        return io.NodeOutput(placed.model, placed.positive)


NODES = [LoadJSON, LoadProgram, Render, GreedyBags, Area, Dense]
