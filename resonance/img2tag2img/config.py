"""A configuration of img2tag2img: the TOML form, and the INI form mapped onto it."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Literal, cast

from ..roulette import Checkpoint, Lora, Plan
from ..roulette.lines import quote, quote_syntax
from ..roulette.plan import BLANK
from ..roulette.text import read_plan
from ..sizes import CLASSES, Aspect, Size
from ..told import Told
from ..toml import TomlError, read_toml
from . import ini, overrides
from .keys import ALL, KEYS, PLAN, TEXTS, Wrong, unknown
from .overrides import NodeInput, Override, literal

SECTIONS = {key.split(".")[0] for key in ALL if "." in key}
XL = CLASSES["SDXL"]


@dataclass(frozen=True)
class Config:
    """All keys. Of a tuple one entry is drawn for each picture.

    Attributes:
        plan: ``model.checkpoint``, ``model.force_lora``, ``lora`` and ``blank``; names are spelled as in the file.
        paths_output: the server's folder; ``None`` in the file: the archive's own path.
        wd14_banned: as the tagger takes it.
        inputs: inputs of nodes, from the command line.
        notes: sentences for the user about what was read.
    """

    plan: Plan
    paths_archive: str
    paths_output: tuple[str, ...]
    latent_landscape: Size = XL["landscape"]
    latent_portrait: Size = XL["portrait"]
    latent_square: Size = XL["square"]
    llava_disable: bool = False
    llava_model: tuple[str, ...] = ("llama/llava-v1.5-7b-Q4_K",)
    llava_projector: tuple[str, ...] = ("llama/llava-v1.5-7b-mmproj-Q4_0",)
    llava_prompt: tuple[str, ...] = ("Please describe this image in detail.",)
    misc_save_predetail: tuple[bool, ...] = (False,)
    model_cfg: float = 0.0
    model_steps: int = 0
    overload_merge: tuple[Mapping[str, Any], ...] = ({},)
    overload_replace: tuple[Mapping[str, Any], ...] = ({},)
    prompt_preamble: tuple[str, ...] = ("",)
    prompt_negative: tuple[str, ...] = ("",)
    server_address: str = "127.0.0.1"
    server_port: int = 8188
    server_on_windows: bool = False
    server_poll_delay: tuple[float, ...] = (0.25,)
    wd14_banned: str = ""
    inputs: tuple[NodeInput, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Of the ComfyUI server."""
        return f"http://{self.server_address}:{self.server_port}"

    def latent(self, aspect: Aspect) -> Size:
        sizes = {"landscape": self.latent_landscape, "portrait": self.latent_portrait, "square": self.latent_square}
        return sizes[aspect]


def load(path: Path, words: Sequence[str] = ()) -> Config:
    """Reads a configuration of either form.

    Args:
        words: overrides from the command line, for keys of the file's form: ``--key value``, ``--key=value``, ``--key``.

    Raises:
        Told: names the file, and what is wrong with which key.
    """
    given, inputs = overrides.read_overrides(words)
    try:
        text = path.read_text("utf-8-sig")
        if form(path, text) == "ini":
            flat, notes = ini.read_ini(text, given)
            return replace(_config(flat, inputs), notes=notes)
        return _config(_toml(text, given), inputs, text, {override.name for override in given})
    except UnicodeDecodeError:
        raise Told(f"{path}: this is not text in UTF-8.") from None
    except OSError as error:
        raise Told(f"{path}: the configuration cannot be read ({error.strerror}).") from None
    except Told as error:
        raise Told(f"{path}: {error}") from None


def form(path: Path, text: str) -> Literal["ini", "toml"]:
    """By the suffix; of other files by whether they are TOML."""
    if path.suffix.lower() in (".ini", ".toml"):
        return "ini" if path.suffix.lower() == ".ini" else "toml"
    try:
        read_toml(text)
    except TomlError:
        return "ini"
    return "toml"


def _toml(text: str, given: Sequence[Override]) -> dict[str, Any]:
    """Values by dotted keys."""
    try:
        toml = read_toml(text)
    except TomlError as error:
        raise Told(quote_syntax(text, error)) from None
    flat: dict[str, Any] = {}
    for place, value in _leaves(toml):
        key = ".".join(place)
        if key not in ALL:
            raise Told(quote(text, place, unknown(key, ALL)))
        flat[key] = value
    for name, raw in given:
        if name not in ALL:
            raise Told(unknown(name, ALL))
        flat[name] = _value(name, raw)
    return flat


def _leaves(toml: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in toml.items():
        if key in SECTIONS and isinstance(value, dict):
            yield from (((key, sub), each) for sub, each in cast(dict[str, Any], value).items())
        else:
            yield (key,), value


def _value(name: str, raw: str | None) -> Any:
    """What the command line gives: true where the key stands alone, else a TOML literal or, for texts, the text itself."""
    if raw is None:
        return True
    value: Any = literal(raw)
    return raw if KEYS.get(name) in TEXTS and type(value) not in (str, list) else value


def _config(flat: Mapping[str, Any], inputs: Sequence[NodeInput], text: str = "", given: Container[str] = ()) -> Config:
    """Checks all values.

    Args:
        text: what they are from, to quote from, except those under keys in ``given``.
    """
    if missing := [key for key in ("model.checkpoint", "paths.archive") if key not in flat]:
        raise Told(f"These keys are missing: {', '.join(missing)}.")
    values: dict[str, Any] = {}
    for key, value in flat.items():
        if key not in PLAN:
            try:
                values[key.replace(".", "_")] = KEYS[key](value)
            except Wrong as wrong:
                message = f"{key} {wrong}, got {value!r}."
                place = tuple(key.split("."))
                raise Told(quote(text, place, message) if text and key not in given else message) from None
    values.setdefault("paths_output", (values["paths_archive"],))
    plan = _plan(flat, "" if any(key in given for key in PLAN) else text)
    return Config(plan=plan, inputs=tuple(inputs), **values)


def _plan(flat: Mapping[str, Any], text: str) -> Plan:
    """The roulette's part, with names as they are written: a server on Windows knows its files by backslashes."""
    toml = {key: flat[key] for key in ("lora", "blank") if key in flat}
    toml["model"] = {key: flat[f"model.{key}"] for key in ("checkpoint", "force_lora") if f"model.{key}" in flat}
    plan = read_plan(toml, text)
    if any(entry.folder for entry in (*plan.checkpoints, *plan.loras)):
        raise Told("folder = … works only where the server's files can be seen. Here write each file's name.")
    written = {name.replace("\\", "/"): name for name in _texts(toml)}

    def as_written(lora: Lora) -> Lora:
        return replace(lora, name=written.get(lora.name, lora.name))

    def record(lora: Lora) -> Lora:
        if lora.name == BLANK:
            return replace(lora, model_strength=0.0, clip_strength=0.0, trigger="", neg_trigger="")
        return as_written(lora)

    def checkpoint(entry: Checkpoint) -> Checkpoint:
        slots = tuple(slot and as_written(slot) for slot in entry.slots)
        return replace(entry, name=written[entry.name], slots=slots)

    return replace(
        plan,
        checkpoints=tuple(map(checkpoint, plan.checkpoints)),
        loras=tuple(map(record, plan.loras)),
        forced=tuple(map(record, plan.forced)),
    )


def _texts(value: Any) -> Iterator[str]:
    """All texts inside a TOML value."""
    match value:
        case str():
            yield value
        case dict():
            yield from chain.from_iterable(map(_texts, cast(dict[str, Any], value).values()))
        case list():
            yield from chain.from_iterable(map(_texts, cast(list[Any], value)))
        case _:
            return
