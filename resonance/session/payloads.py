"""What those know of an item who fill a session: a frozen type for each fill, stored as JSON in ledgers and pictures."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Self

from ..told import Told
from ..typed import is_number
from ..vary.grid import Combination
from ..vary.transform import SCHEDULE, Call

Number = int | float


class _Stored:
    """A payload's JSON."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it; what is None is left out."""
        return {key: value for key, value in vars(self).items() if value is not None}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads :meth:`to_dict`'s form. Raises Told: a field is missing, unknown or of another type."""
        known = {field.name: field for field in fields(cls)}  # pyright: ignore[reportArgumentType]
        for name, value in data.items():
            if name not in known:
                raise Told(f"The item's payload has no field {name!r}. Fields: {', '.join(known)}.")
            kind: Any = known[name].type
            wrong = value is None or not isinstance(value, kind)
            if wrong or (not isinstance(value, str) and not is_number(value)):
                raise Told(f"The item's payload holds {value!r} as {name!r}, which must be {_named(kind)}.")
        if missing := [name for name, field in known.items() if name not in data and field.default is MISSING]:
            raise Told(f"The item's payload lacks {', '.join(missing)}.")
        return cls(**data)


@dataclass(frozen=True, kw_only=True)
class Plain(_Stored):
    """What an item of rounds may have.

    Attributes:
        seed: takes the place of the seed that is derived.
        scale, steps, strength: how it was made, for names of files.
        first: the picture with which the lineage began, where a driver has sent it.
    """

    seed: int | None = None
    scale: Number | None = None
    steps: int | None = None
    strength: Number | None = None
    first: str | None = None

    @property
    def words(self) -> str:
        """The prompt that is known before anything is painted."""
        return ""


@dataclass(frozen=True, kw_only=True)
class Exploration(_Stored):
    """What Explore knows: the combination, and the seed that all combinations of a round share.

    Attributes:
        chosen: the prompt with its choices made; None: it has none.
    """

    prompt: str
    aspect: str
    width: int
    height: int
    scale: Number
    steps: int
    seed: int
    strength: Number | None = None
    chosen: str | None = None

    @classmethod
    def of(cls, combination: Combination, seed: int, chosen: str | None = None) -> "Exploration":
        return cls(seed=seed, chosen=chosen, **combination._asdict())

    @property
    def combination(self) -> Combination:
        """Raises Told: its size is none."""
        return Combination.read(vars(self))

    @property
    def words(self) -> str:
        return self.prompt if self.chosen is None else self.chosen


@dataclass(frozen=True, kw_only=True)
class Variation(_Stored):
    """What Vary knows of a call.

    Attributes:
        job: names the picture, the transform and everything else that makes its pictures what they are.
        loop, number: see :class:`resonance.vary.transform.Call`.
        row: which chain of the job, from 1, of ``rows``.
    """

    job: str
    loop: int
    number: int
    row: int
    rows: int
    scale: Number
    strength: Number
    steps: int
    seed: int

    @classmethod
    def of(cls, call: Call, job: str, rows: int) -> "Variation":
        return cls(
            job=job,
            loop=call.loop,
            number=call.number,
            row=call.row,
            rows=rows,
            scale=call.pair.scale,
            strength=call.pair.strength,
            steps=SCHEDULE,
            seed=call.seed,
        )

    @property
    def words(self) -> str:
        return ""


@dataclass(frozen=True, kw_only=True)
class PromptLine(_Stored):
    """What Prompt Lines knows: one picture of a line, with all that was chosen for it.

    Attributes:
        key: what it is, see :func:`resonance.paint.shots.key_of`.
        line: as it was written.
        negative: words that the line gives; None: it gives none.
        file: name that it gives its first picture.
        mask, guide: pictures that belong to it beside the one that it starts from, ``name [root]``.
        options: what else it gives, as lines have it: see :func:`resonance.paint.options.write_options`.
    """

    key: str
    line: str
    prompt: str
    negative: str | None = None
    width: int
    height: int
    steps: int
    scale: Number
    strength: Number | None = None
    seed: int
    file: str | None = None
    options: str = ""
    mask: str | None = None
    guide: str | None = None

    @property
    def words(self) -> str:
        return self.prompt


Payload = Plain | Exploration | Variation | PromptLine


def written(payload: Payload) -> str:
    """The prompt that is known before anything is painted, as it was written: where choices are made by lot, before them."""
    return payload.prompt if isinstance(payload, Exploration) else payload.words


def payload_of(data: Mapping[str, Any]) -> Payload:
    """The payload in an item's JSON. Raises Told: it is of no fill that is known."""
    marks = {"job": Variation, "line": PromptLine, "aspect": Exploration, "prompt": Exploration}
    kind = next((kind for mark, kind in marks.items() if mark in data), Plain)
    return kind.from_dict(data)


def _named(kind: Any) -> str:
    names = {int: "a whole number", str: "text", Number: "a number"}
    return next(name for each, name in names.items() if kind in (each, each | None))
