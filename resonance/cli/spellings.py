"""Old spellings of commands. They do what they did and say how to write it now."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

FLAGS = ("--retry", "--take", "--download", "--dump", "--sort", "--json", "--help")
"""Options of the old `resonance rounds` that took no value."""


@dataclass(frozen=True)
class Spelling:
    """One row.

    Attributes:
        rewrite: the words after `resonance` as they are written now, None where they are not the old ones.
    """

    old: str
    new: str
    rewrite: Callable[[list[str]], list[str] | None]


def current(words: list[str], tell: Callable[[str], object]) -> list[str]:
    """The words of a command line as they are written now.

    Args:
        tell: called with a sentence about each old spelling.
    """
    for spelling in SPELLINGS:
        if rewritten := spelling.rewrite(words):
            tell(f"Note: 'resonance {spelling.old}' is now 'resonance {spelling.new}'.")
            words = rewritten
    return words


def _chain(words: list[str]) -> list[str] | None:
    """What stood before the workflow goes behind everything, where keys stand."""
    at = list(_names(words)) if words[:1] == ["rounds"] else []
    if len(at) < 2 or not words[at[0]].endswith(".json"):
        return None
    return ["img2tag2img", *words[at[0] :], *words[1 : at[0]]]


def _names(words: list[str]) -> Iterator[int]:
    """Where the words are that are neither the command, nor options, nor an option's value."""
    value = False
    for place, word in enumerate(words[1:], 1):
        if word.startswith("-"):
            value = "=" not in word and word not in FLAGS
        elif value:
            value = False
        else:
            yield place


def _rehydrate(words: list[str]) -> list[str] | None:
    command, *rest = words or [""]
    for place, word in enumerate(rest if command == "rounds" else []):
        name, equals, file = word.partition("=")
        if name == "--rehydrate":
            value = [file] if equals else rest[place + 1 : place + 2]
            return ["rehydrate", *value, *rest[:place], *rest[place + 1 + (not equals) :]]
    return None


def _llm_model(command: str, words: list[str]) -> list[str] | None:
    if words[:1] != [command]:
        return None
    renamed = [
        "--llm-model" + word.removeprefix("--model") if word.partition("=")[0] == "--model" else word for word in words
    ]
    return renamed if renamed != words else None


SPELLINGS = (
    Spelling("rounds WORKFLOW.json FIRST NEXT ...", "img2tag2img WORKFLOW.json FIRST NEXT ...", _chain),
    Spelling("rounds --rehydrate FILE", "rehydrate FILE", _rehydrate),
    Spelling("describe --model NAME", "describe --llm-model NAME", partial(_llm_model, "describe")),
    Spelling("canvas --model NAME", "canvas --llm-model NAME", partial(_llm_model, "canvas")),
)
