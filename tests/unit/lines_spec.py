"""What a prompt line means, written down a second time: from gen_img's own rules and from what is refused here, not from our code.

Slow and plain: every outcome of a text is worked out, with its chance.
"""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

Chances = dict[str, Fraction]


class Fault(Exception):
    """A line is refused; ``columns``: where it may be said to be wrong, from 1. None: anywhere."""

    def __init__(self, *columns: int) -> None:
        super().__init__(columns)
        self.columns = columns


# Options: name, what it fills, how its value is read


def whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if re.fullmatch(r"[+-]?[0-9]+", text) and low <= int(text) <= high:
            return int(text)
        raise ValueError

    return read


def decimal(low: float, high: float, above: bool = False) -> Callable[[str], float]:
    def read(text: str) -> float:
        if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)", text):
            raise ValueError
        value = float(text)
        if not low <= value <= high or (above and value == low):
            raise ValueError
        return value

    return read


def several(each: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...]]:
    def read(text: str) -> tuple[Any, ...]:
        if text.endswith(","):
            text = text[:-1]
        return tuple(each(part.strip()) for part in text.split(","))

    return read


def unsharp(text: str) -> tuple[float, ...]:
    values = several(decimal(0, 100))(text)
    if len(values) not in (3, 4) or values[0] not in range(1, 100, 2):
        raise ValueError
    return values


def words(text: str) -> str:
    if not text:
        raise ValueError
    return text


def file_name(text: str) -> str:
    """In a form that any system takes, told in one more way: letter by letter."""
    plain = "".join("_" if letter in '<>:"/\\|?*\t' else letter for letter in words(text))
    return plain.strip(". ") or "_"


def number_or_none(text: str) -> Any:
    return "none" if text.lower() == "none" else decimal(0, 100)(text)


def multiple_of_8(text: str) -> int:
    value = whole(16, 16384)(text)
    return value - value % 8


def clamped(text: str) -> int:
    return sorted((1, whole(-(10**9), 10**9)(text), 1000))[1]


pixels, timestep, share = whole(0, 16384), whole(0, 1000), decimal(0, 1, above=True)

OPTIONS: Sequence[tuple[str, str, Callable[[str], Any]]] = (
    ("n", "negative", str),
    ("w", "width", multiple_of_8),
    ("h", "height", multiple_of_8),
    ("s", "steps", clamped),
    ("d", "seeds", several(whole(0, 2**64 - 1))),
    ("l", "scale", decimal(0, 100)),
    ("nl", "negative_scale", number_or_none),
    ("t", "strength", share),
    ("am", "multipliers", several(decimal(-100, 100))),
    ("c", "guide", words),
    ("f", "file", file_name),
    ("ow", "original_width", pixels),
    ("oh", "original_height", pixels),
    ("nw", "original_width_negative", pixels),
    ("nh", "original_height_negative", pixels),
    ("ct", "crop_top", pixels),
    ("cl", "crop_left", pixels),
    ("dsd1", "ds_depth_1", whole(0, 8)),
    ("dst1", "ds_timesteps_1", timestep),
    ("dsd2", "ds_depth_2", whole(0, 8)),
    ("dst2", "ds_timesteps_2", timestep),
    ("dsr", "ds_ratio", share),
    ("glt", "gl_timesteps", timestep),
    ("glr", "gl_ratio", share),
    ("gle", "gl_every", whole(1, 1000)),
    ("gls", "gl_ratio_step", share),
    ("glsn", "gl_s_noise", decimal(0, 100)),
    ("glus", "gl_unsharp", unsharp),
)
TABLE = {name: (field, read) for name, field, read in OPTIONS}
TEXTS = {"n", "c", "f"}


def line(text: str) -> dict[str, Any]:
    """The prompt, and what the options of a line without choices fill.

    Raises:
        Fault: at one of these columns.
    """
    found: dict[str, Any] = {}
    tokens = [(match[0], match.start()) for match in re.finditer(r"\S+", text)]
    begins = [(word, at) for word, at in tokens if re.match(r"--[A-Za-z]", word)]
    faults = [
        at + 1
        for word, at in tokens
        if (dash := re.fullmatch(r"[—–―−]+([A-Za-z]+[0-9]?)([0-9]*)", word))
        and {dash[1].lower(), dash[1].lower().rstrip("0123456789")} & TABLE.keys()
    ]
    found["prompt"] = text[: begins[0][1] if begins else len(text)].strip()
    ends = [*(at for _, at in begins[1:]), *[len(text)][: len(begins)]]
    for (word, at), end in zip(begins, ends, strict=True):
        name = word[2:].lower()
        value = text[at + len(word) : end].strip()
        if name not in TABLE or TABLE[name][0] in found:
            faults.append(at + 1)
            continue
        field, read = TABLE[name]
        try:
            found[field] = read(value if name in TEXTS else value.translate({ord("０") + n: str(n) for n in range(10)}))
        except ValueError:
            found[field] = None
            faults.append((text.index(value, at + len(word)) if value else at) + 1)
    if faults:
        raise Fault(*faults)
    return found


# Choices. Inner groups first: each becomes one character of its own, until none is left.

FIRST, OPEN, CLOSE, TAKEN = 0xE000, "\uf8f0", "\uf8f1", "\uf8f2"


