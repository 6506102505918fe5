"""img2tag2img's TOML to a plan.

::

    model.checkpoint = [
        "a.safetensors",                                            # with one LoRA drawn
        { name = "b.safetensors", weight = 3 },                     # three times as often
        { folder = "sdxl" },                                        # every file below models/checkpoints/sdxl
        ["c.safetensors", "style.safetensors", 0.8, 0.8, "", ""],   # a bundle: name, strengths, trigger, negative trigger
        ["c.safetensors", "", 0, 0, "", ""],                        # a bundle with one LoRA drawn
    ]
    model.force_lora = [{ name = "lightning.safetensors", strength = 1.0 }]
    blank = 2                                                       # draws without LoRA

    [[lora]]
    name = "x.safetensors"                                          # or folder = "styles"
    strength = 0.8                                                  # or model_strength, clip_strength
    trigger = "x style"
    neg_trigger = ""
    weight = 1
"""

import math
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, cast

from ..toml import TomlError, read_toml
from ..typed import is_number
from .lines import Path, quote, quote_syntax
from .plan import BLANK, UNUSED, Checkpoint, Lora, Plan, PlanError

KEYS = ("blank", "lora", "model.checkpoint", "model.force_lora", *UNUSED)
CHECKPOINT_FIELDS = ("name", "folder", "weight")
FORCED_FIELDS = ("name", "strength", "model_strength", "clip_strength", "trigger", "neg_trigger")
LORA_FIELDS = (*FORCED_FIELDS, "folder", "weight")
BUNDLE_FIELDS = ("LoRA name", "model strength", "clip strength", "trigger", "negative trigger")


class _WrongError(Exception):
    def __init__(self, at: Path, message: str) -> None:
        super().__init__(message)
        self.at = at


def parse(text: str) -> Plan:
    """Reads a plan. Folders in it are not looked into, see :meth:`Plan.expand`.

    Raises:
        PlanError: quotes the first line that is wrong and says what may stand there.
    """
    try:
        return read_plan(read_toml(text), text)
    except TomlError as error:
        raise PlanError(quote_syntax(text, error)) from None


def read_plan(toml: dict[str, Any], text: str = "") -> Plan:
    """Reads a plan from TOML that was parsed already.

    Args:
        text: what it was parsed from, to quote from; empty where it did not all come from one text.

    Raises:
        PlanError: like :func:`parse`.
    """
    try:
        return _plan(toml, text)
    except _WrongError as wrong:
        at = ".".join(map(str, wrong.at))
        raise PlanError(quote(text, wrong.at, str(wrong)) if text else f"{at}: {wrong}" if at else str(wrong)) from None


def _plan(toml: dict[str, Any], text: str) -> Plan:
    model = cast(dict[str, Any], toml.get("model", {}))
    if not isinstance(model, dict):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise _WrongError(("model",), 'Write model.checkpoint = "name.safetensors".')
    paths: list[Path] = [*((key,) for key in toml if key != "model"), *(("model", key) for key in model)]
    for path in paths:
        _check_key(".".join(map(str, path)), KEYS, path)
    if "checkpoint" not in model:
        raise _WrongError(
            (), 'There is no model.checkpoint. Write model.checkpoint = "name.safetensors", or a list of names.'
        )
    loras = [_lora(lora, ("lora", i), LORA_FIELDS) for i, lora in enumerate(_records(toml.get("lora", []), ("lora",)))]
    if blank := _number(toml, "blank", (), 0, least=0):
        loras.append(Lora(BLANK, weight=blank, at=("blank",)))
    forced = _records(model.get("force_lora", []), ("model", "force_lora"))
    return Plan(
        checkpoints=_weighed(_checkpoints(model["checkpoint"], ("model", "checkpoint")), ("model", "checkpoint")),
        loras=_weighed(loras, ("lora",)) or (Lora(BLANK),),
        forced=tuple(_lora(lora, ("model", "force_lora", i), FORCED_FIELDS) for i, lora in enumerate(forced)),
        unused=tuple(key for path in paths if (key := ".".join(map(str, path))) in UNUSED),
        text=text,
    )


def _checkpoints(value: Any, at: Path) -> list[Checkpoint]:
    if not isinstance(value, list):
        return [_checkpoint(value, at)]
    if not value:
        raise _WrongError(at, "The list of checkpoints is empty.")
    return [_checkpoint(entry, (*at, i)) for i, entry in enumerate(cast(list[Any], value))]


