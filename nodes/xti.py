"""A word with other vectors for each cross-attention."""

from comfy_api.v0_0_2 import io

from ..resonance.host import folders
from ..resonance.session.item import Item
from ..resonance.told import Told
from . import types


class XTI(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceXTI",
            display_name="XTI",
            category="Resonance/Prompt lines",
            description="Encodes a prompt with a word of extended textual inversion (XTI, P+), which sd-scripts trains: it has vectors of its"
            " own for each of the 16 cross-attentions of Stable Diffusion 1.5. All else of the prompt is as in CLIP Text Encode. For several"
            " such words in one prompt, and for kohya's weights, take Encode Line.",
            search_aliases=[
                "extended textual inversion",
                "textual inversion",
                "P+",
                "embedding",
                "kohya",
                "sd-scripts",
                "XTI_embeddings",
            ],
            inputs=[
                io.Model.Input(
                    "model", tooltip="Stable Diffusion 1.5. It is not changed: take the one that comes out."
                ),
                io.Clip.Input("clip", tooltip="The text encoder of Stable Diffusion 1.5."),
                io.String.Input(
                    "words",
                    default="",
                    multiline=True,
                    tooltip="The prompt, with the word in it, (word:1.2) too. It does not count where item brings prompt lines.",
                ),
                io.Combo.Input(
                    "xti",
                    options=folders.xti_files() or ["none"],
                    tooltip="A file of models/embeddings with vectors for each cross-attention: IN01 to OUT11.",
                ),
                io.String.Input(
                    "word",
                    default="",
                    optional=True,
                    tooltip="The word of the prompt at which it acts. Empty: the file's name, without folder and suffix.",
                ),
                types.Item.Input(
                    "item",
                    optional=True,
                    tooltip="From Prompt Lines. The prompts of its lines go before words, for each picture of a batch.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(
                    display_name="conditioning",
                    tooltip="To the sampler, as positive or negative, to Regions, Region from Conditioning or Apply ControlNet.",
                ),
                io.Model.Output(
                    display_name="model",
                    tooltip="To the sampler, Regions or the next XTI. Where no prompt has the word, the one that came.",
                ),
            ],
            has_intermediate_output=True,
        )

    @classmethod
    def validate_inputs(cls, xti: str | None = None) -> bool | str:
        from ..resonance.host.xti import xti_word

        try:
            if xti is not None:
                xti_word(xti)
        except Told as error:
            return str(error)
        return True

    @classmethod
    def fingerprint_inputs(cls, xti: str | None = None, **_: object) -> str:
        """Another file may lie under the name tomorrow."""
        from ..resonance.host.xti import stamp

        return stamp([xti] if xti else [])

    @classmethod
    def execute(
        cls, model: io.Model.Type, clip: io.Clip.Type, words: str, xti: str, word: str = "", item: Item | None = None
    ) -> io.NodeOutput:
        from ..resonance.host.xti import encode, with_xti, word_of, xti_word
        from ..resonance.paint.encoding import Prompts, prompts_of

        acting = with_xti(model)
        learned = xti_word(xti)
        word = word.strip() or word_of(xti)
        prompts = [both.positive for both in prompts_of(item, Prompts(words, ""))]
        made = encode(clip, prompts, {word: learned})
        count = len(learned.tokens)
        if made.acting:
            said = f"{word!r}: {count} {'vector' if count == 1 else 'vectors'} for each of 16 cross-attentions"
            said += f", in {made.acting} of {len(prompts)} prompts." if made.acting < len(prompts) else "."
        else:
            said = f"The prompt does not have the word {word!r}, so it is encoded as by CLIP Text Encode."
        return io.NodeOutput(made.conditioning, acting if made.acting else model, ui={"resonance_text": [said]})


NODES = [XTI]
