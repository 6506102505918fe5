"""One picture's way through one round."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from ..files.names import check_name
from ..told import Told
from ..typed import is_number
from .payloads import Payload, Plain, payload_of

Phase = Literal["describe", "paint"]

BATCH = 64
"""Items that a run works on at most."""


def derive(seed: int, round_: int, lineage: str, purpose: str) -> int:
    """Every random choice of a session: a function of who it is for, never of the order in which it is made.

    Returns:
        0 to 2**50 - 1 (img2tag2img's range; exact in a JavaScript number).
    """
    text = f"{seed}/{round_}/{lineage}/{purpose}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 14


def seed_of(session: int, round_: int, lineage: str, payload: Payload) -> int:
    """An item's own seed: the payload's, where it has one."""
    return derive(session, round_, lineage, "sampler") if payload.seed is None else payload.seed


@dataclass(frozen=True)
class Words:
    """What was said about a picture."""

    tags: str = ""
    caption: str = ""

    @classmethod
    def from_dict(cls, known: Mapping[str, Any]) -> "Words":
        """Reads what was stored. Raises Told, to be read after whose words they are: it holds something else."""
        if unknown := [
            key for key, value in known.items() if key not in ("tags", "caption") or not isinstance(value, str)
        ]:
            raise Told(f"words have {unknown[0]!r}, which this version does not know.")
        return cls(**known)


@dataclass(frozen=True, kw_only=True)
class Item:
    """What a run works on. Travels on RESONANCE_ITEM sockets and, as JSON, in the saved picture.

    Attributes:
        session: name of the session, and of its folder in the output folder.
        round: 1, 2, ...
        index: number of the item in its round, from 1.
        total: how many items the round has.
        lineage: prefix that ties it to its ancestors.
        seed: the item's own seed.
        source: picture it starts from, ``name [root]``; None where there is none.
        draw: what the model roulette drew, as :meth:`resonance.roulette.Draw.to_dict` gives it.
        words: stored words, if it was described before.
        payload: what its fill knows of it.
        phase: ``describe`` when the run is only to describe the picture.
        id: row in the ledger; None when the item was pasted or only looked at: then nothing is stored for it.
        token: names the claim under which the run may commit.
        beside: the other items that the run works on, each without any of its own.
    """

    session: str
    round: int
    index: int
    lineage: str
    seed: int
    total: int = 0
    source: str | None = None
    draw: dict[str, Any] | None = None
    words: Words | None = None
    payload: Payload = Plain()
    phase: Phase = "paint"
    id: int | None = None
    token: str = ""
    beside: tuple["Item", ...] = ()

    @property
    def batch(self) -> tuple["Item", ...]:
        """All items that the run works on, in the order of their pictures."""
        return self, *self.beside

    @property
    def stem(self) -> str:
        """Name of its results without number and suffix. Fixed by session, round and item, so that a redo replaces."""
        return f"{self.lineage}_r{self.round:04d}_{self.seed}"

    @property
    def folder(self) -> str:
        """Folder of its results, inside the session's."""
        return f"round-{self.round:04d}"

    def to_json(self) -> str:
        """What repeats the picture when it is pasted into Round Input."""
        known = {
            "session": self.session,
            "round": self.round,
            "index": self.index,
            "total": self.total,
            "lineage": self.lineage,
            "seed": self.seed,
            "source": self.source,
            "draw": self.draw,
            "words": vars(self.words) if self.words else None,
            "payload": self.payload.to_dict(),
        }
        return json.dumps({key: value for key, value in known.items() if value not in (None, {})})

    @classmethod
    def from_json(cls, text: str) -> "Item":
        """Reads :meth:`to_json`'s form. The item is not claimed.

        Raises:
            Told: the text is not an item; it says what is wrong.
        """
        return cls._of(_read(text))

    @classmethod
    def _of(cls, read: Any) -> "Item":
        fields: dict[str, tuple[type, ...]] = {
            "session": (str,),
            "round": (int,),
            "index": (int,),
            "lineage": (str,),
            "seed": (int,),
            "total": (int,),
            "source": (str,),
            "draw": (dict,),
            "words": (dict,),
            "payload": (dict,),
        }
        if not isinstance(read, dict):
            raise Told("The item is not a JSON object. Paste the text of a saved picture's `resonance` entry.")
        known = cast(dict[str, Any], read)
        for key, value in known.items():
            if key not in fields:
                raise Told(f"The item has no field {key!r}. Fields: {', '.join(fields)}.")
            if not isinstance(value, fields[key]) or isinstance(value, bool):
                raise Told(f"The item's field {key!r} must be {fields[key][0].__name__}, got {value!r}.")
            if isinstance(value, int) and not is_number(value):
                raise Told(f"The item's field {key!r} is too large a number.")
        if missing := [key for key in ("session", "round", "index", "lineage", "seed") if key not in known]:
            raise Told(f"The item lacks {', '.join(missing)}.")
        for key in ("session", "lineage"):  # both become names of files
            check_name(known[key], key)
        item = cls(**{key: value for key, value in known.items() if key not in ("words", "payload")})
        item = replace(item, payload=payload_of(known.get("payload", {})))
        try:
            return replace(item, words=Words.from_dict(known["words"]) if known.get("words") else None)
        except Told as error:
            raise Told(f"The item's {error}") from None


def together(items: Sequence[Item]) -> Item:
    """The first of some items, with the others beside it."""
    return replace(items[0], beside=tuple(items[1:]))


def batch_from_json(text: str) -> list[Item]:
    """Reads the form of :meth:`Item.to_json`, or a list of such.

    Raises:
        Told: as :meth:`Item.from_json`; or they are none, or too many.
    """
    read = _read(text)
    if not isinstance(read, list):
        return [Item._of(read)]  # pyright: ignore[reportPrivateUsage]
    items = cast(list[Any], read)
    if not 1 <= len(items) <= BATCH:
        raise Told(f"A run works on 1 to {BATCH} items, and this list has {len(items)}.")
    return [Item._of(each) for each in items]  # pyright: ignore[reportPrivateUsage]


def _read(text: str) -> Any:
    try:
        read: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Told(f"The item is not JSON ({error}). Paste the text of a saved picture's `resonance` entry.") from None
    try:
        json.dumps(read, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        raise Told("The item holds NaN, Infinity or half a character, with which no picture is saved.") from None
    return read
