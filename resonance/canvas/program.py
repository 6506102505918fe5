"""Omost's Python answer, read and never run: of each call of the two methods of a canvas, only literals are looked at."""

import ast
import contextlib
import re
import warnings
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .canvas import Canvas, CanvasError
from .describe import GLOBAL_FIELDS, LOCAL_FIELDS, Global, Local, layout, quote, read_global, read_local

LIMIT = 2**20
"""Longest text that is parsed, in characters."""

TRIES = 10
"""Programs in a text, from the last on, of which a complete one is looked for."""

DEEPEST = 50
"""Brackets in one another in what is completed after it broke off."""

METHODS = {"set_global_description": GLOBAL_FIELDS, "add_local_description": LOCAL_FIELDS}

# A call begins a line or follows a semicolon: what stands in a comment or a sentence is none.
_CALL = re.compile(
    rf"(?:^|;)[ \t]*(?P<call>(?:[^\W\d]\w*+[ \t]*+\.[ \t]*+)+(?P<method>{'|'.join(METHODS)})[ \t]*\()", re.MULTILINE
)
_CANVAS = re.compile(r"^[ \t]*[\w.]+[ \t]*=[ \t]*Canvas\(\)", re.MULTILINE)
_FENCE = re.compile(r"^[ \t]*```.*\n(?P<code>(?:.*\n)*?)(?P<close>[ \t]*```|.*\Z)", re.MULTILINE)
_KNOWN_LINE = re.compile(r"([\w.]++[ \t]*+=[ \t]*+Canvas\(\))?[ \t]*+;?[ \t]*+(#.*)?")
_TOKEN = re.compile(
    r"""'{3}.*?'{3} | "{3}.*?"{3} | '(?:[^'\\\n]|\\.)*' | "(?:[^"\\\n]|\\.)*" | \#[^\n]* | [][(){},'"]""",
    re.VERBOSE | re.DOTALL,
)
_STRAIGHT = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"'})
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
    """Every complete call of the last complete program in a text: in fenced blocks, or in all of it if no block has a call.

    Raises:
        CanvasError: the text is too long, or no call in it can be read; the text says why the first one cannot.
    """
    if len(text) > LIMIT:
        raise CanvasError(f"The program is longer than {LIMIT:,} letters: no layout of a picture takes so many.")
    if not is_program(text):
        raise CanvasError("There is no call of set_global_description or add_local_description in this text.")
    programs = _programs(text)
    if len(programs) == 1:
        return _program(*programs[0].code(text))
    for one in reversed(programs[-TRIES:]):
        with contextlib.suppress(CanvasError):
            if (found := _program(*one.code(text))).finished:
                found.notes.append(several(len(programs)))
                return found
    return _program(*programs[-1].code(text))


def several(count: int) -> str:
    """A note on all but one of the layouts in a text."""
    return f"there are {count} layouts in this text: the last complete one counts"


@dataclass
class _Place:
    """Where a program stands in a text, and whether its block is closed; None if it stands in no block."""

    spans: list[tuple[int, int]]
    closed: bool | None

    def code(self, text: str) -> tuple[str, bool | None]:
        """The program, on the lines that it has in the text."""
        code, last = "", 0
        for begin, end in self.spans:
            code, last = code + "\n" * text.count("\n", last, begin) + text[begin:end], end
        return code, self.closed


def _programs(text: str) -> list[_Place]:
    """A block with a canvas or a global description of its own begins a program, one without goes on with the one before."""
    blocks: list[tuple[int, int, bool | None]] = []
    for block in _FENCE.finditer(text):
        closed = block["close"].strip() == "```"
        begin, end = block.start("code"), block.end("code") if closed else block.end()
        if is_program(text[begin:end]):
            blocks.append((begin, end, closed))
    if not blocks:
        starts = [found.start() for pattern in (_CANVAS, _CALL) if (found := pattern.search(text))]
        blocks = [(min(starts), len(text), None)]
    programs: list[_Place] = []
    for begin, end, closed in blocks:
        calls = [found.start("call") for found in _CALL.finditer(text, begin, end)]
        for cut in (*(found.start() for found in _CANVAS.finditer(text, begin, end)), end):
            if bisect_left(calls, begin) == bisect_left(calls, cut):
                continue
            piece = text[begin:cut]
            if programs and not (_CANVAS.search(piece) or "set_global_description" in piece):
                programs[-1].spans.append((begin, cut))
                programs[-1].closed = closed
            else:
                programs.append(_Place([(begin, cut)], closed))
            begin = cut
    return programs


def _program(code: str, closed: bool | None) -> Program:
    calls = list(_CALL.finditer(code))
    found, lines = Program(finished=closed is not False), code.split("\n")
    line, counted = 1, 0
    foreign = _foreign(code[: calls[0].start("call")])
    for call, following in zip(calls, [*calls[1:], None], strict=True):
        begin, end = call.start("call"), following.start("call") if following else len(code)
        line += code.count("\n", counted, begin)
        counted = begin
        try:
            arguments, rest, repaired = _read_call(code[begin:end], METHODS[call["method"]])
        except _BrokenCall as broken:
            if broken.cut and not following:
                if call["method"] == "set_global_description" and not found.wholes:
                    found.wholes += _begun(code[begin:])
                found.finished = False
                found.notes.append(f"the program breaks off in the call that begins on line {line}")
            else:
                wrong = line + broken.line
                found.notes.append(f"a call was left out because of line {wrong} ({broken}): {quote(lines[wrong - 1])}")
            continue
        if repaired:
            found.notes.append(f"{repaired} were repaired in the call that begins on line {line}")
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


def _foreign(code: str) -> list[str]:
    return [line for line in code.split("\n") if not _KNOWN_LINE.fullmatch(line.strip())]


def _read_call(text: str, names: tuple[str, ...]) -> tuple[dict[str, Any], str, str]:
    """The arguments of the call that ``text`` begins with, what follows it, and what of it had to be repaired."""
    broken: _BrokenCall | None = None
    for code, repaired in _attempts(text):
        try:
            end = _end(code)
            return _arguments(_parse(code[:end]), names), code[end:], repaired
        except _BrokenCall as error:
            broken = broken or error
    assert broken
    raise broken


def _attempts(text: str) -> Iterator[tuple[str, str]]:
    """The text as it is, and repaired in other ways, each with what was."""
    yield text, ""
    if (inner := _INNER_QUOTE.sub(r"\1\\\2", text)) != text:
        yield inner, "quotation marks inside a text"
    if (straight := text.translate(_STRAIGHT)) != text:
        yield _INNER_QUOTE.sub(r"\1\\\2", straight), "quotation marks"


def _begun(code: str) -> list[Global]:
    """What is complete of a global description that breaks off; nothing if that is nothing."""
    for tried in closed(code):
        with contextlib.suppress(_BrokenCall):
            if arguments := _arguments(_parse(tried), METHODS["set_global_description"]):
                return [read_global(arguments)[0]]
    return []


def closed(code: str) -> tuple[str, str]:
    """Code that breaks off, and what stands before its last comma, with the brackets closed that are open there."""
    ends, before = "", (0, "")
    for token in _TOKEN.finditer(code):
        match token[0]:
            case "(" | "[" | "{" as bracket if len(ends) < DEEPEST:
                ends = {"(": ")", "[": "]", "{": "}"}[bracket] + ends
            case ")" | "]" | "}":
                ends = ends[1:]
            case ",":
                before = token.start(), ends
            case "'" | '"' | "(" | "[" | "{":
                break
            case _:
                pass
    return code + ends, code[: before[0]] + before[1]


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
