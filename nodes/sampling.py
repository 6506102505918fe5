"""kohya's ways of sampling that act in the model."""

from comfy_api.v0_0_2 import io

from ..resonance.host import progress
from ..resonance.paint import deep_shrink, negative_scale
from ..resonance.session.item import Item
from . import types

CATEGORY = "Resonance/Prompt lines"


class NegativeScale(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceNegativeScale",
            display_name="Negative Scale",
            category=CATEGORY,
            description="Sets how strongly the negative prompt acts, whatever the CFG scale: kohya's negative_scale. For every model that"
            " is guided by a negative prompt, in KSampler or with CFGGuider. A step takes about half as long again.",
            search_aliases=[
                "negative_scale",
                "negative prompt strength",
                "negative weight",
                "kohya",
                "gen_img",
                "dual cfg",
            ],
            inputs=[
                io.Model.Input("model", tooltip="The model, as it goes to the sampler."),
                io.Clip.Input("clip", tooltip="The model's text encoder. It encodes the empty prompt, once."),
                io.Float.Input(
                    "negative_scale",
                    default=4.0,
                    min=negative_scale.OFF,
                    max=100.0,
                    step=0.1,
                    tooltip="How strongly the negative prompt pushes away. 0: not at all, as if it were empty. CFG scale - 1: as without this"
                    " node. Below 0: off. What a prompt line gives with --nl goes before this.",
                ),
                types.Item.Input(
                    "item",
                    optional=True,
                    tooltip="A prompt line's --nl goes before negative_scale, for its picture only; --nl none is off.",
                ),
            ],
            outputs=[io.Model.Output(tooltip="The model; the same one as long as nothing changes.")],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls, model: io.Model.Type, clip: io.Clip.Type, negative_scale: float, item: Item | None = None
    ) -> io.NodeOutput:
        from ..resonance.host.negative_scale import scaled
        from ..resonance.paint.negative_scale import of_line

        given = of_line(item)
        scale = negative_scale if given is None else given
        says = "Off: the negative prompt is guided as ever." if scale < 0 else f"The negative prompt acts at {scale:g}."
        progress.say(says if given is None else f"{says} The prompt line says so.", cls.hidden.unique_id)
        return io.NodeOutput(model if scale < 0 else scaled(model, clip, scale))


class DeepShrink(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        own = deep_shrink.Shrink(depth_1=deep_shrink.DEPTH, timesteps_2=350)

        def depth(name: str, default: int, tooltip: str) -> io.Input:
            return io.Int.Input(name, default=default, min=deep_shrink.OFF, max=8, tooltip=tooltip)

        def timesteps(name: str, default: int, tooltip: str) -> io.Input:
            return io.Int.Input(name, default=default, min=0, max=1000, tooltip=tooltip)

        return io.Schema(
            node_id="ResonanceDeepShrink",
            display_name="Deep Shrink",
            category=CATEGORY,
            description="For pictures that are larger than what a model was trained on: its first steps see a smaller picture, so that"
            " nothing is doubled. kohya's Deep Shrink, with its depths, time steps and second phase, for SD1.5, SD2 and SDXL.",
            search_aliases=[
                "kohya",
                "hires fix",
                "high resolution",
                "downscale",
                "ds_depth_1",
                "gen_img",
                "PatchModelAddDownscale",
            ],
            inputs=[
                io.Model.Input("model", tooltip="SD1.5, SD2 or SDXL, behind nodes that change its schedule."),
                depth(
                    "depth_1",
                    own.depth_1,
                    "How deep in the UNet the picture is shrunk first: 0 to 3 in SD1.5 and SD2, 0 to 8 in SDXL. 0 is all of it, and the"
                    " fastest; deeper changes less. -1: off.",
                ),
                timesteps(
                    "timesteps_1",
                    own.timesteps_1,
                    "Down to which time step it is; a picture begins at 1000 and is done at 0.",
                ),
                depth("depth_2", own.depth_2, "How deep it is shrunk from timesteps_1 on. -1: no more."),
                timesteps(
                    "timesteps_2", own.timesteps_2, "Down to which time step that lasts. It must be below timesteps_1."
                ),
                io.Float.Input(
                    "ratio",
                    default=own.ratio,
                    min=0.05,
                    max=1.0,
                    step=0.05,
                    tooltip="To which share of its width and height it is shrunk.",
                ),
                types.Item.Input(
                    "item",
                    optional=True,
                    tooltip="What a prompt line gives with --dsd1, --dst1, --dsd2, --dst2 and --dsr goes before the widgets, for its picture"
                    f" only. Where depth_1 is -1, any of them switches this on, at depth {deep_shrink.DEPTH} unless it says another.",
                ),
            ],
            outputs=[io.Model.Output(tooltip="The model; the same one as long as nothing changes.")],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls,
        model: io.Model.Type,
        depth_1: int,
        timesteps_1: int,
        depth_2: int,
        timesteps_2: int,
        ratio: float,
        item: Item | None = None,
    ) -> io.NodeOutput:
        from ..resonance.host.deep_shrink import shrunk

        shrink = deep_shrink.asked(item, deep_shrink.Shrink(depth_1, timesteps_1, depth_2, timesteps_2, ratio))
        progress.say(shrink.says(), cls.hidden.unique_id)
        return io.NodeOutput(shrunk(model, shrink))


NODES = [NegativeScale, DeepShrink]
