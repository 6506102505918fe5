"""Grammars (GBNF, start symbol ``root``) and a JSON schema that hold a model's answer to one of the two forms.

Every answer that was ended within a grammar is read without corrections: its strings hold no quotation marks of their own
kind, no backslashes, no control characters and no halves of surrogate pairs, and something is left of them once they are
cleaned. Repetitions stand in rules of their own: llama.cpp refuses nested ones of more than 2,000 (and ends the process).
"""

import json
from collections.abc import Iterable
from typing import Any

from .describe import GLOBAL_FIELDS, LOCAL_FIELDS
from .vocabulary import AREAS, COLORS, LOCATIONS, OFFSETS

REGIONS = 12
"""Most regions of an answer, besides the global one."""

DETAILS = 8
"""Most detailed descriptions of a region."""

LENGTH = 300
"""Most letters of a string."""

CHOICES = {"location": LOCATIONS, "offset": OFFSETS, "area": AREAS, "HTML_web_color_name": COLORS}
"""Fields of few values."""

# Letters beside blank, comma, full stop and the apostrophe or quotation mark; a bare backslash is none of them.
_ASCII_SINGLE = r"\x21-\x26\x28-\x2B\x2D\x2F-\x5B\x5D-\x7E"
_ASCII_DOUBLE = r"\x21\x23-\x2B\x2D\x2F-\x5B\x5D-\x7E"
_BEYOND = r"\u00A0-\u2027\u202A-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF"


def program_grammar(regions: int = REGIONS, details: int = DETAILS, length: int = LENGTH) -> str:
    """Omost's program in a fenced block, as Omost's own models write it: a field a line, comments between the calls."""
    return _grammar(
        rf'root ::= "```python\n" comment? "canvas = Canvas()\n" whole local{{1,{regions}}} "```"',
        rf'whole ::= "\n" comment? {_call("set_global_description", GLOBAL_FIELDS)}',
        rf'local ::= "\n" comment? {_call("add_local_description", LOCAL_FIELDS)}',
        rf'comment ::= "# " [\x20-\x7E{_BEYOND}]{{1,{length}}} "\n"',
        rf'{_rule("detailed_descriptions")} ::= "[\n" detail{{1,{details}}} "    ]"',
        r'detail ::= "        " string ",\n"',
        *(f"{_rule(name)} ::= {_either(map(repr, choices))}" for name, choices in CHOICES.items()),
        r"""string ::= "'" single "'" | "\"" double "\"" """,
        *_text("single", _ASCII_SINGLE, length),
        *_text("double", _ASCII_DOUBLE, length),
    )


def json_grammar(regions: int = REGIONS, details: int = DETAILS, length: int = LENGTH) -> str:
    """An answer in JSON, a region a line."""
    return _grammar(
        r'root ::= "{\"global\": " whole ",\n\"regions\": [\n" local rest "\n]}"',
        rf'rest ::= (",\n" local){{0,{regions - 1}}}',
        f"whole ::= {_object(GLOBAL_FIELDS)}",
        f"local ::= {_object(LOCAL_FIELDS)}",
        rf'{_rule("detailed_descriptions")} ::= "[" string (", " string){{0,{details - 1}}} "]"',
        *(f"{_rule(name)} ::= {_either(map(json.dumps, choices))}" for name, choices in CHOICES.items()),
        r'string ::= "\"" double "\""',
        *_text("double", _ASCII_DOUBLE, length),
    )


def json_schema(regions: int = REGIONS, details: int = DETAILS) -> dict[str, Any]:
    """The answer in JSON, for servers that take a schema. Lengths of texts are left open: not all of them know that key."""
    text: dict[str, Any] = {"type": "string"}
    special: dict[str, dict[str, Any]] = {
        "distance_to_viewer": {"type": "number"},
        "detailed_descriptions": {"type": "array", "items": text, "minItems": 1, "maxItems": details},
    } | {name: {"type": "string", "enum": list(choices)} for name, choices in CHOICES.items()}

    def of(fields: Iterable[str]) -> dict[str, Any]:
        return _closed({name: special.get(name, text) for name in fields})

    locals = {"type": "array", "items": of(LOCAL_FIELDS), "minItems": 1, "maxItems": regions}
    return _closed({"global": of(GLOBAL_FIELDS), "regions": locals})


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _grammar(*rules: str) -> str:
    number = r'[1-9] [0-9]? ("." [0-9]{1,2})? | "0." [1-9]'
    return "\n".join([*rules, f"{_rule('distance_to_viewer')} ::= {number}"])


def _rule(field: str) -> str:
    """The rule for a field's value; llama.cpp knows no underscores in names."""
    special = field in (*CHOICES, "distance_to_viewer", "detailed_descriptions")
    return field.replace("_", "-") if special else "string"


def _call(method: str, fields: Iterable[str]) -> str:
    arguments = " ".join(rf'"    {name}=" {_rule(name)} ",\n"' for name in fields)
    return rf'"canvas.{method}(\n" {arguments} ")\n"'


def _object(fields: Iterable[str]) -> str:
    pairs = ' ", " '.join(rf'"\"{name}\": " {_rule(name)}' for name in fields)
    return f'"{{" {pairs} "}}"'


def _either(texts: Iterable[str]) -> str:
    return " | ".join(json.dumps(text) for text in texts)


def _text(name: str, ascii: str, length: int) -> tuple[str, str]:
    """A string's letters; the first is no blank, comma or full stop, so that cleaning leaves something."""
    return (
        f"{name} ::= [{ascii}{_BEYOND}] {name}-more{{0,{length - 1}}}",
        f"{name}-more ::= [\\x20,.{ascii}{_BEYOND}]",
    )
