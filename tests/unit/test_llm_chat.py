from collections.abc import Callable

import pytest
from PIL import Image

from resonance.llm.caption import caption_request, caption_text, stop_texts
from resonance.llm.chat import (
    Abilities,
    Answer,
    LLMError,
    Message,
    OnText,
    OnWait,
    Request,
    Sampling,
    ask,
    fit,
    whole_sentences,
    without_thoughts,
)

PICTURE = Image.new("RGB", (8, 8), "red")
CONVERSATION = Request(
    (
        Message("system", "Be brief."),
        Message("user", "What is it?", (PICTURE,)),
        Message("assistant", "A square."),
        Message("user", "Which colour?"),
    )
)


class Parrot:
    """An engine that says what it is told to say, and keeps what it was asked."""

    name = "parrot"

    def __init__(self, abilities: Abilities, text: str = "hello") -> None:
        self.abilities, self.text = abilities, text

    def chat(self, request: Request, on_text: OnText, interrupted: Callable[[], bool], on_wait: OnWait) -> Answer:
        self.asked = request
        return Answer(self.text, True)

    def release(self) -> None: ...


def test_an_able_engine_gets_the_request_as_it_is():
    everything = Abilities(images=True, schema=True, grammar=True)
    assert fit(CONVERSATION, everything) == (CONVERSATION, ())


def test_system_text_goes_before_the_instruction_where_there_is_none():
    request = Request((Message("system", "Be brief."), Message("user", "What is it?")))
    fitted, notes = fit(request, Abilities(system=False))
    assert fitted.messages == (Message("user", "Be brief.\n\nWhat is it?"),)
    assert notes == ("this model has no system text: it was put before the instruction",)


def test_a_conversation_becomes_one_message_where_there_are_no_turns():
    fitted, notes = fit(CONVERSATION, Abilities(images=True, turns=False))
    assert [m.role for m in fitted.messages] == ["system", "user"]
    assert fitted.messages[1].text == "User: What is it?\n\nAssistant: A square.\n\nUser: Which colour?\n\nAssistant:"
    assert fitted.messages[1].images == (PICTURE,)
    assert len(notes) == 1 and "no turns" in notes[0]


def test_a_picture_for_a_model_without_eyes_is_an_error_that_says_what_to_do():
    with pytest.raises(LLMError, match="parrot takes no pictures: choose the mmproj file"):
        ask(Parrot(Abilities(for_images="choose the mmproj file")), CONVERSATION)


@pytest.mark.parametrize(
    ("can", "left", "notes"),
    [
        (Abilities(schema=True, grammar=True), (None, "g"), 0),
        (Abilities(schema=True), ({"type": "array"}, None), 0),
        (Abilities(), (None, None), 1),
    ],
)
def test_the_strongest_form_an_engine_knows_is_kept(can: Abilities, left: object, notes: int):
    fitted, said = fit(Request((Message("user", "?"),), schema={"type": "array"}, grammar="g"), can)
    assert (fitted.schema, fitted.grammar) == left and len(said) == notes


def test_stop_texts_are_applied_for_an_engine_that_has_none():
    parrot = Parrot(Abilities(stop=False), "one. two. three")
    assert ask(parrot, Request((Message("user", "?"),), stop=("three", " two"))).text == "one."
    assert parrot.asked.stop == ()


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("<think>hm\n</think>\n\nA cat.", "A cat."),
        ("hm\n</think>\n\nA cat.", "A cat."),
        ("A cat. <think>really?</think> Yes.", "A cat.  Yes."),
        ("<think>still at it", ""),
        ("A cat.", "A cat."),
    ],
)
def test_thoughts_are_no_part_of_an_answer(said: str, meant: str):
    assert without_thoughts(said) == meant


@pytest.mark.parametrize(
    ("said", "whole"),
    [
        ("A cat. On a", "A cat."),
        ('He says "no!" and', 'He says "no!"'),
        ("It costs 3.5 euros and", "It costs 3.5 euros and"),
        ("猫。マット", "猫。"),
        ("no end", "no end"),
    ],
)
def test_the_last_sentence_is_whole(said: str, whole: str):
    assert whole_sentences(said) == whole


def test_a_caption_request_holds_the_picture_in_the_size_wanted():
    large = Image.new("RGBA", (2000, 1000))
    request = caption_request(large, " What? ", "  ", Sampling(), (), 500)
    (message,) = request.messages
    assert (message.text, message.images[0].size, message.images[0].mode) == ("What?", (500, 250), "RGB")
    assert large.size == (2000, 1000)


def test_a_caption_fits_into_a_prompt():
    cut = Answer("<think>x</think>\nA cat.\n\nOn a mat, and", False)
    assert caption_text(cut, one_line=True, sentences=True) == "A cat."
    assert caption_text(cut, one_line=True, sentences=False) == "A cat. On a mat, and"
    assert caption_text(Answer("- a\n- b", True), one_line=False, sentences=True) == "- a\n- b"


def test_a_model_that_only_thought_is_an_error():
    with pytest.raises(LLMError, match="still thinking when max_tokens ran out"):
        caption_text(Answer("<think>well", False), True, True)


def test_stop_texts_are_written_with_bars():
    assert stop_texts("\\n\\n|User:|") == ("\n\n", "User:")
    assert stop_texts("") == ()