class Choices:
    """A text with choices.

    Raises:
        Fault: it is refused.
    """

    def __init__(self, text: str, wildcards: Mapping[str, Sequence[str]]) -> None:
        self.wildcards = wildcards
        self.groups: list[str] = []
        text = text.replace(r"\{", OPEN).replace(r"\}", CLOSE).replace("$$", TAKEN)
        if "${" in text:
            raise Fault
        while inner := re.search(r"\{([^{}]*)\}", text):
            self.groups.append(inner[1])
            text = f"{text[: inner.start()]}{chr(FIRST + len(self.groups) - 1)}{text[inner.end() :]}"
        if "{" in text or "}" in text:
            raise Fault
        self.text = text
        for number in range(len(self.groups)):
            self.head(number)
        for name in re.findall(r"__([a-z]+)__", "".join([text, *self.groups])):
            if name not in wildcards:
                raise Fault

    def head(self, number: int) -> tuple[bool, int, int, str, list[tuple[Fraction, str]]]:
        """Whether a group enumerates, how many entries it takes, what joins them, and these with their weights."""
        first, *others = self.groups[number].split("|")
        *heads, first = first.split(TAKEN)
        if any(TAKEN in entry for entry in others) or any(char >= chr(FIRST) for char in "".join(heads)):
            raise Fault
        enumerates = bool(heads) and heads[0].strip() in ("e", "E")
        if enumerates:
            heads.pop(0)
        count, joiner = [*heads, *["1", ", "][len(heads) :]] if len(heads) < 3 else [None, None]
        if count is None or joiner is None:
            raise Fault
        entries: list[tuple[Fraction, str]] = []
        for entry in (first, *others):
            weight = re.match(r"\s*(-?[0-9]*\.?[0-9]+)\s*::", entry)
            if weight and (enumerates or weight[1].startswith("-")):
                raise Fault
            entries.append((Fraction(weight[1]), entry[weight.end() :]) if weight else (Fraction(1), entry))
        if not any(entry.strip() for _, entry in entries):
            raise Fault
        if not (wanted := re.fullmatch(r"\s*(?:([0-9]+)|([0-9]+)-([0-9]*)|-([0-9]+))\s*", count)):
            raise Fault
        if wanted[1]:
            low = high = int(wanted[1])
        elif wanted[4]:
            low, high = sorted((1, int(wanted[4])))
        else:
            low, high = int(wanted[2]), int(wanted[3] or len(entries))
            if wanted[3]:
                low, high = sorted((low, high))
        if high > sum(weight > 0 for weight, _ in entries):
            raise Fault
        if not enumerates and any(
            FIRST <= ord(c) < FIRST + number and self.head(ord(c) - FIRST)[0] for c in self.groups[number]
        ):
            raise Fault
        return enumerates, low, high, joiner, entries

    def enumerated(self, text: str | None = None) -> list[str]:
        """The texts that one stands for, with groups that choose left in them."""
        text = self.text if text is None else text
        for place, char in enumerate(text):
            if ord(char) in range(FIRST, FIRST + len(self.groups)):
                enumerates, low, high, joiner, entries = self.head(ord(char) - FIRST)
                if enumerates:
                    return [
                        text[:place] + way + rest
                        for size in range(low, high + 1)
                        for chosen in itertools.combinations([entry for _, entry in entries], size)
                        for way in self.enumerated(joiner.join(chosen))
                        for rest in self.enumerated(text[place + 1 :])
                    ]
        return [text]

    def chances(self, text: str) -> Chances:
        """What a text without groups that enumerate may become."""
        parts = re.split(rf"(__[a-z]+__|[{chr(FIRST)}-{chr(FIRST + 0xFFF)}])", text)
        found: Chances = {"": Fraction(1)}
        for part in parts:
            if part.startswith("__") and part[2:-2] in self.wildcards:
                inner = Choices("{" + "|".join(self.wildcards[part[2:-2]]) + "}", self.wildcards)
                found = together(found, inner.chances(inner.text))
            elif len(part) == 1 and ord(part) in range(FIRST, FIRST + len(self.groups)):
                found = together(found, self.of_group(ord(part) - FIRST))
            else:
                found = together(found, {part.replace(OPEN, "{").replace(CLOSE, "}").replace(TAKEN, "$$"): Fraction(1)})
        return found

    def of_group(self, number: int) -> Chances:
        _, low, high, joiner, entries = self.head(number)
        found: Chances = {}
        for size in range(low, high + 1):
            for order in itertools.permutations(range(len(entries)), size):
                chance = Fraction(1, high - low + 1)
                left = sum(weight for weight, _ in entries)
                for each in order:
                    weight = entries[each][0]
                    chance *= weight / left if left else 0
                    left -= weight
                if chance:
                    for text, share in self.chances(joiner.join(entries[each][1] for each in order)).items():
                        found[text] = found.get(text, Fraction(0)) + chance * share
        return found


def together(first: Chances, second: Chances) -> Chances:
    found: Chances = {}
    for (a, chance), (b, other) in itertools.product(first.items(), second.items()):
        found[a + b] = found.get(a + b, Fraction(0)) + chance * other
    return found
