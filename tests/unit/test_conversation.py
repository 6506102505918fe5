"""Rounds of chat: what is asked, and what is made of the answer."""

import pytest

from resonance.canvas import chat, instructions
from resonance.llm.chat import Abilities, Answer, LLMError, Message, Sampling, fit
from resonance.llm.conversation import Conversation

SAMPLING = Sampling(4096, 0.6, 0.9)
FORMS = instructions.FORMS
PROGRAM = """Here it is.
```python
canvas = Canvas()
canvas.set_global_description(
    description='A storm at sea',
    detailed_descriptions=['High waves'],
    tags='storm, sea',
    HTML_web_color_name='slategray',
)
canvas.add_local_description(
    location='on the left',
    offset='no offset',
    area='a small square area',
    distance_to_viewer=2.0,
    description='A red boat',
    detailed_descriptions=['Its hull is made of wood'],
    tags='boat, red',
    atmosphere='wild',
    style='oil painting',
    quality_meta='detailed',
    HTML_web_color_name='red',
)
```"""


def ask(said: Conversation, message: str, system: str = "", form: str = FORMS[0], forced: bool = True):
    return chat.request(said, message, system, form, forced, SAMPLING)


def test_each_round_only_adds_to_what_was_said():
    said, earlier = Conversation(), ()
    for n in range(4):
        messages = ask(said, f"question {n}", "Be brief.").messages
        assert messages[: len(earlier)] == earlier
        assert [m.role for m in messages] == ["system"] + ["user", "assistant"] * n + ["user"]
        said = said.answered(f"question {n}", f"answer {n}")
        earlier = (*messages, Message("assistant", f"answer {n}"))
    assert said.messages == earlier[1:]


@pytest.mark.parametrize("form", FORMS)
def test_the_system_text_follows_the_form_until_it_is_edited(form: str):
    for untouched in ("", "\n", *map(instructions.system_prompt, FORMS), instructions.system_prompt(FORMS[0]) + "\n"):
        assert chat.system_text(untouched, form) == instructions.system_prompt(form)
    assert chat.system_text(" My own words. ", form) == "My own words."
    assert ask(Conversation(), "a boat", "", form).messages[0].text == instructions.system_prompt(form)


def format_sent(form: str, forced: bool, can: Abilities) -> tuple[bool, bool, tuple[str, ...]]:
    request, notes = fit(ask(Conversation(), "a boat", form=form, forced=forced), can)
    return request.grammar is not None, request.schema is not None, notes


def test_an_answer_is_held_to_its_form_as_far_as_the_engine_can():
    local, server, neither = Abilities(grammar=True, schema=True), Abilities(schema=True), Abilities()
    assert format_sent(chat.PROGRAM, True, local) == (True, False, ())
    assert format_sent(chat.JSON, True, local) == (True, False, ())
    assert format_sent(chat.JSON, True, server) == (False, True, ())
    for form, can in ((chat.PROGRAM, server), (chat.PROGRAM, neither), (chat.JSON, neither)):
        assert format_sent(form, True, can) == (
            False,
            False,
            ("this model cannot be held to a format: it was only asked for it",),
        )
        assert format_sent(form, False, can) == (False, False, ())


def test_the_two_forms_have_grammars_of_their_own():
    program, json = (ask(Conversation(), "a boat", form=form).grammar for form in (chat.PROGRAM, chat.JSON))
    assert program and "set_global_description" in program
    assert json and "regions" in json and "set_global_description" not in json


def test_an_answer_becomes_canvas_conversation_and_text():
    turn = chat.turn(Conversation(), "a boat", Answer(f"<think>hm</think>\n{PROGRAM}\n", True, ("no top_k",)))
    assert [r.rect for r in turn.canvas.regions] == [(0, 90, 0, 90), (20, 70, 0, 40)]
    assert turn.text == PROGRAM and turn.notes == ("no top_k",)
    assert turn.conversation.messages == (Message("user", "a boat"), Message("assistant", PROGRAM))
    assert chat.summary(turn.canvas) == "1 region; nearest: A red boat."


def test_a_cut_answer_gives_what_was_complete_and_says_so():
    cut = PROGRAM[: PROGRAM.index("quality_meta")]
    turn = chat.turn(Conversation(), "a boat", Answer(cut, False))
    assert len(turn.canvas.regions) == 1 and "the answer was cut off" in " ".join(turn.notes)
    assert turn.text == cut.strip()


def test_corrected_words_are_in_the_notes():
    turn = chat.turn(Conversation(), "a boat", Answer(PROGRAM.replace("on the left", "on the lefft"), True))
    assert any("on the lefft" in n and "on the left'" in n.replace('"', "'") for n in turn.notes)


def test_an_answer_without_a_canvas_is_quoted():
    with pytest.raises(LLMError, match=r"^The answer holds no canvas\. .*another seed.* begins: I cannot draw x+…\n"):
        chat.turn(Conversation(), "a boat", Answer("I cannot draw " + "x" * 400, True))
    with pytest.raises(LLMError, match="Raise max_tokens"):
        chat.turn(Conversation(), "a boat", Answer("Well, let me", False))
    with pytest.raises(LLMError, match="still thinking"):
        chat.turn(Conversation(), "a boat", Answer("<think>A boat, he says", False))
