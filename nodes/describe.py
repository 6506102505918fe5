"""Language models, and what they say about pictures."""

import time
from collections.abc import Sequence

import torch
from comfy_api.v0_0_2 import io

from ..resonance.files.sidecar import beside, save
from ..resonance.graph import loaded_pictures
from ..resonance.host import gguf, progress
from ..resonance.host.folders import picture_roots
from ..resonance.images import from_tensor
from ..resonance.llm import caption, settings
from ..resonance.llm.chat import LLMEngine, LLMError, Sampling, Thinking, so_far, sound, states
from ..resonance.session.item import Item
from ..resonance.told import Told
from . import types
from .inputs import Files, input_of
from .types import LLM

CATEGORY = "Resonance/Describe"
NO_MMPROJ = "none"


class LoadLLM(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        names, projectors = gguf.names(), gguf.projectors()
        return io.Schema(
            node_id="ResonanceLoadLLM",
            display_name="Load LLM",
            category=CATEGORY,
            description="Loads a language model from a GGUF file, with llama.cpp. It is loaded when it is first asked, "
            "and kept until another is needed or ComfyUI is told to free memory.",
            search_aliases=["gguf", "llama.cpp", "vlm", "llava", "joycaption", "qwen-vl", "gemma", "language model"],
            inputs=[
                io.Combo.Input(
                    "model",
                    options=[f for f in names if f not in projectors],
                    tooltip="GGUF file in models/llm. For pictures take one that sees, and its mmproj file.",
                ),
                io.Combo.Input(
                    "mmproj",
                    options=Files([NO_MMPROJ, *projectors], names),
                    default=NO_MMPROJ,
                    tooltip="The projector that was published with the model: it turns pictures into tokens.",
                ),
                input_of(settings.CONTEXT),
                input_of(settings.GPU_LAYERS),
                io.Boolean.Input(
                    "unload_after_run",
                    default=False,
                    tooltip="Frees the memory as soon as the node that asks is done, at the price of loading it again.",
                ),
                io.Int.Input(
                    "threads", default=0, min=0, max=512, advanced=True, tooltip="CPU threads; 0: half of the cores."
                ),
                input_of(settings.THINKING, optional=True),
            ],
            outputs=[LLM.Output(display_name="llm", tooltip="The model, for Caption Images and other nodes that ask.")],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def validate_inputs(cls, model: str | None = None) -> bool | str:
        try:
            if model is not None:
                from ..resonance.host import llm as models

                gguf.find(model)
                models.check_library()
        except LLMError as error:
            return str(error)
        return True

    @classmethod
    def execute(
        cls,
        model: str,
        mmproj: str,
        context: int,
        gpu_layers: int,
        unload_after_run: bool,
        threads: int = 0,
        thinking: Thinking = "auto",
    ) -> io.NodeOutput:
        from ..resonance.host import llm as models
        from ..resonance.llm.llamacpp import Settings

        projector = None if mmproj == NO_MMPROJ else gguf.find(mmproj)
        loads = Settings(gguf.find(model), projector, context, gpu_layers, threads, thinking)
        engine = models.loading(loads, unload_after_run)
        progress.say(states(engine), cls.hidden.unique_id)
        return io.NodeOutput(engine)


class ConnectLLM(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceConnectLLM",
            display_name="Connect LLM",
            category=CATEGORY,
            description="A language model behind an address: llama.cpp's server, Ollama, LM Studio, vLLM, TGI or any other "
            "that speaks OpenAI's chat API. Addresses off this machine, and all keys, stand in a private file: see the help.",
            search_aliases=[
                "openai",
                "ollama",
                "lm studio",
                "vllm",
                "tgi",
                "llama-server",
                "api",
                "http",
                "language model",
            ],
            inputs=[
                io.String.Input(
                    "address",
                    default="http://127.0.0.1:8080",
                    tooltip="Address of the server, with or without /v1. No keys here: they would travel in every picture.",
                ),
                input_of(settings.MODEL, optional=True),
                input_of(settings.TIMEOUT, optional=True),
                *(input_of(limit, optional=True) for limit in settings.LIMITS),
                input_of(settings.THINKING, optional=True),
                input_of(settings.UNLOAD_ON_SERVER, optional=True),
            ],
            outputs=[LLM.Output(display_name="llm", tooltip="The model, for Caption Images and other nodes that ask.")],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def validate_inputs(cls, address: str | None = None) -> bool | str:
        try:
            if address is not None:
                from ..resonance.host import llm as models

                models.check_address(address)
        except LLMError as error:
            return str(error)
        return True

    @classmethod
    def execute(
        cls,
        address: str,
        model: str = "",
        timeout: int = 120,
        thinking: Thinking = "auto",
        unload_on_server: bool = False,
        **limits: int,
    ) -> io.NodeOutput:
        from ..resonance.host import llm as models
        from ..resonance.llm.server import Limits

        node = cls.hidden.unique_id
        engine = models.connected(address, model.strip(), timeout, Limits(**limits), node, thinking, unload_on_server)
        progress.say(states(engine), cls.hidden.unique_id)
        return io.NodeOutput(engine)


class CoreLLM(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceCoreLLM",
            display_name="Core LLM",
            category=CATEGORY,
            description="Lets a text encoder write that ComfyUI itself can generate with, such as Qwen3-VL or Gemma 3. "
            "Needs no further software; memory is ComfyUI's.",
            search_aliases=["clip", "text encoder", "qwen3-vl", "qwen3.5", "gemma", "text generate", "language model"],
            inputs=[
                io.Clip.Input(
                    "clip", tooltip="From Load CLIP: a text encoder that can write. Checked before it is loaded."
                ),
                io.Boolean.Input(
                    "thinking",
                    default=False,
                    optional=True,
                    advanced=True,
                    tooltip="Let the model think before it answers, where it can (Qwen3, Qwen3.5, Gemma 4). Thinking takes"
                    " tokens of max_tokens, and time.",
                ),
            ],
            outputs=[LLM.Output(display_name="llm", tooltip="The model, for Caption Images and other nodes that ask.")],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, clip: io.Clip.Type, thinking: bool = False) -> io.NodeOutput:
        from ..resonance.host.core_text import CoreEngine

        engine = CoreEngine(clip, thinking)
        progress.say(states(engine), cls.hidden.unique_id)
        return io.NodeOutput(engine)


class CaptionImages(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceCaptionImages",
            display_name="Caption Images",
            category=CATEGORY,
            description="Asks a language model about each picture. The text grows on the node while it is written.",
            search_aliases=["caption", "describe", "vlm", "llava", "joycaption", "image to text", "interrogate"],
            inputs=[
                LLM.Input("llm", tooltip="A model that sees pictures: from Load LLM, Connect LLM or Core LLM."),
                io.Image.Input("images", tooltip="Each picture of a batch is asked about on its own."),
                input_of(settings.INSTRUCTION, multiline=True),
                input_of(settings.SYSTEM, multiline=True),
                input_of(settings.MAX_TOKENS),
                input_of(settings.TEMPERATURE),
                input_of(settings.TOP_P),
                input_of(settings.TOP_K),
                input_of(settings.SEED, control_after_generate=False),
                io.String.Input(
                    "stop",
                    default="",
                    optional=True,
                    advanced=True,
                    tooltip="The caption ends before any of these texts, separated by |. Write \\n for a line break.",
                ),
                io.Boolean.Input(
                    "one_line",
                    default=True,
                    optional=True,
                    advanced=True,
                    tooltip="Line breaks become blanks, as a prompt wants it.",
                ),
                io.Boolean.Input(
                    "whole_sentences",
                    default=True,
                    optional=True,
                    advanced=True,
                    tooltip="If max_tokens cut the answer off, its unfinished last sentence is left out.",
                ),
                input_of(settings.LONGEST_SIDE, optional=True, advanced=True),
            ],
            outputs=[
                io.String.Output(
                    display_name="captions", is_output_list=True, tooltip="One text per picture, in order."
                ),
                io.String.Output(
                    display_name="thoughts",
                    is_output_list=True,
                    tooltip="What the model thought before each caption; empty where it did not. No part of the captions.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
            has_intermediate_output=True,
        )

    @classmethod
    def execute(
        cls,
        llm: LLMEngine,
        images: torch.Tensor,
        instruction: str,
        system: str,
        max_tokens: int,
        temperature: float,
        top_p: float,
        top_k: int,
        seed: int,
        stop: str = "",
        one_line: bool = True,
        whole_sentences: bool = True,
        longest_side: int = 1024,
    ) -> io.NodeOutput:
        from ..resonance.host import llm as models

        node, growing = cls.hidden.unique_id, progress.growing(cls.hidden.unique_id)
        began = time.monotonic()
        sampling = Sampling(max_tokens, temperature, top_p, top_k, seed=seed)
        pictures = from_tensor(images)
        bar = progress.bar(len(pictures), node)
        done, thoughts = list[str](), list[str]()
        notes: dict[str, None] = {}
        try:
            for picture in pictures:
                request = caption.caption_request(
                    picture, instruction, system, sampling, caption.stop_texts(stop), longest_side
                )
                answer = models.ask(
                    llm, request, lambda text, more: growing("\n\n".join([*done, so_far(text, more)])), node
                )
                done.append(caption.caption_text(answer, one_line, whole_sentences))
                thoughts.append(answer.thoughts)
                notes.update(dict.fromkeys(answer.notes))
                bar.update(1)
        finally:
            notes.update(dict.fromkeys(filter(None, [llm.release()])))
        by = f"{llm.name}, {time.monotonic() - began:.1f} s"
        shown = "\n\n".join([*done, *(f"Note: {n}." for n in notes), by])
        return io.NodeOutput(done, thoughts, ui={"resonance_text": [shown]})


def _lines(texts: Sequence[str | None]) -> list[str]:
    return [line for text in texts for line in (text or "").splitlines() if line.strip()]


class SaveWords(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceSaveWords",
            display_name="Save Words",
            category=CATEGORY,
            description="Writes words into a text file beside their picture, a.txt beside a.png, as trainers of LoRAs read it.",
            search_aliases=["save text", "save caption", "caption file", "sidecar", "txt", "kohya", "training data"],
            inputs=[
                io.String.Input(
                    "words",
                    force_input=True,
                    tooltip="From Tag Images, Caption Images or Compose Prompt: one text a picture.",
                ),
                io.String.Input(
                    "picture",
                    default="",
                    optional=True,
                    placeholder="holiday/a.png; empty: the one in Load Image",
                    tooltip="The picture that the words are about, by its name in the input folder, with [output] behind it in the output"
                    " folder. Several: a list, or one a line. Empty: that of item, else the one in Load Image.",
                ),
                types.Item.Input(
                    "item",
                    optional=True,
                    tooltip="From Round Input: the picture that it handed out. picture goes before.",
                ),
                io.Combo.Input(
                    "existing",
                    options=["keep", "replace"],
                    default="keep",
                    optional=True,
                    tooltip="What happens to a text file that is there already. keep leaves it as it is and says so; replace writes over"
                    " it.",
                ),
            ],
            outputs=[
                io.String.Output("words", is_output_list=True, tooltip="The same words."),
                io.String.Output(
                    "files",
                    is_output_list=True,
                    tooltip="The text files, such as holiday/a.txt [input], one a picture.",
                ),
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt],
            is_output_node=True,
            is_input_list=True,
        )

    @classmethod
    def validate_inputs(cls, picture: Sequence[str | None] = ()) -> bool | str:
        try:
            beside(_lines(picture), picture_roots())
        except Told as error:
            return str(error)
        return True

    @classmethod
    def fingerprint_inputs(cls, **_: object) -> float:
        return float("nan")  # somebody may have deleted the file

    @classmethod
    def execute(
        cls,
        words: list[str],
        picture: Sequence[str] = (),
        item: Sequence[Item] = (),
        existing: Sequence[str] = ("keep",),
    ) -> io.NodeOutput:
        node = cls.hidden.unique_id
        pictures = _lines(picture) or [one.source for one in item if one.source is not None]
        if not pictures and not item:
            pictures = loaded_pictures(cls.hidden.prompt, node)
            if len(pictures) != 1:
                found = f"These are loaded: {', '.join(pictures)}" if pictures else "No Load Image leads to the words"
                raise Told(f"Which picture are the words about? {found}. Write its name into picture.")
        places = beside(pictures, picture_roots())
        if len(places) != len(words):
            raise Told(f"There must be one text for each picture, but {len(words)} came for {len(places)}.")
        shown = list[str]()
        for place, text in zip(places, words, strict=True):
            written = save(place, sound(text), existing[0] == "replace")
            shown.append(
                f"{place.name}: {text}"
                if written
                else f"{place.name} was there already and stays. Set existing to replace to write over it."
            )
        return io.NodeOutput(words, [place.name for place in places], ui={"resonance_text": ["\n\n".join(shown)]})


NODES = [LoadLLM, ConnectLLM, CoreLLM, CaptionImages, SaveWords]
