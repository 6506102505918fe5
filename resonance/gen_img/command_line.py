"""Reads gen_img's command lines."""

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NoReturn

from ..paint.options import Kind
from ..told import Told
from .options import OPTIONS, SPELLINGS, Option

HEADINGS = {
    "does it": "gen_img's options",
    "ComfyUI does it by itself": "gen_img's options that ComfyUI takes care of by itself",
    "refused": "gen_img's options that are refused",
}


@dataclass(frozen=True, kw_only=True)
class CommandLine:
    """What was asked for.

    Attributes:
        file: the file of prompt lines, ``-`` for what comes through a pipe; None: none is named.
        asked: by the names of :data:`.options.OPTIONS`, those that were not given with their defaults; lists are
            empty then.
        given: those that were.
    """

    file: str | None
    asked: Mapping[str, Any]
    given: Mapping[str, Any]


class Parser(argparse.ArgumentParser):
    """Of gen_img's options, which may be shortened and have dashes for underscores.

    Raises:
        Told: a command line cannot be read.
    """

    def __init__(self, program: str) -> None:
        super().__init__(
            program,
            usage=f"{program} [FILE] [OPTION ...]",
            argument_default=argparse.SUPPRESS,
            allow_abbrev=False,
            add_help=False,
        )
        self.add_argument("file", nargs="?", metavar="FILE", help="A text file of prompt lines; -: from a pipe.")
        groups = {does: self.add_argument_group(heading) for does, heading in HEADINGS.items()}
        for option in OPTIONS.values():
            _add(groups[option.does], option)

    def read(self, words: Sequence[str]) -> CommandLine:
        read = vars(self.parse_intermixed_args(list(map(_spelled, words))))
        given = {name: read[name] for name in OPTIONS if name in read}
        asked = {name: given.get(name, [] if each.many else each.default) for name, each in OPTIONS.items()}
        return CommandLine(file=read.get("file"), asked=asked, given=given)

    def error(self, message: str) -> NoReturn:
        said = re.sub(r"^argument ", "", message)
        raise Told(f"{said[:1].upper()}{said[1:].rstrip('.')}. See: {self.prog} --help")


def _add(group: Any, option: Option) -> None:
    tip = option.tip if option.does == "does it" else f"{option.tip} {option.core or option.instead}"
    kind: dict[str, Any] = {"action": "store_true"}
    if option.kind:
        kind = {"type": _typed(option.kind), "metavar": option.name.rsplit("_", 1)[-1].upper()}
        kind |= {"nargs": "*"} if option.many else {}
    group.add_argument(f"--{option.name}", dest=option.name, help=tip.replace("%", "%%"), **kind)


def _typed(kind: Kind) -> Callable[[str], Any]:
    def typed(text: str) -> Any:
        try:
            return kind.read(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"expected {kind.wants}, got {text!r}") from None

    return typed


def _spelled(word: str) -> str:
    """An option as the parser knows it.

    Raises:
        Told: there is none, or several are meant.
    """
    name, equals, value = word.partition("=")
    if not re.match(r"--\w", name):
        return word
    plain = name[2:].replace("-", "_")
    known = {**{each: each for each in OPTIONS}, **SPELLINGS}
    found = {known[plain]} if plain in known else {known[each] for each in known if each.startswith(plain)}
    if len(found) == 1:
        return f"--{found.pop()}{equals}{value}"
    if found:
        raise Told(f"{name} could be {' or '.join(f'--{each}' for each in sorted(found))}.")
    close = get_close_matches(plain, known, 1)
    raise Told(f"There is no option {name}.{f' Did you mean --{close[0]}?' if close else ''} --help shows all.")
