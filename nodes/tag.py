"""Pictures into tags."""

from comfy_api.latest import io

from ..resonance.host import taggers
from ..resonance.interpret.taggers.labels import CATEGORIES
from ..resonance.interpret.taggers.select import ORDERS, Choice, Text, category_list, choose, plain_list, rating, write
from ..resonance.told import Told
from .types import Tagger


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
                    tooltip="A known tagger, or any folder in models/taggers with a model and its list of tags.",
                ),
                io.Combo.Input(
                    "engine",
                    options=["auto", "torch", "onnx"],
                    default="auto",
                    tooltip="torch: safetensors under ComfyUI's memory management, needs timm. onnx: needs onnxruntime. "
                    "auto: torch where its files are there, else onnx.",
                ),
                io.Combo.Input(
                    "device",
                    options=["auto", "cpu"],
                    default="auto",
                    tooltip="auto: the graphics card if the engine can use it. The node shows what it really runs on.",
                ),
                io.Boolean.Input(
                    "download",
                    default=False,
                    tooltip="Fetch the missing files of a known tagger from the Hugging Face hub (0.3 to 1.4 GB). Can be "
                    "interrupted; the next run goes on where it stopped.",
                ),
            ],
            outputs=[Tagger.Output("tagger", tooltip="For Tag Images.")],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def validate_inputs(cls, model: str | None, download: bool | None) -> bool | str:
        if model is None:
            return True
        try:
            tagger = taggers.find(model, "auto")
        except Told as error:
            return str(error)
        fetchable = download is not False and tagger.model.repo
        return True if fetchable or not tagger.missing else taggers.explain_missing(tagger)

    @classmethod
    def execute(cls, model: str, engine: str, device: str, download: bool) -> io.NodeOutput:
        tagger = taggers.find(model, engine, device)
        if tagger.missing and download and tagger.model.repo:
            taggers.fetch(tagger, cls.hidden.unique_id)
        if tagger.missing:
            raise Told(taggers.explain_missing(tagger))
        return io.NodeOutput(tagger)


class TagImages(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        threshold = {"default": -1.0, "min": -1.0, "max": 1.0, "step": 0.01}
        return io.Schema(
            node_id="ResonanceTagImages",
            display_name="Tag Images",
            category="Resonance/Tag",
            description="Finds tags in each picture of a batch and writes them as one line per picture.",
            search_aliases=["wd14", "interrogate", "caption", "image to prompt", "booru tags", "rating"],
            inputs=[
                Tagger.Input("tagger", tooltip="From Load Tagger."),
                io.Image.Input("images", tooltip="One picture or a batch. Transparency is laid over white."),
                io.Float.Input(
                    "general_threshold",
                    **threshold,
                    tooltip="Score from 0 to 1 that a tag must pass. Negative: the model's own threshold, for WD 0.35. Also "
                    "holds for categories other than character.",
                ),
                io.Float.Input(
                    "character_threshold",
                    **threshold,
                    tooltip="Score from 0 to 1 that the name of a character must pass. Negative: the model's own, for WD 0.85.",
                ),
                io.Boolean.Input(
                    "general_mcut",
                    default=False,
                    tooltip="Find the threshold of general tags per picture: the middle of the widest gap between scores.",
                ),
                io.Boolean.Input(
                    "character_mcut",
                    default=False,
                    tooltip="The same for characters, but never below 0.15.",
                ),
                io.String.Input(
                    "exclude",
                    default="",
                    multiline=True,
                    tooltip="Tags to leave out, separated by commas or lines. Case, underscores and escapes do not matter.",
                ),
                io.Combo.Input(
                    "order",
                    options=list(ORDERS),
                    default=ORDERS[0],
                    tooltip="by category: characters, then general tags, each in the order of the model's list. best first: by score.",
                ),
                io.Int.Input(
                    "maximum", default=0, min=0, max=1000, tooltip="Keep only so many tags, the best. 0 keeps all."
                ),
                io.String.Input(
                    "categories",
                    default="character, general",
                    tooltip=f"Categories that are written, in this order. Known: {', '.join(CATEGORIES)}.",
                    advanced=True,
                ),
                io.Boolean.Input(
                    "underscores_to_blanks",
                    default=True,
                    tooltip="long_hair becomes long hair; kaomoji such as ^_^ stay as they are.",
                    advanced=True,
                ),
                io.Boolean.Input(
                    "escape_parentheses",
                    default=True,
                    tooltip="Write \\( and \\) so that ComfyUI does not read parentheses as emphasis.",
                    advanced=True,
                ),
                io.String.Input("separator", default=", ", tooltip="Stands between tags.", advanced=True),
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
        tagger,
        images,
        general_threshold: float,
        character_threshold: float,
        general_mcut: bool,
        character_mcut: bool,
        exclude: str,
        order: str,
        maximum: int,
        categories: str,
        underscores_to_blanks: bool,
        escape_parentheses: bool,
        separator: str,
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
            category_list(categories, CATEGORIES), order, maximum, underscores_to_blanks, escape_parentheses, separator
        )
        node_id = cls.hidden.unique_id
        loaded = taggers.open_tagger(tagger, node_id)
        kept = [choose(row, loaded.engine.labels, choice) for row in taggers.scores(loaded, images, node_id)]
        return io.NodeOutput([write(tags, text) for tags in kept], [rating(tags) for tags in kept], kept)


NODES = [LoadTagger, TagImages]