def _checkpoint(value: Any, at: Path) -> Checkpoint:
    match value:
        case str():
            return Checkpoint(_file(value, at), at=at)
        case dict():
            record = cast(dict[str, Any], value)
            name, folder = _source(record, at, CHECKPOINT_FIELDS)
            return Checkpoint(name, weight=_number(record, "weight", at, 1, least=0), folder=folder, at=at)
        case list() if len(at) > 2:
            return _bundle(cast(list[Any], value), at)
        case int() | float() if len(at) > 2:
            raise _WrongError(at, 'A bundle needs a list of its own inside the list: [["name.safetensors", ...]].')
        case _:
            raise _WrongError(
                at, 'A checkpoint is "name", { name = "name", weight = 1 }, { folder = "folder" } or a bundle.'
            )


def _bundle(values: list[Any], at: Path) -> Checkpoint:
    if not values or len(values) % 5 != 1 or not isinstance(values[0], str):
        raise _WrongError(
            at,
            f"A bundle is a checkpoint's name and then five values for each LoRA: {', '.join(BUNDLE_FIELDS)}. "
            f"This one has {len(values)} values.",
        )
    slots = [_slot(values[start : start + 5], at, start) for start in range(1, len(values), 5)]
    return Checkpoint(_file(values[0], (*at, 0)), tuple(slots), at=(*at, 0))


def _slot(values: list[Any], at: Path, start: int) -> Lora | None:
    """The five values of a bundle that begin at ``start``; None, whatever else they say, where the name is empty."""
    if values[0] == "":
        return None
    for index, (value, field) in enumerate(zip(values, BUNDLE_FIELDS, strict=True), start):
        _check_type(value, field, (*at, index), number="strength" in field)
    name, model, clip, trigger, neg_trigger = values
    return Lora(_file(name, (*at, start)), float(model), float(clip), trigger, neg_trigger, at=(*at, start))


def _lora(record: dict[str, Any], at: Path, fields: Sequence[str]) -> Lora:
    name, folder = _source(record, at, fields)
    strength = _number(record, "strength", at, 1)
    return Lora(
        name,
        _number(record, "model_strength", at, strength),
        _number(record, "clip_strength", at, strength),
        _string(record, "trigger", at),
        _string(record, "neg_trigger", at),
        _number(record, "weight", at, 1, least=0),
        folder,
        (*at, "folder" if folder else "name"),
    )


def _records(value: Any, at: Path) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(record, dict) for record in cast(list[Any], value)):
        name = ".".join(map(str, at))
        raise _WrongError(at, f'Write [[{name}]] with name = "file.safetensors" below it, once for each LoRA.')
    return cast(list[dict[str, Any]], value)


def _source(record: dict[str, Any], at: Path, fields: Sequence[str]) -> tuple[str, bool]:
    """The name of a file, or of a folder and True."""
    for field in record:
        _check_key(field, fields, (*at, field))
    given = [field for field in ("name", "folder") if field in record]
    if len(given) != 1:
        wanted = "either a name or a folder" if "folder" in fields else "a name"
        raise _WrongError(at, f"This entry must have {wanted}; it has {' and '.join(given) or 'none'}.")
    if given == ["folder"]:
        return _string(record, "folder", at).replace("\\", "/").strip("/"), True
    return _file(_string(record, "name", at), (*at, "name")), False


def _file(name: str, at: Path) -> str:
    if not name:
        raise _WrongError(at, f'The name is empty. Write the file\'s name, or "{BLANK}" for no LoRA.')
    if not name.isprintable():
        raise _WrongError(
            at, "In double quotes a backslash begins an escape: write / between folders, or use single quotes."
        )
    return name.replace("\\", "/")


def _string(record: dict[str, Any], field: str, at: Path) -> str:
    value = record.get(field, "")
    _check_type(value, field, (*at, field), number=False)
    return value


def _number(record: dict[str, Any], field: str, at: Path, default: float, least: float = -math.inf) -> float:
    value = record.get(field, default)
    _check_type(value, field, (*at, field), number=True)
    if value < least:
        raise _WrongError((*at, field), f"{field} must not be under {least:g}.")
    return float(value)


def _check_type(value: Any, field: str, at: Path, number: bool) -> None:
    if number and not is_number(value):
        raise _WrongError(at, f"{field} must be a number such as 0.8, not {value!r}.")
    if not number and not isinstance(value, str):
        raise _WrongError(at, f"{field} must be a text in quotes, not {value!r}.")


def _check_key(key: str, known: Sequence[str], at: Path) -> None:
    if key not in known:
        close = get_close_matches(key, known, 1)
        hint = f"Did you mean {close[0]}?" if close else f"Known: {', '.join(known)}."
        raise _WrongError(at, f"{key} is not known here. {hint}")


def _weighed(entries: list[Any], at: Path) -> tuple[Any, ...]:
    if entries and not sum(entry.weight for entry in entries):
        raise _WrongError(at, "All weights are 0, so that nothing can be drawn.")
    return tuple(entries)
