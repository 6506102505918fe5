"""A1111's text, which many programs write and read: prompt, negative prompt, and one line of facts, ``name: value`` with commas between
them. Samplers and schedules have names of their own there.

Whatever the text is, reading it takes a time that is proportional to its length.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ..told import Told

NEGATIVE = "Negative prompt:"
LINES = "Prompt lines"
"""Says how many lines the prompt has, where it could be mistaken. A1111 has no such entry and passes over it."""
LONGEST = 1 << 20
"""Characters of a text."""
LONGEST_FACTS = 1 << 18
"""Those of its last line."""
LEAST = 3
"""As many facts the last line has; A1111 takes one of fewer for a part of the prompt."""

SAMPLERS: Mapping[str, str] = {
    "euler": "Euler",
    "euler_ancestral": "Euler a",
    "heun": "Heun",
    "dpm_2": "DPM2",
    "dpm_2_ancestral": "DPM2 a",
    "lms": "LMS",
    "dpm_fast": "DPM fast",
    "dpm_adaptive": "DPM adaptive",
    "dpmpp_2s_ancestral": "DPM++ 2S a",
    "dpmpp_sde": "DPM++ SDE",
    "dpmpp_sde_gpu": "DPM++ SDE",
    "dpmpp_2m": "DPM++ 2M",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "dpmpp_2m_sde_gpu": "DPM++ 2M SDE",
    "dpmpp_2m_sde_heun": "DPM++ 2M SDE Heun",
    "dpmpp_2m_sde_heun_gpu": "DPM++ 2M SDE Heun",
    "dpmpp_3m_sde": "DPM++ 3M SDE",
    "dpmpp_3m_sde_gpu": "DPM++ 3M SDE",
    "lcm": "LCM",
    "ddim": "DDIM",
    "uni_pc": "UniPC",
}
"""ComfyUI's names, and A1111's. Of those that are one there, the first is read back."""
SCHEDULES: Mapping[str, str] = {
    "normal": "Normal",
    "karras": "Karras",
    "exponential": "Exponential",
    "sgm_uniform": "SGM Uniform",
    "simple": "Simple",
    "ddim_uniform": "DDIM",
    "beta": "Beta",
    "kl_optimal": "KL Optimal",
}

_SAMPLERS = {theirs: ours for ours, theirs in reversed(SAMPLERS.items())}
_SCHEDULES = {theirs: ours for ours, theirs in SCHEDULES.items()} | {"Uniform": "normal"}
_TOGETHER = ("Karras", "Exponential")
"""Schedules that once stood behind the sampler's name, without an entry of their own."""
_QUOTED = re.compile(r'("[^"\\]*+(?:\\.[^"\\]*+)*+")\s*(?:,|\Z)', re.DOTALL)
_NO_NAME = re.compile(r"[^\w \-/]")


class Written(NamedTuple):
    """What a text says; ``facts`` by A1111's names."""

    prompt: str
    negative: str
    facts: Mapping[str, str]


def write_infotext(prompt: str, negative: str, facts: Mapping[str, object]) -> str:
    """
    Args:
        facts: of the last line, by A1111's names. What is None is left out; a value with commas, colons or line breaks is quoted.
    """
    lines = prompt.split("\n")
    more = {LINES: len(lines)} if any(line.startswith(NEGATIVE) for line in lines) else {}
    if negative:
        lines.append(f"{NEGATIVE} {negative}")
    last = ", ".join(f"{name}: {_quoted(str(v))}" for name, v in {**facts, **more}.items() if v is not None)
    return "\n".join([*lines, *([last] if last else [])])


def read_infotext(text: str, least: int = LEAST) -> Written:
    """
    Args:
        least: with fewer facts the last line belongs to the prompt.

    Raises:
        Told: the text is too long, or says something of its lines that is no number.
    """
    if len(text) > LONGEST:
        raise Told(f"This text has {len(text):,} characters; no more than {LONGEST:,} are read.")
    head, _, last = text.rstrip().rpartition("\n")
    facts = dict(_facts(last)) if len(last) <= LONGEST_FACTS else {}
    if len(facts) < least:
        head, facts = text, {}
    lines = head.split("\n")
    if (count := _count(facts.get(LINES))) is None:
        starts = (number for number, line in enumerate(lines) if line.startswith(NEGATIVE))
        count = next(starts, len(lines))
    negative = "\n".join(lines[count:]).removeprefix(NEGATIVE).removeprefix(" ")
    return Written("\n".join(lines[:count]), negative, facts)


def sampler_of(facts: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Sampler and schedule by ComfyUI's names, as far as they have one; None where the text does not say it."""
    sampler, schedule = facts.get("Sampler"), facts.get("Schedule type")
    if sampler and schedule is None and sampler not in _SAMPLERS:
        name, _, last = sampler.rpartition(" ")
        if name in _SAMPLERS and last in _TOGETHER:
            sampler, schedule = name, last
    return _SAMPLERS.get(sampler or "", sampler), _SCHEDULES.get(schedule or "", schedule)


def _facts(line: str) -> Iterator[tuple[str, str]]:
    at = 0
    while (colon := line.find(":", at)) >= 0:
        name = _NO_NAME.split(line[at:colon])[-1].strip()
        at = colon + 1
        if not name:
            continue
        while at < len(line) and line[at].isspace():
            at += 1
        if quoted := _QUOTED.match(line, at) if line.startswith('"', at) else None:
            value, at = quoted[1], quoted.end()
        else:
            end = line.find(",", at)
            end = len(line) if end < 0 else end
            value, at = line[at:end].rstrip(), end + 1
        yield name, _unquoted(value)


def _count(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        raise Told(f"{LINES} must be a number, got {text[:60]!r}.") from None


def _quoted(value: str) -> str:
    if value and value == value.strip() and not set(value) & set(',:"\n\r'):
        return value
    # JSON has two ways to write a quotation mark: Civitai, which reads no escapes, would take the shorter one for the end.
    return '"' + json.dumps(value)[1:-1].replace('\\"', "\\u0022") + '"'


def _unquoted(value: str) -> str:
    try:
        return json.loads(value) if value.startswith('"') else value
    except (ValueError, RecursionError):
        return value
