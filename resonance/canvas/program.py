"""Omost's Python answer, read and never run: of each call of the two methods of a canvas, only literals are looked at."""

import ast
import re
import warnings
from dataclasses import dataclass, field
from typing import Any

from .canvas import Canvas, CanvasError
from .describe import GLOBAL_FIELDS, LOCAL_FIELDS, Global, Local, layout, quote, read_global, read_local

LIMIT = 2**20
"""Longest text that is parsed, in characters."""

METHODS = {"set_global_description": GLOBAL_FIELDS, "add_local_description": LOCAL_FIELDS}

# A call begins a line or follows a semicolon: what stands in a comment or a sentence is none.
_CALL = re.compile(rf"(?:^|;)[ \t]*(?P<call>\w+[ \t]*\.[ \t]*(?P<method>{'|'.join(METHODS)})[ \t]*\()", re.MULTILINE)
_CANVAS = re.compile(r"^[ \t]*\w+[ \t]*=[ \t]*Canvas\(\)", re.MULTILINE)
_FENCE = re.compile(r"^[ \t]*```.*\n(?P<code>(?:.*\n)*?)(?P<close>[ \t]*```|.*\Z)", re.MULTILINE)
_KNOWN_LINE = re.compile(r"(\w++[ \t]*+=[ \t]*+Canvas\(\))?[ \t]*+;?[ \t]*+(#.*)?")
_TOKEN = re.compile(
    r"""'{3}.*?'{3} | "{3}.*?"{3} | '(?:[^'\\\n]|\\.)*' | "(?:[^"\\\n]|\\.)*" | \#[^\n]* | [][(){}'"]""",
    re.VERBOSE | re.DOTALL,
)
# Before it a letter and behind it a letter, with or without blanks: it stands inside a text, as in 'the sailors' caps'.
_INNER_QUOTE = re.compile(r"""([^\s(\[=,+'"\\][ \t]*)(['"])(?=[ \t]*[^\s)\],+#'"])""")


@dataclass
class Program:
    """What a program says. ``finished`` is False if it broke off."""

    wholes: list[Global] = field(default_factory=list[Global])
    locals: list[Local] = field(default_factory=list[Local])
    notes: list[str] = field(default_factory=list[str])
    finished: bool = True

    def canvas(self) -> Canvas:
        """The layout; of several global descriptions the last counts, as it would if the program ran."""
        return layout(self.wholes[-1] if self.wholes else Global(), self.locals)


class _BrokenCall(Exception):
    """``line`` counts from 0 at the line on which the call begins."""

    def __init__(self, why: str, line: int = 0, cut: bool = False) -> None:
        super().__init__(why)
        self.line, self.cut = line, cut


def is_program(text: str) -> bool:
    """Whether a call of a canvas begins somewhere in the text."""
    return _CALL.search(text) is not None


def read_program(text: str) -> Program:
    """Every complete call in the first fenced block that has one, or in the text if it has no such block.

    Raises:
        CanvasError: the text is too long, or no call in it can be read; the text says why the first one cannot.
    """
    if len(text) > LIMIT:
        raise CanvasError(f"The program is longer than {LIMIT:,} letters: no layout of a picture takes so many.")
    code, start, closed = _code(text)
    calls = list(_CALL.finditer(code))
    if not calls:
        raise CanvasError("There is no call of set_global_description or add_local_description in this text.")
    found, lines = Program(finished=closed is not False), text.split("\n")
    line, counted = 1, 0
    foreign = _foreign(code[: calls[0].start("call")])
    for call, following in zip(calls, [*calls[1:], None], strict=True):
        begin, end = call.start("call"), following.start("call") if following else len(code)
        line += text.count("\n", counted, start + begin)
        counted = start + begin
        try:
            arguments, rest, repaired = _read_call(code[begin:end], METHODS[call["method"]])
        except _BrokenCall as broken:
            if broken.cut and not following:
                found.finished = False
                found.notes.append(f"the program breaks off in the call that begins on line {line}")
            else:
                wrong = line + broken.line
                found.notes.append(f"a call was left out because of line {wrong} ({broken}): {quote(lines[wrong - 1])}")
            continue
        if repaired:
            found.notes.append(f"quotation marks inside a text were repaired in the call that begins on line {line}")
        if call["method"] == "set_global_description":
            whole, notes = read_global(arguments)
            found.wholes.append(whole)
        else:
            local, notes = read_local(arguments)
            found.locals.append(local)
        found.notes += notes
        if following or closed:
            foreign += _foreign(rest)
    if not found.wholes and not found.locals:
        raise CanvasError(f"There is no complete call in this program: {found.notes[0]}.")
    if foreign:
        more = f" and {len(foreign) - 1} more lines" if len(foreign) > 1 else ""
        found.notes.append(f"{quote(foreign[0])}{more} was not looked at")
    if not found.wholes:
        found.notes.append("the program has no global description: it was left empty")
    if len(found.wholes) > 1:
        found.notes.append(f"the program has {len(found.wholes)} global descriptions: the last one counts")
    return found


