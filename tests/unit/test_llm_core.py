"""Core LLM on a stand-in with the parts that ComfyUI's CLIP objects have; tests/host/test_llm.py uses the real ones."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image

from resonance.host.core_text import CoreEngine
from resonance.llm.chat import Abilities, Interrupted, LLMError, Message, Request, Sampling, ask

ANSWER = "a red picture"


class Writer(torch.nn.Module):
    """Draws the letters of ANSWER; anything after them is the end token."""

    model = SimpleNamespace(config=SimpleNamespace(stop_tokens=[0]))

    def sample_token(self, at: int) -> torch.Tensor:
        return torch.tensor([[ord(ANSWER[at]) if at < len(ANSWER) else 0]])

    def preprocess_embed(self) -> None: ...


class Tokenizer:
    clip_name = "gemma3_4b"

    def tokenize_with_weights(self, text: str, image: Any = None) -> None: ...


class Chat(Tokenizer):
    clip_name = "qwen3_4b"
    llama_template = "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"


class Clip:
    def __init__(self, writer: torch.nn.Module, tokenizer: Any) -> None:
        self.cond_stage_model, self.tokenizer = torch.nn.Sequential(writer), tokenizer

    def tokenize(self, text: str, **kwargs: Any) -> SimpleNamespace:
        self.asked = SimpleNamespace(text=text, **kwargs)
        return self.asked

    def generate(self, tokens: Any, max_length: int, **sampling: Any) -> list[int]:
        self.sampling = sampling
        ids: list[int] = []
        while len(ids) < max_length and (not ids or ids[-1]):
            ids.append(int(self.cond_stage_model[0].sample_token(len(ids))))  # type: ignore[operator]
        return ids

    def decode(self, ids: list[int]) -> str:
        return "".join(map(chr, filter(None, ids)))


def request(*messages: Message, stop: tuple[str, ...] = (), **sampling: Any) -> Request:
    return Request(messages or (Message("user", "Describe."),), Sampling(**sampling), stop)


def test_an_encoder_that_cannot_write_is_refused():
    class Endless(Writer):
        model = SimpleNamespace(config=SimpleNamespace())

    for network in (torch.nn.Linear(1, 1), Endless()):
        with pytest.raises(LLMError, match="cannot write. Load one that can"):
            CoreEngine(Clip(network, Tokenizer()))


def test_text_grows_and_ends(every_piece: None):
    grown: list[str] = []
    clip = Clip(Writer(), Tokenizer())
    answer = ask(CoreEngine(clip), request(temperature=0, seed=2**63), lambda text, _: grown.append(text))
    assert (answer.text, answer.finished) == (ANSWER, True)
    assert grown == [ANSWER[: i + 1] for i in range(len(ANSWER))]
    assert clip.sampling["do_sample"] is False and clip.sampling["seed"] == 2**63


def test_max_tokens_and_stop_texts_end_it():
    engine = CoreEngine(Clip(Writer(), Tokenizer()))
    cut = ask(engine, request(max_tokens=5))
    assert (cut.text, cut.finished) == ("a red", False)
    stopped = ask(engine, request(stop=(" pic",)))
    assert (stopped.text, stopped.finished) == ("a red", True)


def test_an_interrupt_ends_it_and_leaves_the_encoder_as_it_was(every_piece: None):
    writer, grown = Writer(), list[str]()
    engine = CoreEngine(Clip(writer, Tokenizer()))
    with pytest.raises(Interrupted):
        ask(engine, request(), lambda text, _: grown.append(text), interrupted=lambda: len(grown) == 3)
    assert grown[-1] == "a r" and "sample_token" not in vars(writer)
    assert ask(engine, request()).text == ANSWER


def test_a_tokenizer_that_takes_pictures_is_not_enough():
    class Blind(torch.nn.Module):
        model, sample_token = Writer.model, Writer.sample_token

    assert CoreEngine(Clip(Writer(), Tokenizer())).abilities.images
    blind = CoreEngine(Clip(Blind(), Tokenizer()))
    with pytest.raises(LLMError, match="gemma3_4b takes no pictures: load a text encoder with vision"):
        ask(blind, request(Message("user", "?", (Image.new("RGB", (8, 8)),))))


def test_other_families_get_one_message_through_their_own_template():
    clip = Clip(Writer(), Tokenizer())
    said = ask(CoreEngine(clip), request(Message("system", "Be brief."), Message("user", "What?")))
    assert clip.asked.text == "Be brief.\n\nWhat?" and clip.asked.skip_template is False
    assert "no system text" in said.notes[0]


def test_qwen_gets_system_text_turns_and_pictures_in_its_own_form():
    clip = Clip(Writer(), Chat())
    engine = CoreEngine(clip)
    assert engine.abilities == Abilities(images=True, for_images=engine.abilities.for_images)
    picture = Image.new("RGB", (8, 8), "red")
    turns = (Message("system", "S"), Message("user", "A", (picture,)), Message("assistant", "B"), Message("user", "C"))
    assert ask(engine, request(*turns)).notes == ()
    assert clip.asked.text == (
        "<|im_start|>system\nS<|im_end|>\n"
        "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>A<|im_end|>\n"
        "<|im_start|>assistant\nB<|im_end|>\n<|im_start|>user\nC<|im_end|>\n"
        "<|im_start|>assistant\n<think>\n\n</think>\n\n"
    )
    assert clip.asked.llama_template == "{}" and clip.asked.images[0].shape == (1, 8, 8, 3)


def test_what_is_decoded_for_a_token_does_not_grow_with_the_answer(every_piece: None):
    class Endless(Writer):
        def sample_token(self, at: int) -> torch.Tensor:
            return torch.tensor([[ord("a") + at % 26]])

    class Counting(Clip):
        decoded = 0

        def decode(self, ids: list[int]) -> str:
            self.decoded += len(ids)
            return super().decode(ids)

    def per_token(count: int) -> float:
        clip, grown = Counting(Endless(), Tokenizer()), list[str]()
        ask(CoreEngine(clip), request(max_tokens=count), lambda text, _: grown.append(text))
        assert [len(text) for text in grown] == list(range(1, count + 1))
        return clip.decoded / count

    assert per_token(2000) < 1.1 * per_token(100) < 10
