"""A model's thoughts, told from what it answers; and the end of the answer, which models and servers run past.

:data:`FORMS` is the one table of the ways in which models think aloud. A prompt may itself begin a thought, so that only its end
shows: :func:`begun` finds that. Marks that only a model's own template knows are found by :func:`own_marks`.
"""

import re
from functools import cache
from typing import NamedTuple

_THOUGHT = (
    r"(?:seed:|mm:|ant_?|longcat_)?think(?:ing)?|thoughts?|reason(?:ing)?|analysis|reflection|scratch_?pad|chain_of_thought"
    r"|(?:inner|internal)_(?:thoughts?|monologue)"
)
_ANSWER = r"(?:final_?)?(?:answer|response|output|solution)|conclusion|final|caption"
_LT, _GT, _BAR = "(?:<|&lt;)", "(?:>|&gt;)", "[|｜]"


class Form(NamedTuple):
    """The marks around a thought, as regular expressions.

    Attributes:
        alone: the closing mark by itself says that what is before it was a thought, which the prompt has opened.
    """

    opens: str
    closes: str
    alone: bool = True


FORMS = (
    Form(rf"{_LT}(?:{_THOUGHT})(?:\s[^<>/]{{0,99}})?{_GT}", rf"{_LT}/\s?(?:{_THOUGHT})\s?{_GT}"),
    Form(r"\[(?:THINK(?:ING)?|THOUGHTS?|REASONING)\]", r"\[/(?:THINK(?:ING)?|THOUGHTS?|REASONING)\]"),  # Mistral
    Form(rf"◁(?:{_THOUGHT})▷", rf"◁/(?:{_THOUGHT})▷"),  # Kimi
    Form(rf"<{_BAR}(?:{_THOUGHT}){_BAR}>", rf"<{_BAR}/(?:{_THOUGHT}){_BAR}>"),
    Form(rf"<\|(?:begin_of|start)_(?:{_THOUGHT})\|>", rf"<\|end_(?:of_)?(?:{_THOUGHT})\|>"),  # OpenThinker, Command A
    Form(r"<\|inner_prefix\|>", r"<\|inner_suffix\|>"),  # Apertus
    Form(r"<\|channel>\s?(?:thought|analysis)\b", r"<channel\|>"),  # Gemma 4
    Form(r"<unused94>(?:thought\b)?", r"<unused95>"),  # MedGemma
    Form(rf"```(?:{_THOUGHT})[^\S\n]*\n", r"```(?!\w)", alone=False),
    Form(r'<details\s[^<>]{0,40}type="?reasoning[^<>]{0,99}>', r"</details>", alone=False),  # Open WebUI
)
"""In any case."""

SPOKEN = (
    Form(r"Here(?:'s| is) my thought process:", r"Here(?:'s| is) my response:"),  # Granite
    Form(r"Here are my reasoning steps:", r"\[BEGIN FINAL RESPONSE\]"),  # Apriel
    Form(r"(?-i:analysis(?=[A-Z]))", r"assistantfinal"),  # gpt-oss, its marks left out
)
"""Forms in words. They count where an answer begins with them."""

_CHANNEL = r"<\|channel\|>(?P<name>[^<]{0,99})(?:<\|constrain\|>[^<]{0,99})?<\|message\|>"
"""gpt-oss: each message says what it is. All but the final one and calls are thoughts."""

_BEGINS = rf"<\|(?:begin_of_solution|start_response|content)\|>|{_LT}(?P<tag>{_ANSWER}){_GT}"
"""What was before it was no answer."""

_OWN = (
    r"<\|im_start\|>assistant\b|<\|start_header_id\|>assistant<\|end_header_id\|>|<\|header_start\|>assistant<\|header_end\|>"
    r"|<start_of_turn>model\b|<\|turn>model\b|<\|start\|>assistant\b|<\|assistant\|>|<｜assistant｜>"
    r"|<\|start_of_turn_token\|><\|chatbot_token\|>|<\|im_assistant\|>assistant<\|im_middle\|>|\[/INST\]"
)
"""The head of a turn of the model's own."""

_OTHERS = (
    r"<\|(?:im_start|start|start_header_id|header_start|start_of_turn_token|im_user|im_system|user|system|observation)\|>"
    r"|<start_of_turn>|<\|turn>|<｜user｜>|\[INST\]"
)
"""The head of somebody else's turn."""

_ENDS = (
    r"<\|(?:im_end|eot_id|eot|eom_id|eom|end|return|call|endoftext|end_of_text|end_of_turn|end_of_turn_token)\|>"
    r"|<end_of_turn>|<turn\|>|<end_of_utterance>|<eos>|</s>|<｜end▁of▁sentence｜>"
)
"""The end of a turn."""

_EMPTY = (
    rf"<\|(?:begin|end)_of_box\|>|<\|(?:end_of_solution|end_response|message|begin_of_text|begin)\|>|{_LT}/(?:{_ANSWER}){_GT}"
    rf"|{_LT}(?:{_THOUGHT})\s?/{_GT}|\[(?:BEGIN|END) FINAL RESPONSE\]|<\|channel>\w*|<bos>|<s>|<pad>|\[gMASK\]|<sop>"
)
"""What means nothing to a reader."""

_FIRST = r"[<\[◁`&](?=[|｜/`a-zA-Z])"
"""How marks begin: that is found ten times faster than marks are."""

_LAST = rf"/\w+{_GT}\s*+(?:<[^<>]*>\s*+)*+\Z"
"""The end of an answer, behind which nothing is said."""


