"""What a model's own chat template says about its thoughts."""

import importlib
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from .thoughts import begun, own_marks

_THOUGHT, _ANSWER = "what was thought", "what was answered"
_SAID = {
    "role": "assistant",
    "content": _ANSWER,
    **dict.fromkeys(("reasoning_content", "reasoning", "thinking"), _THOUGHT),
}


@dataclass(frozen=True)
class Thinking:
    """How a model thinks.

    Attributes:
        begun: what its prompts end with, where they begin a thought.
        marks: what is around a thought, where that is no form of :mod:`.thoughts`.
    """

    begun: str = ""
    marks: tuple[str, str] | None = None

    def told(self, text: str, held: bool) -> str:
        """What the model has written, with its thoughts in a form that is known.

        Args:
            held: to a grammar or a schema, which leaves no room for the rest of a thought.
        """
        text = text if held else self.begun + text
        for own, known in zip(self.marks or (), ("<think>", "</think>"), strict=False):
            text = text.replace(own, known)
        return text


def thinking_of(template: str, **switches: Any) -> Thinking:
    """What a chat template in jinja2 says; nothing, where it cannot be read.

    Args:
        switches: what else the template is given, such as ``enable_thinking``.
    """
    question = {"role": "user", "content": "?"}
    thinking = Thinking()
    with suppress(Exception):  # a template may raise anything; whoever asks the model is told
        thinking = Thinking("", own_marks(_render(template, [question, _SAID], False, switches), _THOUGHT, _ANSWER))
    with suppress(Exception):
        return replace(thinking, begun=begun(thinking.told(_render(template, [question], True, switches), held=True)))
    return thinking


def _render(template: str, messages: list[dict[str, str]], asks: bool, switches: dict[str, Any]) -> str:
    """As llama-cpp-python does it."""
    sandbox = importlib.import_module("jinja2.sandbox").ImmutableSandboxedEnvironment
    environment = sandbox(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])
    return environment.from_string(template).render(
        messages=messages,
        add_generation_prompt=asks,
        bos_token="",
        eos_token="",
        tools=None,
        raise_exception=_refuse,
        strftime_now=str,
        **switches,
    )


def _refuse(why: str) -> None:
    raise ValueError(why)
