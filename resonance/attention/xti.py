"""XTI: a word with other vectors for each of the 16 cross-attentions of Stable Diffusion 1.5 (Voynov et al., "P+: Extended Textual
Conditioning in Text-to-Image Generation", 2023), in the files of sd-scripts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast
from uuid import UUID

import torch

from ..files.xti_files import PLACES
from ..reference.picture import Guard
from ..told import Told
from .method import kept
from .site import Call

XTI = "resonance_xti"
"""Where a conditioning carries its :class:`OwnWords`: among what the model is given, beside the text, with which ComfyUI copies it where
it gives an entry of another list an area."""

NAMES = tuple(PLACES)
NUMBERS = {block: number for number, block in enumerate(PLACES.values())}
"""Of the cross-attentions, by their block."""
MIDDLE = NAMES.index("MID")
"""The one whose words stand for all where there can be only one: in the conditioning itself, and with it in ControlNets."""

UNOWNED = (
    "The model of this sampler does not come from XTI, so its word could not act in each cross-attention by itself: connect the model"
    " output of the node that the conditioning comes from, such as XTI or Encode Line, to this sampler."
)


# Files


class Learned(NamedTuple):
    """One of a word's vectors among the tokens of a prompt: ``each [C]``, by the number of the cross-attention."""

    each: tuple[torch.Tensor, ...]


@dataclass(frozen=True, eq=False)
class XtiWord:
    """What stands in a file: ``each [n, C]``, by the number of the cross-attention."""

    each: tuple[torch.Tensor, ...]

    @property
    def tokens(self) -> list[Learned]:
        return [Learned(tuple(vectors)) for vectors in zip(*self.each, strict=True)]


def read_xti(file: str, state: Any, width: int) -> XtiWord:
    """
    Args:
        file: its name.
        state: what is in it.
        width: numbers of a vector that the text encoder reads.

    Raises:
        Told: it is no XTI, or one for another model.
    """
    held = cast(dict[Any, Any], state) if isinstance(state, dict) else {}
    missing = [name for name in NAMES if name not in held]
    if len(missing) == len(NAMES):
        raise Told(
            f"{file} is no XTI: it has none of {', '.join(NAMES)}. If it is an ordinary embedding, write embedding: and its name into the"
            " prompt."
        )
    if missing:
        raise Told(f"{file} lacks {', '.join(missing)}: XTI has vectors for each of the 16 cross-attentions.")
    if more := [str(name) for name in held if name not in NAMES]:
        raise Told(f"{file} holds more than XTI: {', '.join(more[:3])}. Nothing tells what that is for.")
    each = list[torch.Tensor]()
    for name in NAMES:
        found = held[name]
        if not isinstance(found, torch.Tensor) or found.ndim not in (1, 2) or not found.numel():
            raise Told(f"{file}: {name} is no vectors. Train it anew, or get it from where it came.")
        vectors = found.reshape(-1, found.shape[-1]).float()
        if vectors.shape[1] != width:
            raise Told(
                f"{file}: the vectors of {name} have {vectors.shape[1]} numbers, and the text encoder of Stable Diffusion 1.5 reads {width}:"
                " it was made for another model."
            )
        if each and len(vectors) != len(each[0]):
            raise Told(
                f"{file}: {NAMES[0]} has {len(each[0])} vectors, and {name} {len(vectors)}. All must have as many."
            )
        each.append(vectors)
    return XtiWord(tuple(each))


# Conditionings


class OwnWords(Guard):
    """The words of a conditioning as each cross-attention reads them: ``each [B, T, C]``, by its number. The conditioning itself has
    those of the middle block."""

    def __init__(self, each: tuple[torch.Tensor, ...]) -> None:
        super().__init__(UNOWNED)
        self.each = each

    def beside(self, tokens: torch.Tensor) -> tuple[torch.Tensor, ...] | None:
        """The same where a conditioning has the words ``[B, T, C]`` now. What another node has put behind them every cross-attention reads.
        None: nothing is left of them (all zeros), as behind ConditioningZeroOut.

        Raises:
            Told: they are other words.
        """
        base = self.each[MIDDLE]
        length, count = base.shape[1], len(tokens)
        first, behind = tokens[:, :length], tokens[:, length:]
        if (
            first.shape[1:] == base.shape[1:]
            and len(base) in (1, count)
            and torch.equal(first, base.to(first).expand(count, -1, -1))
        ):
            return tuple(torch.cat([own.to(first).expand(count, -1, -1), behind], 1) for own in self.each)
        if not tokens.any():
            return None
        raise Told(
            "Another node has changed the words that come from XTI, as Conditioning (Average) does, and what each cross-attention would read"
            " of them is not known: change what is encoded without XTI, or take that node out."
        )


def with_own_words(values: Mapping[str, Any], own: OwnWords) -> dict[str, Any]:
    """What a conditioning says, with words for each cross-attention."""
    return {**values, "model_conds": {**values.get("model_conds", {}), XTI: own}}


def xti_of(values: Mapping[str, Any]) -> OwnWords | None:
    """Those of a conditioning."""
    return values.get("model_conds", {}).get(XTI)


def check_places(blocks: Sequence[tuple[str, int]]) -> None:
    """
    Args:
        blocks: of each cross-attention of a model, as ComfyUI goes through them.

    Raises:
        Told: it has others than Stable Diffusion 1.5.
    """
    if tuple(blocks) != tuple(PLACES.values()):
        raise Told(
            f"XTI has vectors for the 16 cross-attentions of Stable Diffusion 1.5, and this model has {len(blocks)}"
            f"{' others' if len(blocks) == len(PLACES) else ''}: take a checkpoint of Stable Diffusion 1.5 in full size."
        )


class OwnText:
    """Hands each cross-attention its own words in one sampling run.

    Args:
        own: ``[B, T, C]`` for each, by the uuid of their conditioning.
    """

    def __init__(self, own: Mapping[UUID, tuple[torch.Tensor, ...]]) -> None:
        self._own = own
        self._fitted: dict[tuple[object, ...], torch.Tensor] = {}

    def __call__(self, call: Call, block: tuple[str, int], text: torch.Tensor) -> torch.Tensor:
        """What the one of a block reads in place of ``text [B, T, C]``, which has all rows of the call."""
        acting = [(row.at, row.entry.uuid) for row in call.rows if row.entry and row.entry.uuid in self._own]
        if not acting:
            return text
        text, number = text.clone(), NUMBERS[block]
        for at, uuid in acting:
            text[at] = self._fit(uuid, number, at.stop - at.start, call.picture, text)
        return text

    def _fit(self, uuid: UUID, number: int, count: int, first: int, text: torch.Tensor) -> torch.Tensor:
        """As many rows and tokens as ComfyUI has made of those of the conditioning: it repeats both."""
        key = uuid, number, count, first, text.shape[1], text.device, text.dtype
        if key not in self._fitted:
            own = self._own[uuid][number]
            with kept():
                rows = torch.arange(first, first + count, device=own.device) % len(own)
                self._fitted[key] = own[rows].repeat(1, text.shape[1] // own.shape[1], 1).to(text)
        return self._fitted[key]