@cache
def _mark() -> re.Pattern[str]:
    """One mark. Takes milliseconds to compile, which the start of ComfyUI need not wait for."""
    rows = (f"(?P<opens{row}>{form.opens})|(?P<closes{row}>{form.closes})|" for row, form in enumerate(FORMS))
    more = f"(?P<channel>{_CHANNEL})|(?P<begins>{_BEGINS})|(?P<own>{_OWN})|(?P<others>{_OTHERS})|(?P<ends>{_ENDS})|(?P<empty>{_EMPTY})"
    return re.compile(f"{''.join(rows)}{more}", re.IGNORECASE)


class Said(NamedTuple):
    """What a model has written."""

    text: str
    thoughts: str = ""


class _Mark(NamedTuple):
    """A mark in a text: what it is, its row of the table and its name, which tell what it belongs to."""

    kind: str
    row: int
    name: str
    text: str
    begin: int
    end: int


def parted(text: str) -> Said:
    """The answer and the thoughts in what a model has written, or has written so far. Neither holds a mark of the tables."""
    thoughts, answer, at = list[str](), list[str](), 0
    for form in SPOKEN:
        if opening := re.match(rf"\s*{form.opens}", text, re.IGNORECASE):
            closing = re.compile(form.closes, re.IGNORECASE).search(text, opening.end())
            thoughts.append(text[opening.end() : closing.start() if closing else None])
            at = closing.end() if closing else len(text)
    marks = _marks(text, at)
    last = max((mark.begin for mark in marks if mark.kind == "closes"), default=-1)
    lower, spoken = text.lower(), False
    names = {mark.name for mark in marks if mark.kind == "begins"}
    whole = {name for name in names if re.compile(_LAST).match(lower, max(0, lower.rfind(f"/{name}")))}
    thought: _Mark | None = None
    inner = set[str]()  # marks that were opened within the thought

    def answers() -> None:
        """What was taken for the answer is none."""
        nonlocal thought, spoken
        thoughts.extend(("\n\n", *answer))
        answer.clear()
        thought, spoken = None, False

    for mark in marks:
        piece = text[at : mark.begin]
        (thoughts if thought else answer).append(piece)
        spoken = spoken or (not thought and bool(piece.strip()))
        at = mark.end
        match mark.kind:
            case "opens" if thought:
                inner |= {mark.name} - {thought.name}
            case "closes" if mark.name in inner:
                inner.discard(mark.name)
            case "closes" if thought and (FORMS[mark.row].alone or mark.row == thought.row):
                thought = None
            case "closes" if thought or not FORMS[mark.row].alone:  # a fence of something else
                (thoughts if thought else answer).append(mark.text)
            case "opens" | "channel":
                thoughts.append("\n\n")
                thought, inner = mark, set[str]()
            case "begins" if thought and mark.name and (last > at or mark.name not in whole):
                pass  # models talk of such marks; others forget to close their thought and begin the answer
            case "closes" | "final" | "begins":
                answers()
            case "own" | "others" | "ends" if thought:
                thought = None if mark.kind == "own" or thought.kind == "channel" else thought
            case "others":
                break
            case "own" | "ends" if spoken:
                break
            case _:
                pass
    else:
        (thoughts if thought else answer).append(text[at:])
    said = "".join(answer)
    if role := re.match(r"\s*(?:###\s*)?assistant\s*:", said, re.IGNORECASE):
        said = said[role.end() :]
    if said == text:
        return Said(text)
    return Said(said.lstrip(), re.sub(r"\n{3,}", "\n\n", "".join(thoughts)).strip())


def without_thoughts(text: str) -> str:
    """The answer alone, see :func:`parted`."""
    return parted(text).text


def _marks(text: str, at: int = 0) -> list[_Mark]:
    found = list[_Mark]()
    for first in re.compile(_FIRST).finditer(text, at):
        match = _mark().match(text, first.start()) if first.start() >= at else None
        if not match:
            continue
        at = match.end()
        kind, row, name = str(match.lastgroup).rstrip("0123456789"), -1, (match["tag"] or "").lower()
        if kind in ("opens", "closes"):
            named = re.search(_THOUGHT, match[0], re.IGNORECASE)
            row = int(str(match.lastgroup)[len(kind) :])
            name = named[0].lower() if named else str(row)
        elif kind == "channel" and ("to=" in match["name"] or match["name"].strip().lower() == "final"):
            kind = "final"
        found.append(_Mark(kind, row, name, match[0], match.start(), match.end()))
    return found


def strange(text: str) -> str:
    """A mark in an answer that may be of a form which is not known here; empty if there is none."""
    if token := re.search(r"<\|(?!tool)[^<>|\s]{1,40}\|>", text):
        return token[0]
    tag = re.match(
        r"\s*(<(?!tool|function|strong|span|html|body|code)(\w[\w:.-]{3,40})>)(?=.*</\2>\s*\S)", text, re.DOTALL
    )
    return tag[1] if tag else ""


def begun(prompt: str) -> str:
    """The thought that a prompt ends with, as far as it is begun: its mark, and blanks. Empty if there is none."""
    marks = _marks(prompt, max(0, len(prompt) - 200))
    last = marks[-1] if marks else None
    return prompt[last.begin :] if last and last.kind in ("opens", "channel") and not prompt[last.end :].strip() else ""


def own_marks(prompt: str, thought: str, answer: str) -> tuple[str, str] | None:
    """The marks around a thought in a prompt that a model's own template has made, if no form here knows them.

    Args:
        prompt: holds an answer of the model and the thought before it.
    """
    mark = r"(<[^<>\n]{1,40}>|\[[^\[\]\n]{1,40}\])"
    found = re.search(rf"{mark}\s*{re.escape(thought)}\s*{mark}\s*(?:.*?){re.escape(answer)}", prompt, re.DOTALL)
    if not found or found[1] == found[2] or parted(f"{found[1]}{thought}{found[2]}{answer}") == (answer, thought):
        return None
    return found[1], found[2]
