"""The text on how a picture was made, as A1111's web UI and Civitai read it: readers of the tests' own, after what both say of it.

Prompt and negative prompt stand in lines, behind them one line of facts, ``name: value`` with commas between them.
"""

import json
from collections.abc import Iterator

NEGATIVE = "Negative prompt:"


def a1111(text: str) -> tuple[str, str, dict[str, str]]:
    """Prompt, negative prompt and facts.

    The last line has the facts if there are three and more. A value in quotation marks is JSON. Blanks around a line do not count.
    """
    *lines, last = text.strip().split("\n")
    facts = dict(_entries(last))
    if len(facts) < 3:
        lines, facts = [*lines, last], {}
    said: dict[bool, list[str]] = {False: [], True: []}
    negative = False
    for line in map(str.strip, lines):
        if line.startswith(NEGATIVE):
            negative, line = True, line.removeprefix(NEGATIVE).strip()
        said[negative].append(line)
    return "\n".join(said[False]), "\n".join(said[True]), facts


def _entries(line: str) -> Iterator[tuple[str, str]]:
    while ":" in line:
        name, _, line = line.partition(":")
        line = line.lstrip()
        if line.startswith('"'):
            value, end = json.JSONDecoder().raw_decode(line)
            _, _, line = line[end:].partition(",")
        else:
            value, _, line = line.partition(",")
        yield name.strip(), value


def civitai(text: str) -> tuple[str, str, dict[str, str]]:
    """Prompt, negative prompt and facts.

    The first line that begins with steps has the facts. It knows quotation marks and nothing that escapes them; what is inside is a
    list of its own, which is left out here.
    """
    lines = [line for line in text.split("\n") if line.strip()]
    found = next((line for line in lines if line.startswith("Steps: ")), "")
    prompt, *negative = "\n".join(line for line in lines if line is not found).split(NEGATIVE)
    facts, inside, name, value = dict[str, str](), False, "", ""
    for letter in f"{found},":
        if letter == '"':
            inside, name = not inside, "" if inside else name
        elif letter == ":" and not inside:
            name, value = value.strip(), ""
        elif letter == "," and not inside:
            facts |= {name: value.strip()} if name else {}
            name = value = ""
        else:
            value += letter
    return prompt.strip(), " ".join(map(str.strip, negative)), facts
