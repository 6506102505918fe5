"""Keys that are overridden on the command line: ``--key value``, ``--key=value``, or ``--key`` alone for true."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from ..told import Told
from ..toml import TomlError, read_toml

Kind = Literal["str", "int", "float", "wire"]

_NODE = re.compile(r"override-([^-]+)-(.+?)(?:-(str|int|float|wire))?")


class Override(NamedTuple):
    """One key. ``value`` is None where the key stands alone."""

    name: str
    value: str | None


@dataclass(frozen=True)
class NodeInput:
    """``--override-NODE-FIELD[-TYPE] VALUE``: one input of one node of the workflow.

    Attributes:
        kind: of the value; None: a text where there is a text now, else what :func:`literal` makes of it.
    """

    node: str
    field: str
    raw: str
    kind: Kind | None = None

    def value(self, now: Any) -> Any:
        """What is to be written.

        Args:
            now: what the input is now.

        Raises:
            Told: it is not of its kind.
        """
        try:
            match self.kind:
                case "str":
                    return self.raw
                case "int":
                    return int(self.raw)
                case "float":
                    return float(self.raw)
                case "wire":
                    node, output = self.raw.rsplit(":", 1)
                    return [node, int(output)]
                case None:
                    return self.raw if isinstance(now, str) else literal(self.raw)
        except ValueError:
            example = {"int": "12", "float": "0.5", "wire": "ksampler:5, a node's name and the number of its output"}
            raise Told(
                f"--override-{self.node}-{self.field}-{self.kind} got {self.raw!r}. Expected something like"
                f" {example[self.kind or 'int']}."
            ) from None


def read_overrides(words: Sequence[str]) -> tuple[list[Override], list[NodeInput]]:
    """Reads what follows the command's own arguments.

    Raises:
        Told: a word belongs to no key.
    """
    keys: list[Override] = []
    inputs: list[NodeInput] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if not word.startswith("--") or word == "--":
            raise Told(f"{word!r} belongs to no key. Overrides are written --key value, --key=value or --key.")
        name, equals, value = word[2:].partition("=")
        given = value if equals else left.pop(0) if left and not left[0].startswith("--") else None
        if not name.startswith("override-"):
            keys.append(Override(name, given))
        elif (found := _NODE.fullmatch(name)) and given is not None:
            inputs.append(NodeInput(found[1], found[2], given, _kind(found[3])))
        else:
            raise Told(
                f"--{name} is not understood. Write --override-NODE-FIELD VALUE, or with the value's type"
                " --override-NODE-FIELD-str, -int, -float or -wire VALUE; a wire is node:output."
            )
    return keys, inputs


def literal(text: str) -> Any:
    """A value as TOML writes it, such as ``7.5``, ``true`` or ``["a", "b"]``; any other text is itself."""
    try:
        found = read_toml(f"value = {text}")
    except TomlError:
        return text
    return found["value"] if list(found) == ["value"] else text


def _kind(text: str | None) -> Kind | None:
    match text:
        case "str" | "int" | "float" | "wire":
            return text
        case _:
            return None
