"""Words to a prompt, and the size of the next picture."""

import torch
from comfy_api.v0_0_2 import io

from ..resonance import prompt
from ..resonance.host import folders, latents
from ..resonance.sizes import BUCKET, CLASSES, OWN, PRESETS, choose
from .inputs import Choice, chosen, input_of
from .types import TEXT_SOCKET

CATEGORY = "Resonance/Compose"


class ComposePrompt(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceComposePrompt",
            display_name="Compose Prompt",
            category=CATEGORY,
            description="Puts your words, trigger words, tags and a caption together to a positive and a negative prompt.",
            search_aliases=["prompt", "concatenate text", "join text", "combine tags", "ban tags", "deduplicate tags"],
            inputs=[
                input_of(prompt.PREAMBLE, default=None, multiline=True),
                input_of(prompt.SUFFIX, default=None, multiline=True),
                input_of(prompt.NEGATIVE, default=None, multiline=True),
                input_of(prompt.BANNED, default=None, multiline=True),
                io.String.Input("delimiter", default=", ", tooltip=r"Stands between the parts. \n is a new line."),
                io.Combo.Input(
                    "duplicates",
                    options=["keep", "remove"],
                    tooltip="remove keeps the first of equal entries. The caption is prose and stays as it is.",
                ),
                io.Int.Input(
                    "limit",
                    default=0,
                    min=0,
                    max=100000,
                    tooltip="The most that is allowed of what is chosen below. 0: no limit.",
                ),
                io.Combo.Input(
                    "limit_counts",
                    options=["tags", "words", "characters"],
                    tooltip="tags: entries of the tags. words, characters: of the whole positive prompt; the caption is "
                    "shortened first, then the tags, never your own words or the trigger words.",
                ),
                input_of(prompt.ORDER, default=None, advanced=True),
                io.String.Input(
                    "tags", optional=True, force_input=True, tooltip="Tags of the picture, separated by commas."
                ),
                io.String.Input("caption", optional=True, force_input=True, tooltip="The picture in sentences."),
                io.String.Input(
                    "triggers",
                    optional=True,
                    force_input=True,
                    tooltip="Trigger words of the LoRAs, as Load Drawn gives them.",
                ),
                io.String.Input(
                    "neg_triggers",
                    optional=True,
                    force_input=True,
                    tooltip="Words that the LoRAs want in the negative prompt.",
                ),
                input_of(prompt.CAPTION_WEIGHTS, optional=True),
                io.Boolean.Input(
                    "wildcards",
                    default=False,
                    optional=True,
                    advanced=True,
                    tooltip="On: braces in preamble, suffix and negative choose from entries, and __name__ takes a line of"
                    " wildcards/name.txt; tags, caption and triggers stay as they are. Off: they are words.",
                ),
                io.Int.Input(
                    "wildcard_seed",
                    default=0,
                    min=0,
                    max=2**64 - 1,
                    optional=True,
                    advanced=True,
                    control_after_generate=False,
                    tooltip="What is chosen follows from it: connect the picture's seed.",
                ),
            ],
            outputs=[
                io.String.Output("positive", tooltip="The positive prompt."),
                io.String.Output("negative", tooltip="The negative prompt."),
            ],
            has_intermediate_output=True,
        )

    @classmethod
    def fingerprint_inputs(cls, wildcards: bool | None = False, **_: object) -> str:
        from ..resonance.paint.wildcards import WildcardFiles

        return "" if wildcards is False else WildcardFiles(folders.wildcard_roots()).stamp()

    @classmethod
    def execute(
        cls,
        preamble: str,
        suffix: str,
        negative: str,
        banned: str,
        delimiter: str,
        duplicates: prompt.Duplicates,
        limit: int,
        limit_counts: prompt.Counted,
        order: str,
        tags: str = "",
        caption: str = "",
        triggers: str = "",
        neg_triggers: str = "",
        caption_weights: prompt.CaptionWeights = "act",  # as ever, where a workflow does not say
        wildcards: bool = False,
        wildcard_seed: int = 0,
    ) -> io.NodeOutput:
        preamble, suffix, negative = _chosen(preamble, suffix, negative, wildcards, wildcard_seed)
        positive = prompt.compose(
            preamble=preamble,
            tags=tags,
            caption=caption,
            triggers=triggers,
            suffix=suffix,
            banned=banned,
            delimiter=delimiter.replace(r"\n", "\n"),
            order=order,
            duplicates=duplicates,
            limit=limit,
            limit_counts=limit_counts,
            caption_weights=caption_weights,
        )
        unwanted = prompt.compose_negative(negative, neg_triggers, duplicates)
        shown = f"{positive}\n\nNegative: {unwanted}" if unwanted else positive
        return io.NodeOutput(positive, unwanted, ui={"resonance_text": [shown]})


