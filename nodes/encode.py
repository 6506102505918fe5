"""Prompts as sd-scripts encodes them."""

from comfy_api.v0_0_2 import io
from comfy_execution.graph_utils import ExecutionBlocker

from ..resonance.paint.emphasis import MODES, Mode
from ..resonance.session.item import Item
from ..resonance.sizes import SIDES
from ..resonance.told import Told
from . import types

MOST = 32
"""Chunks."""
LAYERS = 12
"""Those of CLIP-L, which has the fewest."""


class EncodeLine(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        sizes = (
            ("width", 1024, "Width of the picture. SDXL is told of it; a line of item says it itself."),
            ("height", 1024, "Height of the picture. SDXL is told of it; a line of item says it itself."),
            ("original_width", 0, "SDXL: the width that the picture is to look scaled from. 0: its own."),
            ("original_height", 0, "SDXL: the height that the picture is to look scaled from. 0: its own."),
            ("original_width_negative", 0, "SDXL: original_width of the negative prompt. 0: that of the prompt."),
            ("original_height_negative", 0, "SDXL: original_height of the negative prompt. 0: that of the prompt."),
            ("crop_left", 0, "SDXL: how much is to look cropped on the left, in both prompts."),
            ("crop_top", 0, "SDXL: how much is to look cropped at the top, in both prompts."),
        )
        return io.Schema(
            node_id="ResonanceEncodeLine",
            display_name="Encode Line",
            category="Resonance/Prompt lines",
            description="Encodes a prompt and its negative prompt as kohya's gen_img does, for SD1.5, SD2 and SDXL: (word:1.3) and [word]"
            " weigh what comes out of the text encoder, BREAK begins a new chunk, and both prompts have the same number of chunks. With"
            " item it encodes the prompts of all pictures of a batch.",
            search_aliases=[
                "kohya",
                "sd-scripts",
                "gen_img",
                "clip text encode",
                "prompt weights",
                "BREAK",
                "clip skip",
                "emb_normalize_mode",
                "max_embeddings_multiples",
                "textual inversion",
                "long prompt",
            ],
            inputs=[
                io.Clip.Input("clip", tooltip="The text encoder of SD1.5, SD2 or SDXL."),
                io.String.Input(
                    "positive",
                    default="",
                    multiline=True,
                    tooltip="The prompt. It does not count where item brings prompt lines.",
                ),
                io.String.Input(
                    "negative",
                    default="",
                    multiline=True,
                    tooltip="The negative prompt. It also counts for lines of item that give none with --n.",
                ),
                io.Combo.Input(
                    "emb_normalize_mode",
                    options=list(MODES),
                    default="original",
                    tooltip="After words were weighted, all vectors are scaled. original: until their mean is what it was, unless it is"
                    " next to zero. abs: until the mean of their magnitudes is. none: not at all.",
                ),
                io.Int.Input(
                    "chunks",
                    default=3,
                    min=1,
                    max=MOST,
                    tooltip="How many chunks of 75 tokens a prompt may have: gen_img's max_embeddings_multiples. The node says what it"
                    " leaves out.",
                ),
                io.Int.Input(
                    "clip_skip",
                    default=0,
                    min=0,
                    max=LAYERS,
                    tooltip="Which layer of the text encoder counts: 1 is the last, 2 the one before it. 0: the one that clip says.",
                ),
                io.String.Input(
                    "embeddings",
                    default="",
                    optional=True,
                    advanced=True,
                    tooltip="Names of embeddings that act where they are words of a prompt, with commas between them. Others are written"
                    " as embedding:name.",
                ),
                *(
                    io.Int.Input(name, default=default, min=0, max=SIDES[1], optional=True, advanced=True, tooltip=tip)
                    for name, default, tip in sizes
                ),
                types.Item.Input(
                    "item",
                    optional=True,
                    tooltip="From Prompt Lines. What its lines say goes before the widgets, for each picture of a batch.",
                ),
                io.Float.Input(
                    "highres_scale",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    optional=True,
                    advanced=True,
                    tooltip="SDXL: for the first of two passes, highres_scale of Prompt Lines. SDXL is then told of all sizes times this.",
                ),
                io.String.Input(
                    "xti",
                    default="",
                    optional=True,
                    advanced=True,
                    tooltip="SD1.5: names of XTI files of models/embeddings, with commas between them, that act where they are words of a"
                    " prompt. It needs model.",
                ),
                io.Model.Input(
                    "model",
                    optional=True,
                    tooltip="For xti: the model, Stable Diffusion 1.5. It is not changed: take the one that comes out.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(display_name="positive", tooltip="To the sampler, Regions or Apply ControlNet."),
                io.Conditioning.Output(display_name="negative", tooltip="To the sampler, Regions or Apply ControlNet."),
                io.Model.Output(
                    display_name="model", tooltip="For xti: to the sampler or Regions. Without xti, the one that came."
                ),
            ],
            has_intermediate_output=True,
        )

    @classmethod
    def validate_inputs(cls, embeddings: str | None = None) -> bool | str:
        from ..resonance.host import weighted

        try:
            weighted.embedding_names(embeddings or "")
        except Told as error:
            return str(error)
        return True

    @classmethod
    def execute(
        cls,
        clip: io.Clip.Type,
        positive: str,
        negative: str,
        emb_normalize_mode: Mode,
        chunks: int,
        clip_skip: int,
        embeddings: str = "",
        width: int = 1024,
        height: int = 1024,
        original_width: int = 0,
        original_height: int = 0,
        original_width_negative: int = 0,
        original_height_negative: int = 0,
        crop_left: int = 0,
        crop_top: int = 0,
        item: Item | None = None,
        highres_scale: float = 0.0,
        xti: str = "",
        model: io.Model.Type | None = None,
    ) -> io.NodeOutput:
        from ..resonance.host import weighted
        from ..resonance.host.xti import with_xti
        from ..resonance.paint.encoding import Prompts, Sizes, prompts_of, sizes_of

        original = original_width, original_height, original_width_negative, original_height_negative
        sizes = sizes_of(item, Sizes(width, height, *original, crop_left, crop_top), highres_scale)
        prompts = prompts_of(item, Prompts(positive, negative))
        if xti.strip() and model is None:
            raise Told("xti acts in the model: connect model, and take the one that comes out to the sampler.")
        acting = with_xti(model) if xti.strip() else model
        made = weighted.encode_prompts(clip, prompts, emb_normalize_mode, chunks, clip_skip, embeddings, sizes, xti)
        return io.NodeOutput(
            made.positive,
            made.negative,
            ExecutionBlocker("Encode Line has no model: connect one to it.")
            if model is None
            else acting
            if made.xti
            else model,
            ui={"resonance_text": ["\n".join(made.notes)]},
        )


NODES = [EncodeLine]
