"""What may stand under each key of a configuration, by the names of the TOML form."""

import json
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, cast

from ..sizes import Size
from ..told import Told
from ..typed import is_number

PLAN = ("lora", "blank", "model.checkpoint", "model.force_lora")
"""Keys that the model roulette reads."""


class Wrong(Told):
    """What must stand under a key; to be read after the key's name."""


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise Wrong("must be a text in quotes")
    return value


def texts(value: Any) -> tuple[str, ...]:
    """One text, or several of which one is drawn for each picture."""
    return _several(value, text, "a text in quotes, or a list of texts")


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Wrong("must be true or false")
    return value


def flags(value: Any) -> tuple[bool, ...]:
    return _several(value, flag, "true or false, or a list of these")


def number(value: Any) -> float:
    if not is_number(value) or value < 0:
        raise Wrong("must be a number such as 7.5, not under 0")
    return float(value)


def numbers(value: Any) -> tuple[float, ...]:
    return _several(value, number, "a number such as 0.25, or a list of numbers")


def whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Wrong("must be a whole number, not under 0")
    return value


def size(value: Any) -> Size:
    """Width and height in pixels."""
    match value:
        case [int(width), int(height)] if width > 0 and height > 0:
            return width, height
        case _:
            raise Wrong("must be width and height in pixels, such as [1216, 832]")


def banned(value: Any) -> str:
    """Tags, joined as the tagger wants them; one text is passed on as it is."""
    if isinstance(value, str):
        return value
    try:
        return ", ".join(map(text, cast(list[Any], value)))
    except (TypeError, Wrong):
        raise Wrong('must be a list of tags such as ["monochrome", "signature"]') from None


def archive(value: Any) -> str:
    first, *others = texts(value)
    if others:
        raise Wrong("must be one folder: pictures that are read from one and saved to another make no chain")
    return first


def merges(value: Any) -> tuple[Mapping[str, Any], ...]:
    return _several(
        value, _merge, "a table of nodes such as { load_model = { inputs = { batch_size = 2 } } }, or a list of them"
    )


def replacements(value: Any) -> tuple[Mapping[str, Any], ...]:
    return _several(
        value, _replacement, "a table of whole nodes, each with class_type and inputs, or a list of such tables"
    )


def _merge(value: Any) -> Mapping[str, Any]:
    nodes = _nodes(value)
    if not all(isinstance(node.get("inputs", {}), dict) for node in nodes.values()):
        raise Wrong("")
    return nodes


def _replacement(value: Any) -> Mapping[str, Any]:
    nodes = _nodes(value)
    if not all(isinstance(node.get("inputs"), dict) and "class_type" in node for node in nodes.values()):
        raise Wrong("")
    return nodes


def _nodes(value: Any) -> Mapping[str, dict[str, Any]]:
    if not isinstance(value, dict) or not all(isinstance(node, dict) for node in cast(dict[str, Any], value).values()):
        raise Wrong("")
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):  # TOML has dates, inf and nan, a workflow has not
        raise Wrong("") from None
    return cast(dict[str, dict[str, Any]], value)


def _several(value: Any, check: Callable[[Any], Any], wanted: str) -> tuple[Any, ...]:
    values = cast(list[Any], value if isinstance(value, list) else [value])
    try:
        found = tuple(check(each) for each in values)
    except Wrong:
        found = ()
    if not found:
        raise Wrong(f"must be {wanted}")
    return found


KEYS: dict[str, Callable[[Any], Any]] = {
    "latent.landscape": size,
    "latent.portrait": size,
    "latent.square": size,
    "llava.disable": flag,
    "llava.model": texts,
    "llava.projector": texts,
    "llava.prompt": texts,
    "misc.save_predetail": flags,
    "model.cfg": number,
    "model.steps": whole,
    "overload.merge": merges,
    "overload.replace": replacements,
    "paths.archive": archive,
    "paths.output": texts,
    "prompt.preamble": texts,
    "prompt.negative": texts,
    "server.address": text,
    "server.port": whole,
    "server.on_windows": flag,
    "server.poll_delay": numbers,
    "wd14.banned": banned,
}
"""What checks the value of each key. The fields of :class:`.config.Config` have the same names."""

ALL = (*KEYS, *PLAN)
TEXTS = (text, texts, archive, banned)
"""Checks of keys for which the command line need not quote a text."""


def unknown(name: str, known: tuple[str, ...]) -> str:
    """That there is no such key, and which is nearest."""
    close = get_close_matches(name, known, 1, 0.4)
    return f"There is no key {name}. " + (f"Did you mean {close[0]}?" if close else f"Keys: {', '.join(known)}.")