def _code(text: str) -> tuple[str, int, bool | None]:
    """The code, where it begins, and whether its block is closed; None if it stands in no block."""
    for block in _FENCE.finditer(text):
        closed = block["close"].strip() == "```"
        code = block["code"] if closed else block["code"] + block["close"]
        if _CALL.search(code):
            return code, block.start("code"), closed
    starts = [found.start() for pattern in (_CANVAS, _CALL) if (found := pattern.search(text))]
    start = min(starts, default=0)
    return text[start:], start, None


def _foreign(code: str) -> list[str]:
    return [line for line in code.split("\n") if not _KNOWN_LINE.fullmatch(line.strip())]


def _read_call(text: str, names: tuple[str, ...]) -> tuple[dict[str, Any], str, bool]:
    """The arguments of the call that ``text`` begins with, what follows it, and whether it had to be repaired."""
    broken: _BrokenCall | None = None
    for repaired, code in enumerate((text, _INNER_QUOTE.sub(r"\1\\\2", text))):
        try:
            end = _end(code)
            return _arguments(_parse(code[:end]), names), code[end:], bool(repaired)
        except _BrokenCall as error:
            broken = broken or error
    assert broken
    raise broken


def _end(code: str) -> int:
    """Where the bracket of a call closes."""
    depth = 0
    for token in _TOKEN.finditer(code):
        match token[0]:
            case "(" | "[" | "{":
                depth += 1
            case ")" | "]" | "}":
                depth -= 1
                if depth == 0:
                    return token.end()
            case "'" | '"':
                raise _BrokenCall("a text is not closed", code.count("\n", 0, token.start()), cut=True)
            case _:
                pass
    raise _BrokenCall("its bracket is not closed", cut=True)


def _parse(code: str) -> ast.Call:
    try:
        with warnings.catch_warnings():  # an odd escape in a text is worth no line on the console
            warnings.simplefilter("ignore")
            call = ast.parse(code, mode="eval").body
    except SyntaxError as error:
        raise _BrokenCall(error.msg.split(" (")[0], (error.lineno or 1) - 1) from None
    except (ValueError, MemoryError, RecursionError):
        raise _BrokenCall("it cannot be parsed") from None
    if not isinstance(call, ast.Call):
        raise _BrokenCall("it is not a call")
    return call


def _arguments(call: ast.Call, names: tuple[str, ...]) -> dict[str, Any]:
    if len(call.args) > len(names):
        raise _BrokenCall(f"it takes {len(names)} arguments", call.args[len(names)].lineno - 1)
    arguments = {name: _literal(value) for name, value in zip(names, call.args, strict=False)}
    for keyword in call.keywords:
        if keyword.arg is None:
            raise _BrokenCall("only names and values are read", keyword.value.lineno - 1)
        arguments[keyword.arg] = _literal(keyword.value)
    return arguments


def _literal(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=str() | int() | float() | None as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_literal(item) for item in items]
        case ast.BinOp(op=ast.Add()):
            return "".join(_joined(node))
        case _:
            raise _BrokenCall("only texts, numbers and lists of texts are read", node.lineno - 1)


def _joined(node: ast.expr) -> list[str]:
    """The texts of ``'a' + 'b' + 'c'``."""
    parts: list[str] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts.append(_text(node.right))
        node = node.left
    return [_text(node), *reversed(parts)]


def _text(node: ast.expr) -> str:
    if not isinstance(text := _literal(node), str):
        raise _BrokenCall("only texts can be joined by +", node.lineno - 1)
    return text
