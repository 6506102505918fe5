"""The models that a server lists: which of them write, and which see. Each kind of server tells it in its own way, or not at all.

Sources: the documentation of LM Studio (``/api/v0/models``: ``type``), Ollama (``/api/tags``, ``/api/show``: ``capabilities``),
llama.cpp's server and OpenRouter (``architecture``), Mistral (``capabilities``, an object).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeGuard, cast

from .answer import short
from .chat import LLMError

LONGEST_NAME = 500

_OTHERS = {"embedding", "embeddings", "rerank", "reranker", "moderation", "image", "audio", "transcribe", "video"}
"""Types of models that do not write."""
_NAMED_OTHERWISE = re.compile(
    r"embed|rerank|minilm|moderation|whisper|dall-e|(^|[/_-])(bge|gte|e5|tts)([-_.:]|$)", re.I
)


@dataclass(frozen=True)
class Listed:
    """One model.

    Attributes:
        writing: whether it writes, as far as the server says.
        sees: whether it takes pictures, as far as the server says.
    """

    name: str
    owner: str = ""
    writing: bool | None = None
    sees: bool | None = None

    @property
    def writes(self) -> bool:
        """Judged by its name where the server does not say."""
        return not _NAMED_OTHERWISE.search(self.name) if self.writing is None else self.writing


def listed(answer: Mapping[str, Any]) -> list[Listed]:
    """The models in an answer of ``/v1/models`` and its like, in their order. What has no proper name is left out."""
    entries = answer.get("data") or answer.get("models")
    found = [_read(cast(dict[str, Any], entry)) for entry in _list(entries) if isinstance(entry, dict)]
    return [each for each in found if is_name(each.name)]


def is_name(name: Any) -> TypeGuard[str]:
    """Whether it can be the name of a model."""
    return isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and name.isprintable()


def informed(models: Sequence[Listed], more: Sequence[Listed]) -> list[Listed]:
    """The models with what another list says of them."""
    known = {each.name: each for each in more}
    return [
        replace(each, writing=_first(each.writing, other.writing), sees=_first(each.sees, other.sees))
        for each in models
        for other in [known.get(each.name, each)]
    ]


class Choice(NamedTuple):
    """Which model is asked.

    Attributes:
        sees: whether pictures can be asked about at all.
        shown: the model that is asked about pictures, where it is another one.
        note: what to say of it where pictures are asked about, if anything.
    """

    model: str
    sees: bool
    shown: str
    note: str


def choose(models: Sequence[Listed], base: str) -> Choice:
    """The first model that writes, and for pictures the first of them that sees or, where none is said to, that may see.

    Raises:
        LLMError: none writes.
    """
    writers = [each for each in models if each.writes]
    if not writers:
        found = f"no model that writes, only {short(', '.join(each.name for each in models))}" if models else "no model"
        raise LLMError(f"{base} lists {found}: load one there, or give its name.")
    first = writers[0]
    shown = next((each for sees in (True, None) for each in writers if each.sees is sees), first)
    note = ""
    if len(writers) > 1 and shown.sees is None:
        note = f"no model is named, and the server does not say which of its models see: {shown.name} was asked"
    elif shown is not first:
        note = f"no model is named: {shown.name} was asked, the first that sees"
    return Choice(first.name, shown.sees is not False, "" if shown is first else shown.name, note)


def _read(entry: Mapping[str, Any]) -> Listed:
    name = next((entry[key] for key in ("id", "name", "model") if is_name(entry.get(key))), "")
    kind, can = entry.get("type"), entry.get("capabilities")
    build = entry.get("architecture")
    form = cast(Mapping[str, Any], build) if isinstance(build, dict) else entry
    takes, gives = _list(form.get("input_modalities")), _list(form.get("output_modalities"))
    writing = sees = None
    if isinstance(can, dict):
        flags = cast(Mapping[str, Any], can)
        writing, sees = _flag(flags.get("completion_chat")), _flag(flags.get("vision"))
    elif can := _list(can):
        writing = True if "completion" in can else False if "embedding" in can else None
        sees = True if {"vision", "multimodal"} & {*map(str, can)} else False if writing else None
    writing = _first(writing, "text" in gives if gives else None)
    sees = _first(sees, "image" in takes if takes else None)
    if isinstance(kind, str):
        writing = _first(writing, False if kind in _OTHERS else True if kind in ("llm", "vlm") else None)
        sees = True if kind == "vlm" else _first(sees, False if kind == "llm" else None)
    return Listed(name, str(entry.get("owned_by", "")), writing, sees)


def _list(value: Any) -> list[Any]:
    return cast(list[Any], value) if isinstance(value, list) else []


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _first(one: bool | None, other: bool | None) -> bool | None:
    return other if one is None else one
