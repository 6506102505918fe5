"""ComfyUI_omost's nodes that ask a language model."""

import re
from dataclasses import replace

from comfy_api.v0_0_2 import io

from ...resonance.canvas import settings
from ...resonance.canvas.instructions import PROGRAM
from ...resonance.host import gguf, progress
from ...resonance.host.folders import model_folders
from ...resonance.llm.chat import LLMEngine, LLMError, Sampling, states
from ...resonance.llm.conversation import Conversation as Said
from ...resonance.llm.settings import TIMEOUT
from ...resonance.told import Told
from .. import types
from ..chat import NO_MESSAGE
from ..inputs import input_of
from .sockets import CATEGORY, LLM, Canvas, Conversation

LLAMA = "lllyasviel/omost-llama-3-8b-4bits"
NAMES = ["lllyasviel/omost-phi-3-mini-128k-8bits", LLAMA, "lllyasviel/omost-dolphin-2.9-llama3-8b-4bits"]
PAGE = "https://huggingface.co/models?library=gguf&search="


class LLMLoader(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="OmostLLMLoaderNode",
            display_name="Omost LLM Loader",
            category=CATEGORY,
            description="For old workflows; new ones use Load LLM. Looks in models/llm for a GGUF file of the named model.",
            search_aliases=["omost", "load llm", "gguf"],
            is_deprecated=True,
            inputs=[
                io.Combo.Input(
                    "llm_name",
                    options=NAMES,
                    default=LLAMA,
                    tooltip="The model. A GGUF file or folder in models/llm must bear its name, in any spelling.",
                )
            ],
            outputs=[LLM.Output(tooltip="The model, for Omost LLM Chat.")],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def validate_inputs(cls, llm_name: str | None = None) -> bool | str:
        try:
            if llm_name is not None:
                gguf_of(llm_name)
        except LLMError as error:
            return str(error)
        return True

    @classmethod
    def execute(cls, llm_name: str) -> io.NodeOutput:
        from ...resonance.host import llm as models
        from ...resonance.llm.llamacpp import Settings

        engine = models.loading(Settings(gguf.find(gguf_of(llm_name))))
        progress.say(states(engine), cls.hidden.unique_id)
        return io.NodeOutput(engine)


def gguf_of(llm_name: str) -> str:
    """The first GGUF file whose name, folder included, holds the model's name, whatever stands between letters.

    Raises:
        LLMError: there is none; the text says what to do.
    """
    model = re.sub(r"-\d+bits$", "", llm_name.rpartition("/")[2])
    for file in gguf.names():
        if _letters(model) in _letters(file):
            return file
    raise LLMError(
        f"There is no GGUF file of {model} in {', '.join(map(str, model_folders('llm')))}: put one there ({PAGE}{model}) and "
        "press R, or connect Load LLM or Connect LLM in place of this node."
    )


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


class LLMServer(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="OmostLLMHTTPServerNode",
            display_name="Omost LLM HTTP Server",
            category=CATEGORY,
            description="For old workflows; new ones use Connect LLM, whose rules for addresses and keys hold here too.",
            search_aliases=["omost", "connect llm", "tgi", "openai"],
            is_deprecated=True,
            inputs=[
                io.String.Input(
                    "address", multiline=True, tooltip="Address of the server, with or without /v1. No keys here."
                ),
                io.Combo.Input(
                    "api_type",
                    options=["OpenAI", "TGI"],
                    default="OpenAI",
                    optional=True,
                    tooltip="Not looked at: the server itself is asked what it is.",
                ),
            ],
            outputs=[LLM.Output(tooltip="The model, for Omost LLM Chat.")],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def validate_inputs(cls, address: str | None = None) -> bool | str:
        try:
            if address is not None:
                from ...resonance.host import llm as models

                models.check_address(address)
        except LLMError as error:
            return str(error)
        return True

    @classmethod
    def execute(cls, address: str, api_type: str = "OpenAI") -> io.NodeOutput:
        from ...resonance.host import llm as models
        from ...resonance.llm.server import Limits

        engine = models.connected(address, "", TIMEOUT.default, Limits(), cls.hidden.unique_id)
        progress.say(states(engine), cls.hidden.unique_id)
        return io.NodeOutput(engine)


class LLMChat(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="OmostLLMChatNode",
            display_name="Omost LLM Chat",
            category=CATEGORY,
            description="For old workflows; new ones use Canvas Chat. Asks for a layout as an Omost program, which is read and "
            "never executed.",
            search_aliases=["omost", "canvas chat", "layout"],
            is_deprecated=True,
            inputs=[
                io.MultiType.Input("llm", [LLM, types.LLM], tooltip="The model to ask."),
                io.String.Input("text", multiline=True, tooltip="What the picture shall show, or what shall change."),
                input_of(replace(settings.MAX_TOKENS, name="max_new_tokens", high=4096)),
                input_of(replace(settings.TOP_P, low=0.0)),
                input_of(replace(settings.TEMPERATURE, step=0.01)),
                input_of(settings.SEED, control_after_generate=True),
                io.MultiType.Input(
                    "conversation",
                    [Conversation, types.Conversation],
                    optional=True,
                    tooltip="What was said so far: the text goes on from there.",
                ),
            ],
            outputs=[
                Conversation.Output(tooltip="All that was said so far, for the next Omost LLM Chat."),
                Canvas.Output(tooltip="The layout."),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls,
        llm: LLMEngine,
        text: str,
        max_new_tokens: int,
        top_p: float,
        temperature: float,
        seed: int,
        conversation: Said | None = None,
    ) -> io.NodeOutput:
        from ...resonance.canvas import chat
        from ...resonance.host import llm as models
        from ...resonance.host.canvas import Growing

        if not text.strip():
            raise Told(NO_MESSAGE)
        said = conversation or Said()
        growing = Growing(cls.hidden.unique_id)
        sampling = Sampling(max_new_tokens, temperature, top_p, seed=seed)
        request = chat.request(said, text.strip(), "", PROGRAM, True, sampling)
        try:
            answer = models.ask(llm, request, growing.grow, cls.hidden.unique_id)
        finally:
            llm.release()
        turn = chat.turn(said, text.strip(), answer)
        growing.done(turn)
        return io.NodeOutput(turn.conversation, turn.canvas)


NODES = [LLMLoader, LLMServer, LLMChat]
