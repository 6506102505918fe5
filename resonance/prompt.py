"""Words of different origin to one prompt.

The order is img2tag2img's: what the user writes first (and the LoRA's trigger words), the tags, the caption, what the user
writes last. Each part is stripped, empty parts leave no delimiter behind.
"""

import fnmatch
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Literal

from .settings import Setting
from .typed import COMMAS, between_commas, narrow

ORDERS = (
    "preamble, tags, caption, suffix",
    "preamble, caption, tags, suffix",
    "tags, caption, preamble, suffix",
    "caption, tags, preamble, suffix",
)

Duplicates = Literal["keep", "remove"]
Counted = Literal["tags", "words", "characters"]
CaptionWeights = Literal["as text", "act"]

PREAMBLE = Setting(
    name="preamble", default="", tip="Your words before everything else. Trigger words of LoRAs follow them directly."
)
SUFFIX = Setting(name="suffix", default="", tip="Your words after everything else.")
NEGATIVE = Setting(name="negative", default="", tip="Your negative prompt. Negative trigger words of LoRAs follow it.")
BANNED = Setting(
    name="banned",
    default="",
    tip="Tags to take out of the tags, separated by commas or lines. Whole tags are compared; case, underscores and"
    " backslashes do not matter. * stands for any letters: *_eyes.",
)
ORDER = Setting(name="order", default=ORDERS[0], choices=ORDERS, tip="Order of the parts in the positive prompt.")
CAPTION_WEIGHTS = Setting[CaptionWeights](
    name="caption_weights",
    default="as text",
    choices=("as text", "act"),
    tip="What parentheses in the caption do. as text: they are written \\( and \\), so that (at 6:30) is a time and no weight"
    " of 30. act: ComfyUI reads weights in the caption as it does in your own words.",
)


def split_tags(text: str) -> list[str]:
    """The entries of a comma-separated list, stripped, empty ones dropped.

    A comma inside parentheses, as in ``(red, blue:1.2)``, does not separate, unless the parentheses do not match.
    """
    entries, depth = [""], 0
    for char in re.findall(r"\\.|.", text, re.DOTALL):
        depth += (char == "(") - (char == ")")
        if char in COMMAS and depth <= 0:
            entries.append("")
        else:
            entries[-1] += char
    return between_commas(text) if depth else [entry for entry in map(str.strip, entries) if entry]


def normal(tag: str) -> str:
    r"""The form in which tags are compared: ``Hatsune_Miku_\(cosplay\)`` is ``hatsune miku (cosplay)``."""
    return " ".join(narrow(tag).replace("\\", "").replace("_", " ").casefold().split())


def is_listed(tag: str, wanted: Iterable[str]) -> bool:
    """Whether a list names a tag, all as :func:`normal` gives it. ``*`` stands for any letters, but not in a kaomoji."""
    return any(tag == one or ("*" in one and any(map(str.isalnum, one)) and _pattern(one).match(tag)) for one in wanted)


@lru_cache(1024)
def _pattern(wanted: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(re.sub(r"[\[?]", r"[\g<0>]", wanted)))


def join(parts: Iterable[str], delimiter: str = ", ") -> str:
    """Joins what is left of the parts after blanks and commas around them are gone."""
    return delimiter.join(part for part in (part.strip(f" \t\r\n{COMMAS}") for part in parts) if part)


def compose(
    *,
    preamble: str = "",
    tags: str = "",
    caption: str = "",
    triggers: str = "",
    suffix: str = "",
    banned: str = "",
    delimiter: str = ", ",
    order: str = ORDERS[0],
    duplicates: Duplicates = "keep",
    limit: int = 0,
    limit_counts: Counted = "tags",
    caption_weights: CaptionWeights = CAPTION_WEIGHTS.default,
) -> str:
    """Puts a positive prompt together.

    Args:
        banned: tags, separated by commas or lines, that are taken out of ``tags``; compared as :func:`normal` has it.
        delimiter: stands between the parts.
        order: one of :data:`ORDERS`. Trigger words always follow the preamble.
        duplicates: ``remove`` keeps the first of equal entries; entries of preamble and suffix go before ``tags``, the
            caption is prose and stays as it is.
        limit: the most that is allowed, 0 for no limit.
        limit_counts: ``tags`` counts the entries of ``tags``. ``words`` and ``characters`` count in the whole prompt, which is
            brought under the limit by shortening the caption from its end, then the tags; what the user wrote and the trigger
            words are never shortened.
        caption_weights: ``as text`` escapes the caption's parentheses, see :func:`escaped`; ``act`` leaves it as it is.
    """
    unwanted = {normal(tag) for line in banned.splitlines() for tag in split_tags(line)}
    parts = {
        "preamble": join((preamble, triggers)),
        "suffix": suffix,
        "tags": _without(tags, lambda tag: is_listed(normal(tag), unwanted)),
        "caption": escaped(caption) if caption_weights == "as text" else caption,
    }
    if duplicates == "remove":
        seen: set[str] = set()
        for part in ("preamble", "suffix", "tags"):
            parts[part] = _without(parts[part], lambda tag: _seen(normal(tag), seen))
    if limit and limit_counts == "tags":
        parts["tags"] = ", ".join(split_tags(parts["tags"])[:limit])

    def prompt() -> str:
        return join((parts[part] for part in order.split(", ")), delimiter)

    if limit and limit_counts != "tags":
        for part, pieces, glue in (
            ("caption", parts["caption"].split(), " "),
            ("tags", split_tags(parts["tags"]), ", "),
        ):
            while pieces and _measure(prompt(), limit_counts) > limit:
                pieces.pop()
                parts[part] = glue.join(pieces).rstrip(" ,;:，、；：")
    return prompt()


def compose_negative(negative: str, neg_triggers: str = "", duplicates: Duplicates = "keep") -> str:
    """The negative prompt: what the user wrote, then the LoRA's."""
    prompt = join((negative, neg_triggers))
    seen: set[str] = set()
    return _without(prompt, lambda tag: _seen(normal(tag), seen)) if duplicates == "remove" else prompt


def escaped(text: str) -> str:
    """A model's words for a text encoder: it means what it writes, and not the weights that ComfyUI reads from parentheses.

    Those that are escaped stay as they are: ComfyUI, too, looks at the one character before a parenthesis.
    """
    return re.sub(r"(?<!\\)[()]", r"\\\g<0>", text)


def plain(prompt: str) -> str:
    """A prompt for those to whom weights mean nothing: parentheses that ComfyUI wants escaped are plain ones."""
    return prompt.replace(r"\(", "(").replace(r"\)", ")")


def _without(text: str, unwanted: Callable[[str], bool]) -> str:
    """The list without its unwanted entries; a list without any keeps its exact text."""
    entries = split_tags(text)
    kept = [entry for entry in entries if not unwanted(entry)]
    return text if len(kept) == len(entries) else ", ".join(kept)


def _seen(key: str, seen: set[str]) -> bool:
    known = key in seen
    seen.add(key)
    return known


def _measure(prompt: str, counted: Counted) -> int:
    return len(prompt.split()) if counted == "words" else len(prompt)
