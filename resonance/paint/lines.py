"""Prompt lines: a text of which each line is a picture, or many. See :mod:`.dynamic` and :mod:`.options` for what a line holds.

Blank lines and those that begin with ``#`` are passed over. What is wrong is said with its line and column, all of it at once.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..told import Told
from .dynamic import Chosen, Group, Misread, Nodes, Randoms, Text, Wild, Wildcards, choose, parse, walk
from .options import HOLE, Options, Said, parts, read_options
from .variants import MANY, count, variants, ways
from .weights import check_one
from .wildcards import WildcardFiles

MOST = 100_000
"""Pictures of one text."""
SHOWN = 10
"""As many faults, or notes, are told."""
QUOTED = 60
"""Longest quotation of a group, in characters."""

_BREAK = re.compile(r"\r\n|\n|\r")
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
_SEEDS = re.compile(r"(?:^|(?<=\s))--d(?=[\s0-9=:]|$)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a text, with what is left to choose in it.

    Attributes:
        number: of the line, from 1.
        column: at which it begins, from 0: blanks before and behind it are no part of it.
        text: as it is written.
        nodes: what it holds.
        said: what it says where nothing is left to choose; else None.
        seeds: those that it gives; empty: none.
        given: fields of :class:`.options.Options` that it gives, whatever is chosen.
        variants: how many texts it stands for, see :func:`.variants.count`.
        enumerates: it stands for each of them, and is not drawn several times.
        notes: what was taken for something else.
        source: the picture whose words these are; empty: somebody wrote them.
    """

    number: int
    column: int
    text: str
    nodes: Nodes
    said: Said | None
    seeds: tuple[int, ...]
    given: frozenset[str]
    variants: int
    enumerates: bool
    notes: tuple[str, ...]
    source: str = ""

    def pictures(self, per_line: int) -> int:
        """How many are made of it in an iteration.

        Args:
            per_line: how many are made of one that does not enumerate.
        """
        return self.variants if self.enumerates else per_line

    def texts(self) -> Iterator[Nodes]:
        """What it stands for, in order, without groups that enumerate."""
        return variants(self.nodes)

    def choose(self, nodes: Nodes, randoms: Randoms, wildcards: Wildcards) -> Said:
        """What it says once the choices in one of :meth:`texts` are made.

        Raises:
            Told: what is chosen cannot be read.
        """
        if self.said:
            return self.said
        chosen = Chosen()
        try:
            choose(nodes, randoms, wildcards, chosen)
            try:
                said = read_options(chosen.text)
                if said.options.seeds and not self.seeds:
                    found = _SEEDS.search(chosen.text)
                    raise Misread(found.start() if found else 0, _SEEDS_HANG)
            except Misread as error:
                raise Misread(chosen.place(error.at), str(error)) from None
        except Misread as error:
            raise Told(f"{_where(self.number, self.column + error.at)} {error}") from None
        return said


_SEEDS_HANG = "--d cannot be part of a choice, because what is chosen depends on the seed. Write it outside the braces."


@dataclass(frozen=True)
class PromptText:
    """A text of prompt lines."""

    lines: tuple[Line, ...]

    def count(self, per_line: int, iterations: int = 1) -> int:
        """How many pictures the text asks for; nothing is expanded for that.

        Raises:
            Told: they are more than :data:`MOST`.
        """
        found = sum(line.pictures(per_line) for line in self.lines) * iterations
        if found <= MOST:
            return found
        number = f"more than {MANY:,}" if found >= MANY else f"{found:,}"
        said = f"This text asks for {number} pictures; the most for one session is {MOST:,}."
        largest = max(self.lines, key=lambda line: line.pictures(per_line))
        if largest.enumerates:
            groups = [node for node in largest.nodes if isinstance(node, Group) and node.enumerates]
            group = max(groups, key=ways)
            written = largest.text[group.at : group.end]
            written = written if len(written) <= QUOTED else written[:QUOTED] + "…"
            times = f"more than {MANY:,}" if ways(group) >= MANY else f"{ways(group):,}"
            more = len(groups) - 1
            others = f", and {_number(more, 'more group')} with e$$ multiply it further" if more else ""
            where = _where(largest.number, largest.column + group.at)
            raise Told(f"{said} {where} {written} multiplies its line by {times}{others}. Remove entries, or e$$.")
        lines, each, rounds = (
            _number(value, what)
            for value, what in ((len(self.lines), "line"), (per_line, "picture"), (iterations, "iteration"))
        )
        raise Told(f"{said} That is {lines} with {each} each, in {rounds}: ask for fewer, or split the text.")

    def check_each_one(self, why: str) -> None:
        """
        Args:
            why: see :func:`.weights.check_one`.

        Raises:
            Told: lines have several prompts, as far as these stand in them.
        """
        faults = list[str]()
        for line in self.lines:
            try:
                check_one(parts(line.text)[0], why)
            except Misread as error:
                faults.append(f"{_where(line.number, line.column + error.at)} {error}")
        if faults:
            raise Told("\n".join(_some(faults)))

    def notes(self, per_line: int) -> list[str]:
        """What a person may not expect: values that are taken for others, seeds that are not used or used again."""
        found = list[str]()
        for line in self.lines:
            found += line.notes
            pictures, seeds = line.pictures(per_line), len(line.seeds)
            if seeds > 1 and line.enumerates:
                found.append(f"Line {line.number}: it enumerates, so all of its pictures use the first seed of --d.")
            elif seeds > pictures:
                found.append(
                    f"Line {line.number}: --d gives {seeds} seeds, but the line makes only {_number(pictures, 'picture')}."
                )
            elif 0 < seeds < pictures and not line.enumerates:
                found.append(
                    f"Line {line.number}: --d gives {_number(seeds, 'seed')} for {pictures} pictures: the last one repeats."
                )
        return _some(found)


