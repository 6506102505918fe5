"""Pictures into tags."""

import time

import torch
from comfy_api.v0_0_2 import io

from ..resonance.host import core, taggers
from ..resonance.interpret.taggers import settings
from ..resonance.interpret.taggers.engine import Device, Tagger
from ..resonance.interpret.taggers.labels import CATEGORIES
from ..resonance.interpret.taggers.models import EngineChoice
from ..resonance.interpret.taggers.select import (
    Choice,
    Order,
    Text,
    category_list,
    choose,
    plain_list,
    rating,
    replacements,
    write,
)
from ..resonance.told import Told
from . import types
from .inputs import input_of


class LoadTagger(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceLoadTagger",
            display_name="Load Tagger",
            category="Resonance/Tag",
            description="A model that finds tags in pictures. Loaded when it is first used, then kept.",
            search_aliases=["wd14", "wd tagger", "interrogate", "booru", "joytag", "camie", "pixai", "cl tagger"],
            inputs=[
                io.Combo.Input(
                    "model",
                    options=taggers.names(),
                    tooltip="A known tagger, or any folder in models/taggers with a model and its list of tags. automatic: the first of"
                    " them that is there.",
                ),
                input_of(settings.ENGINE),
                io.Combo.Input(
                    "device",
                    options=["auto", "cpu"],
                    default="auto",
                    tooltip="auto: the graphics card if the engine can use it. The node shows what it really runs on.",
                ),
                input_of(settings.DOWNLOAD),
            ],
            outputs=[types.Tagger.Output("tagger", tooltip="For Tag Images.")],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def validate_inputs(cls, model: str | None) -> bool | str:
        if model is None:
            return True
        try:
            tagger = taggers.find(model, "auto")
        except Told as error:
            return str(error)
        fetchable = core.other_input(cls.hidden.unique_id, "download") is not False and tagger.model.repo
        return True if fetchable or not tagger.missing else taggers.explain_missing(tagger, model)

    @classmethod
    def execute(cls, model: str, engine: EngineChoice, device: Device, download: bool) -> io.NodeOutput:
        return io.NodeOutput(taggers.find_complete(model, engine, device, download, cls.hidden.unique_id))


class TagImages(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceTagImages",
            display_name="Tag Images",
            category="Resonance/Tag",
            description="Finds tags in each picture of a batch and writes them as one line per picture.",
            search_aliases=["wd14", "interrogate", "caption", "image to prompt", "booru tags", "rating"],
            inputs=[
                types.Tagger.Input("tagger", tooltip="From Load Tagger."),
                io.Image.Input("images", tooltip="One picture or a batch. Transparency is laid over white."),
                input_of(settings.GENERAL_THRESHOLD),
                input_of(settings.CHARACTER_THRESHOLD),
                input_of(settings.GENERAL_MCUT),
                input_of(settings.CHARACTER_MCUT),
                input_of(settings.EXCLUDE, multiline=True),
                input_of(settings.ORDER),
                input_of(settings.MAXIMUM),
                input_of(settings.WRITTEN, advanced=True),
                input_of(settings.SPACES, advanced=True),
                input_of(settings.ESCAPE, advanced=True),
                input_of(settings.SEPARATOR, advanced=True),
                input_of(settings.REPLACE, multiline=True, optional=True),
            ],
            outputs=[
                io.String.Output("tags", is_output_list=True, tooltip="One line of tags per picture."),
                io.String.Output(
                    "rating", is_output_list=True, tooltip="The likeliest rating; empty if the model has none."
                ),
                io.Dict.Output(
                    "scores",
                    is_output_list=True,
                    tooltip="Per picture: category -> tag as the model spells it -> score, of all tags that passed.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
            has_intermediate_output=True,
        )

    @classmethod
    def validate_inputs(cls, categories: str | None) -> bool | str:
        try:
            category_list(categories if categories is not None else "general", CATEGORIES)
        except Told as error:
            return str(error)
        return True

    @classmethod
    def execute(
        cls,
        tagger: Tagger,
        images: torch.Tensor,
        general_threshold: float,
        character_threshold: float,
        general_mcut: bool,
        character_mcut: bool,
        exclude: str,
        order: Order,
        maximum: int,
        categories: str,
        underscores_to_blanks: bool,
        escape_parentheses: bool,
        separator: str,
        replace: str = "",
    ) -> io.NodeOutput:
        asked = {"general": general_threshold, "character": character_threshold}
        choice = Choice(
            thresholds={
                **dict(tagger.model.thresholds),
                **{name: value for name, value in asked.items() if value >= 0},
            },
            mcut=frozenset(name for name, on in (("general", general_mcut), ("character", character_mcut)) if on),
            exclude=plain_list(exclude),
        )
        text = Text(
            categories=category_list(categories, CATEGORIES),
            order=order,
            maximum=maximum,
            spaces=underscores_to_blanks,
            escape=escape_parentheses,
            separator=separator,
            replace=replacements(replace),
        )
        node_id = cls.hidden.unique_id
        began = time.monotonic()
        loaded = taggers.open_tagger(tagger, node_id)
        kept = [choose(row, loaded.engine.labels, choice) for row in taggers.scores(loaded, images, node_id)]
        lines = [write(tags, text) for tags in kept]
        shown = [*lines, f"{loaded.running}, {time.monotonic() - began:.1f} s"]
        return io.NodeOutput(lines, [rating(tags) for tags in kept], kept, ui={"resonance_text": shown})


NODES = [LoadTagger, TagImages]
