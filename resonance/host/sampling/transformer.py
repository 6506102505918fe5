"""Owns the sampling runs of transformers: how strongly pictures act, and where, in the attention that they share with words and pixels.

Nothing is put into the model: each call of it gets an attention of its own, which is gone with the call.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import torch

from ...attention.method import kept
from ...reference.joint import LATENTS, Joint, LatentBias, Seen, grid_of, joint_bias
from ...reference.picture import TOKENS, PictureTokens
from ...told import Told
from .. import core_joint as core
from .. import progress
from ..core_sampling import UNPROMPTED, Asked, CoreRun, Given, Options, wrapped
from .owner import RUN


def joint(model: Any) -> Any:
    """A clone of a MODEL, a transformer, in whose sampling runs pictures act as strongly as their conditionings say."""
    return wrapped(model, RUN, _sample, lambda options, x, noise, go: go(), _ask)


def _sample(run: CoreRun, go: Callable[[], Any]) -> Any:
    given = run.conditionings()
    shown = {each.uuid: _shown(each) for each in given}
    for each in given:
        for guard in (LATENTS, TOKENS):
            each.take(guard)
    if any(shown.values()):
        if run.is_compiled:
            # What it has compiled once it takes for every later run.
            run.uncompile()
            progress.warn("Pictures act in this run, which is therefore sampled without Torch Compile.")
        if any(type(module).__name__ == "OptimizedModule" for module in run.models[0].modules()):
            raise Told(
                "This model was compiled, so the strength and place of a picture cannot act in its attention: connect one that is not"
                " compiled, or set strength to 1 and take off the mask."
            )
        run.options[RUN] = JointRun(shown)
    return go()


def _ask(asked: Asked, go: Callable[[Options], Any]) -> Any:
    run: JointRun = asked.options[RUN]
    entries = [run.shown.get(uuid, ()) for uuid in asked.uuids]
    if not any(entries):
        return go(asked.options)
    made = go(core.biased(asked.options, lambda options, k, heeds: run.bias(asked, entries, options, k, heeds)))
    if not run.acted:
        raise Told(
            "This model's attention does not go through ComfyUI's, so the strength and place of a picture cannot act in it: take off"
            " the node that replaces it, or set strength to 1 and take off the mask."
        )
    return made


class _Shown(NamedTuple):
    """A picture of an entry, and which of its tokens, or which of its references, it is."""

    at: range | int
    bias: float
    mask: torch.Tensor | None


def _shown(given: Given) -> tuple[_Shown, ...]:
    """
    Raises:
        Told: it cannot act as it stands.
    """
    tokens: Sequence[PictureTokens] = () if given.kind == UNPROMPTED else given.entry.get(TOKENS, ())
    latents: Sequence[LatentBias] = given.entry.get(LATENTS, ())
    if given.has_area and any(each.mask is not None for each in (*tokens, *latents)):
        raise Told(
            "A picture with a mask has its place in the whole picture, and its conditioning has an area: take off one of them."
        )
    references: Sequence[torch.Tensor] = given.entry.get(core.REFERENCES, ())
    if lost := [each for each in latents if not any(each.latent is reference for reference in references)]:
        raise Told(
            f"Another node has changed {len(lost)} of the reference latents, so nothing tells how strongly they act: change them"
            " before Reference Picture."
        )
    return (
        *(_Shown(range(each.begin, each.begin + each.count), each.bias, each.mask) for each in tokens),
        *(
            _Shown(number, each.bias, each.mask)
            for each in latents
            for number, reference in enumerate(references)
            if reference is each.latent
        ),
    )


class JointRun:
    """One sampling run of a transformer.

    Attributes:
        shown: the pictures of each entry.
        acted: whether a bias has come to the model's attention.
    """

    def __init__(self, shown: Mapping[UUID, tuple[_Shown, ...]]) -> None:
        self.shown = shown
        self.acted = False
        self._made: dict[object, torch.Tensor] = {}

    def bias(
        self,
        asked: Asked,
        entries: Sequence[tuple[_Shown, ...]],
        options: Options,
        k: torch.Tensor,
        heeds: Callable[[], bool],
    ) -> torch.Tensor | None:
        """For an attention call; None: it is not one that words, pixels and pictures share.

        Args:
            entries: for which the model is asked, in the order of its rows.
            heeds: whether this attention heeds masks.

        Raises:
            Told: it does not.
        """
        references = core.reference_tokens(options)
        grid = grid_of(asked.latent.shape, k.shape[2] - asked.tokens - sum(references))
        if grid is None or not core.in_blocks(options):
            return None
        if not self.acted and not heeds():
            raise Told(
                "The attention that this model is computed with heeds no masks, so the strength and place of a picture cannot act in it:"
                " take off the node that sets it, such as one for Sage Attention, or set strength to 1 and take off the mask."
            )
        self.acted = True
        sizes = Joint(asked.tokens, grid, references)
        key = (sizes, len(asked.latent), k.dtype, k.device, *entries)
        if key not in self._made:
            with kept():
                like = torch.empty(0, dtype=k.dtype, device=k.device)
                made = {entry: joint_bias(sizes, _seen(sizes, entry), like) for entry in dict.fromkeys(entries)}
                self._made[key] = _rows([made[entry] for entry in entries], len(asked.latent))
        return self._made[key]


def _seen(sizes: Joint, entry: Sequence[_Shown]) -> list[Seen]:
    def place(at: range | int) -> slice:
        return sizes.reference(at) if isinstance(at, int) else slice(at.start, at.stop)

    return [Seen(place(each.at), each.bias, each.mask) for each in entry]


def _rows(each: Sequence[torch.Tensor], rows: int) -> torch.Tensor:
    """``[rows or 1, 1, N, K]`` of one for each entry."""
    if all(one is each[0] for one in each):
        return each[0][None, None]
    return torch.stack(list(each)).repeat_interleave(rows // len(each), 0)[:, None]