def _chosen(preamble: str, suffix: str, negative: str, wildcards: bool, seed: int) -> list[str]:
    """The texts with their choices made, if that is wanted."""
    texts = {"preamble": preamble, "suffix": suffix, "negative": negative}
    if not wildcards:
        return [*texts.values()]
    from ..resonance.paint.choices import choose_prompt
    from ..resonance.paint.wildcards import WildcardFiles

    files = WildcardFiles(folders.wildcard_roots())
    return [choose_prompt(text, seed, files, name) for name, text in texts.items()]


class LatentForImage(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        bucket_side = io.Int.Input(
            "bucket_side",
            default=1024,
            min=256,
            max=2048,
            step=64,
            tooltip="Side of the square that has as many pixels: 1024 gives SDXL's own sizes, 512 fits SD 1.x, 768 SD 2.x.",
        )
        return io.Schema(
            node_id="ResonanceLatentForImage",
            display_name="Latent for Image",
            category=CATEGORY,
            description="An empty latent for a new picture in the format of a picture, for models of every family.",
            search_aliases=["empty latent", "aspect ratio", "resolution", "size preset", "bucket", "latent size"],
            inputs=[
                io.DynamicCombo.Input(
                    "sizes",
                    options=[
                        *(io.DynamicCombo.Option(name, []) for name in CLASSES),
                        io.DynamicCombo.Option(OWN, _own_sides()),
                        io.DynamicCombo.Option(BUCKET, [bucket_side]),
                        *(io.DynamicCombo.Option(name, []) for name in PRESETS),
                    ],
                    tooltip="By the aspect of the picture: SDXL (1216x832, 832x1216, 1024x1024), SD1.5 (768x576, 576x768, "
                    "512x512), own sizes, or the nearest of the sizes that a model was trained on. Without looking at the "
                    "picture: portrait 448x768, landscape 768x448, square 576x576, optimal 512x512.",
                ),
                io.Int.Input("batch_size", default=1, min=1, max=4096, tooltip="How many pictures are made at once."),
                io.Image.Input(
                    "image", optional=True, tooltip="The picture whose format counts. Its resolution does not."
                ),
                io.MultiType.Input(
                    "aspect",
                    types=TEXT_SOCKET,
                    optional=True,
                    tooltip="Goes before the picture: landscape, portrait, square, or two sides such as 3:2 or 1216x832.",
                ),
            ],
            outputs=[
                io.Latent.Output(tooltip="Empty latents; samplers fit them to the model."),
                io.Int.Output("width", tooltip="Width of the new picture in pixels."),
                io.Int.Output("height", tooltip="Height of the new picture in pixels."),
            ],
        )

    @classmethod
    def execute(
        cls, batch_size: int, sizes: Choice | None = None, image: torch.Tensor | None = None, aspect: str = ""
    ) -> io.NodeOutput:
        sizes = chosen(sizes, "sizes", (*CLASSES, OWN, BUCKET, *PRESETS))
        picture = None if image is None else (image.shape[2], image.shape[1])
        width, height = choose(sizes, picture, aspect)
        return io.NodeOutput(latents.empty(width, height, batch_size), width // 8 * 8, height // 8 * 8)


def _own_sides() -> list[io.Int.Input]:
    return [
        io.Int.Input(
            f"{aspect}_{side}",
            default=size[side == "height"],
            min=16,
            max=16384,
            step=8,
            tooltip=f"{side.capitalize()} in pixels for {aspect} pictures.",
        )
        for aspect, size in CLASSES["SDXL"].items()
        for side in ("width", "height")
    ]


NODES = [ComposePrompt, LatentForImage]
