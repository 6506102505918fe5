"""Text encoders that ComfyUI itself can write with (Qwen3, Qwen3-VL, Qwen3.5, Gemma, Ministral, ...), by their CLIP object.

Like :mod:`.core` a file that touches ComfyUI's insides: those of comfy/sd.py, comfy/sd1_clip.py and comfy/text_encoders.
Nothing is imported from there: what an encoder can do shows in the shape of its parts.
``clip.generate`` offers no way in while it writes, so the one method that draws a token is watched for the time of an answer.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from ..images import to_tensor
from ..llm.chat import Abilities, Answer, Interrupted, LLMError, Message, OnText, OnWait, Request, before_stop
from ..llm.decoding import Decoding

PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"


def text_model(clip: Any) -> Any:
    """The networks of a CLIP."""
    return clip.cond_stage_model


@dataclass(frozen=True, eq=False)
class CoreEngine:
    """A CLIP that can write. Memory is ComfyUI's own business.

    Raises:
        LLMError: this CLIP cannot write; checked before anything is loaded.
    """

    clip: Any
    thinking: bool = False

    def __post_init__(self) -> None:
        if self._writer is None:
            raise LLMError(
                f"{self.name} is a text encoder that cannot write. Load one that can with Load CLIP: Qwen3, Qwen3-VL or "
                "Qwen3.5, Gemma 2, 3 or 4, Ministral 3 (Qwen3-VL, Qwen3.5 and Gemma 3 and 4 also see pictures)."
            )

    @property
    def name(self) -> str:
        match self.clip.tokenizer:
            case object(clip_name=str(name)):
                return name
            case _:  # of several encoders
                return type(text_model(self.clip)).__name__

    @property
    def _writer(self) -> Any:
        """The network that draws tokens (comfy/text_encoders/llama.py, ``BaseGenerate``), None if there is none. ComfyUI
        gives some (Qwen2.5-VL) the means to draw, but not the tokens to stop at, and fails when they are asked to."""
        for network in text_model(self.clip).modules():
            match network:
                case object(sample_token=object(), model=object(config=object(stop_tokens=object()))):
                    return network
                case _:
                    continue
        return None

    @property
    def _tokenizers(self) -> list[Any]:
        """A tokenizer, and the one that it wraps (comfy/sd1_clip.py, ``SD1Tokenizer``)."""
        outer = self.clip.tokenizer
        match outer:
            case object(clip=str(name)):
                return [outer, vars(outer)[name]]
            case _:
                return [outer]

    @property
    def _sees(self) -> bool:
        """Whether pictures reach the network: a tokenizer may know them although its encoder has no eyes; then they would
        vanish without a word."""
        takes = {name for t in self._tokenizers for name in inspect.signature(t.tokenize_with_weights).parameters}
        match self._writer:
            case object(preprocess_embed=object()):
                return bool({"image", "images"} & takes)
            case _:
                return False

    @property
    def _chatml(self) -> bool:
        """The Qwen family's form of a conversation, which has system text and turns. Of the other families' templates
        only their own single turn is used."""
        match self.clip.tokenizer:
            case object(llama_template=str(template)):
                return template.startswith("<|im_start|>")
            case _:
                return False

    @property
    def abilities(self) -> Abilities:
        return Abilities(
            images=self._sees,
            system=self._chatml,
            turns=self._chatml,
            for_images="load a text encoder with vision, such as Qwen3-VL, Qwen3.5 or Gemma 3 or 4 with vision",
        )

    def release(self, unload: bool = False) -> str:
        """ComfyUI unloads it when it needs the room."""
        return ""

    def chat(self, request: Request, on_text: OnText, interrupted: Callable[[], bool], on_wait: OnWait) -> Answer:
        s = request.sampling
        writer, decoding, text = self._writer, Decoding(self.clip.decode), ""
        draw: Callable[..., torch.Tensor] = writer.sample_token

        def watched(*args: Any, **kwargs: Any) -> torch.Tensor:
            nonlocal text
            if interrupted():
                raise Interrupted
            token = draw(*args, **kwargs)
            said = decoding.add(int(token[0]))
            if len(before_stop(said, request.stop)) < len(said):
                raise _EnoughError
            if len(said) > len(text) and not said.endswith("\ufffd"):
                text = said
                on_text(text, "")
            return token

        tokens = self._tokens(request.messages)
        writer.sample_token = watched
        try:
            written = self.clip.generate(
                tokens,
                do_sample=s.temperature > 0,
                max_length=s.max_tokens,
                temperature=s.temperature,
                top_k=s.top_k,
                top_p=s.top_p,
                min_p=s.min_p,
                repetition_penalty=s.repeat_penalty,
                seed=s.seed,
            )
        except _EnoughError:
            return Answer(before_stop(self.clip.decode(decoding.ids), request.stop), True)
        finally:
            del writer.sample_token
        # An end token comes out as nothing, so only a full budget tells that the answer was cut off.
        return Answer(self.clip.decode(written), len(written) < s.max_tokens)

    def _tokens(self, messages: tuple[Message, ...]) -> Any:
        images = [to_tensor(i) for m in messages for i in m.images]
        if not self._chatml:
            if len(images) > 1:
                raise LLMError(f"{self.name} takes one picture at a time.")
            return self.clip.tokenize(
                messages[-1].text,
                image=images[0] if images else None,
                skip_template=False,
                min_length=1,
                thinking=self.thinking,
            )
        said = [f"<|im_start|>{m.role}\n{PICTURE * len(m.images)}{m.text}<|im_end|>\n" for m in messages]
        # An empty thought makes Qwen3 answer at once; what came before it does not know the word.
        silent = self.name.startswith("qwen3") and not self.thinking
        answer = "<|im_start|>assistant\n" + ("<think>\n\n</think>\n\n" if silent else "")
        return self.clip.tokenize("".join(said) + answer, llama_template="{}", images=images, min_length=1)


class _EnoughError(Exception):
    """A stop text has been written."""
