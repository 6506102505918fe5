"""A language model that lays out pictures."""

from dataclasses import replace

from comfy_api.v0_0_2 import io

from ..resonance.canvas import instructions, settings
from ..resonance.llm.chat import LLMEngine, Sampling
from ..resonance.llm.conversation import Conversation as Said
from ..resonance.told import Told
from .inputs import input_of
from .types import LLM, Canvas, Conversation

NO_MESSAGE = "The message is empty: write what the picture shall show, or what shall change."


class CanvasChat(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceCanvasChat",
            display_name="Canvas Chat",
            category="Resonance/Canvas",
            description="Asks a language model to lay out a picture: what is where, in words and rectangles. The layout appears"
            " while it is written; chain a second Canvas Chat by its conversation to correct it in the next sentence.",
            search_aliases=["omost", "layout", "llm", "regional prompt", "composition", "prompt enhancer"],
            inputs=[
                LLM.Input("llm", tooltip="From Load LLM, Connect LLM or Core LLM."),
                io.String.Input(
                    "message",
                    multiline=True,
                    default="",
                    placeholder="a lighthouse in a storm, a red boat on the left",
                    tooltip="What the picture shall show; in a later round, what shall change.",
                ),
                io.Combo.Input(
                    "answer_form",
                    options=[*instructions.FORMS, instructions.AUTOMATIC],
                    default=instructions.JSON,
                    tooltip="json suits any model. omost program is what Omost's own models were trained to write. automatic"
                    " takes the program for models that have omost in their name, json for all others.",
                ),
                input_of(settings.GRAMMAR),
                input_of(settings.MAX_TOKENS),
                input_of(settings.TEMPERATURE),
                input_of(settings.TOP_P),
                input_of(settings.SEED, control_after_generate=False),
                io.Boolean.Input(
                    "unload_after",
                    default=False,
                    tooltip="Frees the memory of a model from Load LLM after the answer, for the checkpoint that paints.",
                ),
                io.String.Input(
                    "system",
                    multiline=True,
                    default=instructions.system_prompt(instructions.JSON),
                    advanced=True,
                    tooltip="What the model is told about canvases. As long as it is untouched, or empty, the text that"
                    " belongs to answer_form is sent.",
                    extra_dict={"texts": {form: instructions.system_prompt(form) for form in instructions.FORMS}},
                ),
                Conversation.Input(
                    "conversation",
                    optional=True,
                    tooltip="From the Canvas Chat before: the message goes on from there.",
                ),
            ],
            outputs=[
                Canvas.Output(display_name="canvas", tooltip="The layout."),
                Conversation.Output(
                    display_name="conversation", tooltip="All that was said so far, for the next Canvas Chat."
                ),
                io.String.Output(
                    display_name="text", tooltip="The answer as the model wrote it, without its thoughts."
                ),
                io.String.Output(
                    display_name="thoughts",
                    tooltip="What the model thought before it answered; empty where it did not.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
            has_intermediate_output=True,
        )

    @classmethod
    def execute(
        cls,
        llm: LLMEngine,
        message: str,
        answer_form: str,
        force_grammar: bool,
        max_tokens: int,
        temperature: float,
        top_p: float,
        seed: int,
        unload_after: bool,
        system: str,
        conversation: Said | None = None,
    ) -> io.NodeOutput:
        from ..resonance.canvas import chat, listing
        from ..resonance.host import llm as models
        from ..resonance.host.canvas import Growing

        if not message.strip():
            raise Told(NO_MESSAGE)
        said = conversation or Said()
        node = cls.hidden.unique_id
        growing = Growing(node)
        sampling = Sampling(max_tokens, temperature, top_p, seed=seed)
        form = chat.form_for(answer_form, llm.name)
        request = chat.request(said, message.strip(), system, form, force_grammar, sampling)
        try:
            answer = models.ask(llm, request, growing.grow, node)
        finally:
            kept = llm.release(unload_after)
        turn = chat.turn(said, message.strip(), answer)
        if kept:
            turn = replace(turn, notes=(*turn.notes, kept))
        growing.done(turn)
        return io.NodeOutput(
            turn.canvas,
            turn.conversation,
            turn.text,
            answer.thoughts,
            ui={"resonance_canvas": [listing.write(turn.canvas)]},
        )


NODES = [CanvasChat]