def read_lines(text: str, wildcards: WildcardFiles) -> PromptText:
    """Reads a text of prompt lines, and the wildcards that it names. A byte order mark and any line ends will do.

    Raises:
        Told: something cannot be read, or there is no line. Names each fault with line and column.
    """
    lines, faults = list[Line](), list[str]()
    known: dict[str, str] = {}
    every = ((number, raw, raw.strip()) for number, raw in enumerate(_BREAK.split(text.removeprefix("\ufeff")), 1))
    wanted = [(number, raw, written) for number, raw, written in every if written and written[0] != "#"]
    if len(wanted) > MOST:
        raise Told(f"This text has {len(wanted):,} lines; the most for one session is {MOST:,} pictures. Split it.")
    for number, raw, written in wanted:
        column = len(raw) - len(raw.lstrip())
        try:
            lines.append(line := _line(written, number, column))
            for node in walk(line.nodes if line.said is None else ()):
                if isinstance(node, Wild) and (fault := _fault(node.name, wildcards, known)):
                    raise Misread(node.at, fault)
        except Misread as error:
            faults.append(f"{_where(number, column + error.at)} {error}")
    if faults:
        raise Told("\n".join(_some(faults)))
    if not lines:
        raise Told("There are no prompt lines. Write one for each picture, such as: a red barn --w 768 --h 512 --s 20.")
    return PromptText(tuple(lines))


def picture_line(number: int, source: str, prompt: str, negative: str) -> Line:
    """The line that a picture says. Its words are words, whatever stands in them: no option, no choice, no wildcard.

    Args:
        number: of the picture, from 1.
        source: its name.
    """
    prompt, negative = (" ".join(_UNWRITABLE.sub("", words).split()) for words in (prompt, negative))
    text = f"{prompt} --n {negative}" if negative else prompt
    given = frozenset({"negative"} if negative else ())
    return Line(
        number=number,
        column=0,
        text=text,
        nodes=(Text(text, 0),),
        said=Said(prompt, Options(negative=negative or None), given),
        seeds=(),
        given=given,
        variants=1,
        enumerates=False,
        notes=(),
        source=source,
    )


def gives_seeds(line: str) -> bool:
    """Whether a line, as it is written, has ``--d``."""
    return _SEEDS.search(line) is not None


def _line(text: str, number: int, column: int) -> Line:
    if unwritable := _UNWRITABLE.search(text):
        raise Misread(unwritable.start(), "this character cannot be stored. Remove it.")
    nodes = parse(text)
    groups = [node for node in nodes if isinstance(node, Group)]
    fixed = Chosen()
    for node in nodes:
        if isinstance(node, Text):
            fixed.add(node.text, node.at)
        else:
            fixed.add(HOLE, node.at, 0)
    try:
        said = read_options(fixed.text)
    except Misread as error:
        raise Misread(fixed.place(error.at), str(error)) from None
    for node in walk(tuple(groups)):
        if isinstance(node, Text) and (found := _SEEDS.search(node.text)):
            raise Misread(node.at + found.start(), _SEEDS_HANG)
    if "seeds" in said.given and not said.options.seeds:
        found = _SEEDS.search(fixed.text)
        raise Misread(fixed.place(found.start()) if found else 0, _SEEDS_HANG)
    return Line(
        number=number,
        column=column,
        text=text,
        nodes=nodes,
        said=said if all(isinstance(node, Text) for node in nodes) else None,
        seeds=said.options.seeds or (),
        given=said.given,
        variants=count(nodes),
        enumerates=any(group.enumerates for group in groups),
        notes=tuple(f"{_where(number, column + fixed.place(at))} {note}" for at, note in said.notes),
    )


def _fault(name: str, wildcards: WildcardFiles, known: dict[str, str]) -> str:
    """What is wrong with a wildcard; empty: nothing. Looked for once for each, as names that are near take long to find."""
    if name not in known:
        try:
            wildcards.check(name)
            known[name] = ""
        except Told as error:
            known[name] = str(error)
    return known[name]


def _where(number: int, at: int) -> str:
    return f"Line {number}, column {at + 1}:"


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"


def _some(sentences: list[str]) -> list[str]:
    more = len(sentences) - SHOWN
    return sentences if more <= 0 else [*sentences[:SHOWN], f"And {more:,} more."]
