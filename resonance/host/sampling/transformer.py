"""Owns the sampling runs of transformers: how strongly a picture acts, and where, in the attention that it shares with words and pixels.

Nothing is put into the model: each call gets the attention of its own, and is gone with it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import torch

from ...attention.method import kept
from ...reference.bias import KEY, Joint, PictureBias, Words, grid_of, joint_bias
from ...told import Told
from .. import core_joint as core
from .. import progress
from ..core_sampling import UNPROMPTED, Asked, CoreRun, Given, Options, wrapped
from .owner import RUN

Placed = tuple[tuple[int | slice, PictureBias], ...]
"""Pictures, and where each stands: its number among the references, or its place among the words."""


def joint(model: Any) -> Any:
    """A clone of a MODEL, a transformer, in whose sampling runs pictures act as strongly as their conditionings say."""
    return wrapped(model, RUN, _sample, lambda options, x, noise, go: go(), _ask)


def _sample(run: CoreRun, go: Callable[[], Any]) -> Any:
    given = run.conditionings()
    placed = {each.uuid: _placed(each) for each in given}
    for each in given:
        each.take(KEY)  # the guard
    if any(placed.values()):
        if run.is_compiled:
            # What it has compiled once it takes for every later run.
            run.uncompile()
            progress.warn("A picture has a strength or place here, so that this run is sampled without Torch Compile.")
        if any(type(module).__name__ == "OptimizedModule" for module in run.models[0].modules()):
            raise Told(
                "This model was compiled, so that a picture can have no strength or place in its attention: connect one that is not "
                "compiled, or set strength to 1 and take off the mask."
            )
        run.options[RUN] = JointRun(placed)
    return go()


def _ask(asked: Asked, go: Callable[[Options], Any]) -> Any:
    run: JointRun = asked.options[RUN]
    entries = [run.placed.get(uuid, ()) for uuid in asked.uuids]
    if not any(entries):
        return go(asked.options)
    acted = False

    def bias(options: Options, k: torch.Tensor) -> torch.Tensor | None:
        nonlocal acted
        found = run.bias(asked, entries, options, k)
        acted = acted or found is not None
        return found

    made = go(core.biased(asked.options, bias))
    if not acted and not run.acted:
        raise Told(
            "This model's attention does not go through ComfyUI's, so that pictures have no strength or place in it. Take off the node "
            "that replaces it, or set strength to 1 and take off the mask."
        )
    run.acted = True
    return made


def _placed(given: Given) -> Placed:
    """
    Raises:
        Told: what a picture was bound to has changed.
    """
    biases: Sequence[PictureBias] = given.entry.get(KEY, ())
    found: list[tuple[int | slice, PictureBias]] = []
    for each in biases:
        if each.mask is not None and given.has_area:
            raise Told(
                "A picture with a mask is placed in the whole picture, and its conditioning has an area: take off one of the two."
            )
        of = each.of
        at = _among_words(given, of) if isinstance(of, Words) else _among_references(given, of)
        if at is not None:
            found.append((at, each))
    return tuple(found)


def _among_words(given: Given, words: Words) -> slice | None:
    if given.kind == UNPROMPTED:
        return None
    tokens = given.tokens[:, words.at]
    if tokens.shape[1:] == words.tokens.shape[1:] and torch.equal(tokens[:1], words.tokens[:1].to(tokens)):
        return words.at
    if not given.tokens.any():  # as ConditioningZeroOut makes them
        return None
    raise Told(
        "Another node has changed the tokens of the picture, as Conditioning (Average) does, so that nothing tells how strongly it "
        "acts: change the words before Reference Picture."
    )


def _among_references(given: Given, latent: torch.Tensor) -> int | None:
    references: Sequence[torch.Tensor] = given.entry.get("reference_latents", ())
    for number, each in enumerate(references):
        if each is latent:
            return number
    if not references:
        return None
    raise Told(
        "Another node has changed the reference latents, so that nothing tells which of them has which strength: change them before "
        "Reference Picture."
    )


class JointRun:
    """One sampling run of a transformer.

    Attributes:
        placed: by entry.
        acted: whether a bias has come to the model's attention.
    """

    def __init__(self, placed: Mapping[UUID, Placed]) -> None:
        self.placed = placed
        self.acted = False
        self._made: dict[object, torch.Tensor] = {}

    def bias(self, asked: Asked, entries: Sequence[Placed], options: Options, k: torch.Tensor) -> torch.Tensor | None:
        """For an attention call; None: it is not one that words, pixels and pictures share.

        Args:
            entries: for which the model is asked, in the order of its rows.
        """
        if not core.in_blocks(options):
            return None
        references = core.reference_tokens(options)
        grid = grid_of(asked.latent.shape, k.shape[2] - asked.tokens - sum(references))
        if grid is None:
            return None
        sizes = Joint(asked.tokens, grid, references)
        key = (sizes, k.dtype, k.device, *(id(entry) for entry in entries))
        if key not in self._made:
            with kept():
                like = torch.empty(0, dtype=k.dtype, device=k.device)
                made = {id(entry): joint_bias(sizes, _columns(sizes, entry), like) for entry in entries}
                self._made[key] = _rows([made[id(entry)] for entry in entries], len(asked.latent))
        return self._made[key]


def _columns(sizes: Joint, entry: Placed) -> list[tuple[slice, PictureBias]]:
    return [(sizes.reference(at) if isinstance(at, int) else at, each) for at, each in entry]


def _rows(each: Sequence[torch.Tensor], rows: int) -> torch.Tensor:
    """``[rows or 1, 1, N, K]`` of one for each entry."""
    if all(one is each[0] for one in each):
        return each[0][None, None]
    count = rows // len(each)
    return torch.stack(list(each)).repeat_interleave(count, 0)[:, None]
