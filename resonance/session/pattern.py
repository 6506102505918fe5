"""Names of saved pictures by a pattern, such as ``{model}/{lineage}_{seed}``."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePosixPath

from ..files.names import FORBIDDEN, is_reserved
from ..told import Told
from .item import Item

TOKENS = ("lineage", "source", "round", "seed", "date", "time", "timestamp", "model", "prompt", "stage", "i", "n")
NUMBERS = ("round", "seed", "i", "n")
"""Those that take a number of digits: ``{n:06}``."""
OWN = {"i", "n"}
"""Those that each picture of an item has for itself, and of which another try may have others."""
PLACED = OWN | {"stage"}
"""Those that name no folder: the pictures of an item lie in one."""
LONGEST = 120
"""Bytes of a name, and of each folder's."""
ROOM = 30
"""Bytes of them for what comes behind: a number, ``_before``, the number of a result, a suffix."""
DEEPEST = 6
"""Names joined by slashes: a ledger takes sources of up to 1000 bytes."""

_WEIGHTS = re.compile(r"\.(safetensors|sft|ckpt|pth?|bin|gguf)$", re.IGNORECASE)
_TOKEN = re.compile(r"\{([^{}:]*)(:[^{}]*)?\}")
_DIGITS = re.compile(r":0([1-9]|1[0-9]|20)")


def check_pattern(pattern: str) -> str:
    """Returns ``pattern`` if names can be made by it.

    Raises:
        Told: they cannot; the text says why.
    """
    plain = _TOKEN.sub("", pattern)
    parts = pattern.split("/")
    if unknown := [token for token, _ in _TOKEN.findall(pattern) if token not in TOKENS]:
        why = f"holds {unknown[0][:20]!r} in braces, which is no token"
    elif odd := [
        token + form
        for token, form in _TOKEN.findall(pattern)
        if form and not (token in NUMBERS and _DIGITS.fullmatch(form))
    ]:
        numbers = ", ".join(f"{{{token}}}" for token in NUMBERS)
        why = f"holds {odd[0][:20]!r} in braces: behind {numbers} may stand how many digits they have, from :01 to :020"
    elif "{" in plain or "}" in plain:
        why = "has a brace that no other one closes"
    elif bad := FORBIDDEN.search(plain.replace("/", "")):
        why = f"holds {bad[0]!r}, which not every system takes in a name"
    elif any(not part.strip() for part in parts):
        why = (
            "has an empty name: names are joined by single slashes, and none stands before the first or behind the last"
        )
    elif any(part.strip() in (".", "..") for part in parts):
        why = "leads elsewhere: pictures stay in the session's folder, so leave out . and .."
    elif placed := PLACED & tokens_of("/".join(parts[:-1])):
        why = f"has {{{min(placed)}}} in the name of a folder, and all pictures of a run lie in one"
    elif len(parts) > DEEPEST:
        why = f"has {len(parts)} names joined by slashes; at most {DEEPEST} are taken"
    elif any(len(_TOKEN.sub("", part).encode()) > LONGEST - ROOM for part in parts):
        why = f"has a name of more than {LONGEST - ROOM} bytes"
    else:
        return pattern
    shown = pattern if len(pattern) <= LONGEST else pattern[:LONGEST] + "…"
    tokens = " ".join(f"{{{token}}}" for token in TOKENS)
    raise Told(f"The name pattern {shown!r} {why}. Tokens: {tokens}. Example: {{model}}/{{lineage}}_{{seed}}.")


def tokens_of(pattern: str) -> set[str]:
    return {token for token, _ in _TOKEN.findall(pattern)}


def values_of(item: Item, begun: float, prompt: str, model: str) -> dict[str, str]:
    """What the tokens stand for that all pictures of an item have in common.

    Args:
        begun: Unix time at which the item was first claimed.
        prompt, model: what made the pictures; empty: not known.
    """
    source = PurePosixPath((item.source or "").rpartition(" [")[0].replace("\\", "/")).stem
    model = str((item.draw or {}).get("checkpoint") or model)
    when = datetime.fromtimestamp(begun)
    return {
        "lineage": item.lineage,
        "source": source or "no-source",
        "round": f"{item.round:04d}",
        "seed": str(item.seed),
        "date": when.strftime("%Y-%m-%d"),
        "time": when.strftime("%H-%M-%S"),
        "timestamp": when.strftime("%Y%m%d%H%M%S"),
        "model": _WEIGHTS.sub("", PurePosixPath(model.replace("\\", "/")).name) or "no-model",
        "prompt": " ".join(prompt.split()) or "no-prompt",
    }


def path_by(pattern: str, values: Mapping[str, str]) -> tuple[str, list[str]]:
    """A path without number and suffix, each name of it valid on every system; and what was replaced for that, as sentences.

    Raises:
        Told: see :func:`check_pattern`; a pattern may come from another node.
    """
    check_pattern(pattern)
    names, said = list[str](), list[str]()
    plain = {token: FORBIDDEN.sub("_", unicodedata.normalize("NFC", value)) for token, value in values.items()}
    for part in pattern.split("/"):
        wanted = _filled(part, plain)
        names.append(_cut(_safe(wanted)))
        if _safe(wanted) != wanted:
            said.append(f"A name was to be {wanted!r}, which not every system takes: it is {names[-1]!r}.")
    return "/".join(names), said


def folded(file: str) -> str:
    """Equal for files that are not to stand beside one another: such as differ only in case, in how accents are written, or
    in their format."""
    path = PurePosixPath(file)
    text = unicodedata.normalize("NFC", str(path.with_suffix("") if path.suffix else path))
    return unicodedata.normalize("NFC", text.casefold())


def _filled(part: str, values: Mapping[str, str]) -> str:
    """A part with its tokens' values; prompts are cut to what the others leave."""

    def filled(prompt: str) -> str:
        return _TOKEN.sub(
            lambda found: prompt if found[1] == "prompt" else values[found[1]].zfill(int((found[2] or ":0")[1:])), part
        )

    room = max(LONGEST - ROOM - len(filled("").encode()), 0) // max(part.count("{prompt}"), 1)
    return unicodedata.normalize("NFC", filled(_cut(values["prompt"], room))).strip()


def _safe(name: str) -> str:
    """Without dots and blanks at its ends, and not one of Windows' own names."""
    name = name.strip(". ") or "_"
    return f"_{name}" if is_reserved(name.partition(".")[0].rstrip()) else name


def _cut(text: str, most: int = LONGEST - ROOM) -> str:
    return text.encode()[:most].decode(errors="ignore").rstrip(". ")
