"""Lines over rounds, as SVG that stands in a page and takes its colors from there."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT = 240, 116
_LEFT, _RIGHT, _TOP, _BOTTOM = 30, WIDTH - 16, 10, HEIGHT - 20
_DOTS = 30
"""Of more points than this the dots would hide the line."""


@dataclass(frozen=True)
class Line:
    """Values over rounds; where there is a spread, its band goes from value - spread to value + spread."""

    name: str
    points: Sequence[tuple[int, float]]
    spreads: Sequence[float] = ()


@dataclass
class Spread:
    """Mean and standard deviation of numbers that come one after the other (Welford, Technometrics 4, 1962)."""

    count: int = 0
    mean: float = 0.0
    _squares: float = field(default=0.0, repr=False)

    def add(self, value: float) -> None:
        self.count += 1
        step = value - self.mean
        self.mean += step / self.count
        self._squares += step * (value - self.mean)

    @property
    def deviation(self) -> float:
        return math.sqrt(self._squares / self.count)


def bounds(values: Iterable[float], step: int = 20) -> tuple[float, float]:
    """The range of an axis: the next multiples of ``step`` around all values; of none it starts at 0."""
    values = list(values) or [0]
    low, high = min(values), max(values)
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    return low, high if high > low else low + step


def panel(title: str, lines: Sequence[Line], rounds: tuple[int, int], heights: tuple[float, float]) -> str:
    """One plot with its title, for a page. Lines of fewer than two points are left out; without any it is empty.

    Args:
        rounds: the first and the last of the horizontal axis.
        heights: the ends of the vertical one.
    """
    lines = [line for line in lines if len(line.points) > 1]
    if not lines:
        return ""
    (first, last), (low, high) = rounds, heights

    def x(round_: int) -> str:
        return f"{_LEFT + (round_ - first) / (last - first) * (_RIGHT - _LEFT):.1f}"

    def y(value: float) -> float:
        return round(_BOTTOM - (min(max(value, low), high) - low) / (high - low) * (_BOTTOM - _TOP), 1)

    parts: list[str] = []
    for tick in (low, (low + high) / 2, high):
        parts.append(f'<path class="tick" d="M{_LEFT} {y(tick)}H{_RIGHT}"/>')
        parts.append(f'<text class="end" x="{_LEFT - 5}" y="{y(tick) + 3.5}">{tick:g}</text>')
    for line in lines:
        if line.spreads:
            ends = list(zip(line.points, line.spreads, strict=True))
            above = [f"{x(at)},{y(value + spread)}" for (at, value), spread in ends]
            below = [f"{x(at)},{y(value - spread)}" for (at, value), spread in reversed(ends)]
            parts.append(f'<polygon class="band" points="{" ".join(above + below)}"/>')
        points = " ".join(f"{x(at)},{y(value)}" for at, value in line.points)
        parts.append(f'<polyline class="line {line.name}" points="{points}"/>')
        if len(line.points) <= _DOTS:
            parts += [f'<circle cx="{x(at)}" cy="{y(value)}" r="2"/>' for at, value in line.points]
    if len(lines) > 1:
        free = -math.inf  # names of lines that end at the same height stand below each other
        for height, name in sorted((y(line.points[-1][1]) + 3.5, line.name) for line in lines):
            free = max(height, free)
            parts.append(f'<text x="{_RIGHT + 5}" y="{free}">{name}</text>')
            free += 10
    for round_, anchor in ((first, "start"), (last, "end")):
        text = f"round {round_}" if round_ else "start"
        parts.append(f'<text class="{anchor}" x="{x(round_)}" y="{HEIGHT - 4}">{text}</text>')
    told = "; ".join(_told(line) for line in lines)
    return (
        f'<figure class="plot"><figcaption>{escape(title)}</figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(f"{title}: {told}")}">{"".join(parts)}</svg></figure>'
    )


def _told(line: Line) -> str:
    (first, start), (last, end) = line.points[0], line.points[-1]
    place = f"round {first}" if first else "the start"
    return f"{line.name} {start:.0f} at {place}, {end:.0f} at round {last}".strip()
