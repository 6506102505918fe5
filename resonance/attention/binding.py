"""Words bound to places: the processor that lets each pixel read the words of its regions."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import torch

from ..reference.picture import PictureTokens, shrunk
from ..told import Told
from .heat import Heat
from .lora import RegionLora
from .method import RegionPlan, kept, lowest
from .method import share as share_of
from .parts import Binding, resize
from .site import Attend, Call, Inner, Row, Site


class Split(NamedTuple):
    """How the keys ``[B, H, K, D]`` of one conditioning are dealt out.

    Attributes:
        tokens: of each part.
        length: those of all parts.
        given: with what ComfyUI repeats, or the owner fills in, for rows with longer texts. What a patch has put behind acts
            everywhere.
    """

    tokens: tuple[int, ...]
    length: int
    given: int

    def own(self, keys: torch.Tensor) -> torch.Tensor:
        """The keys that the parts read."""
        own = keys[:, :, : self.length]
        return torch.cat([own, keys[:, :, self.given :]], 2) if keys.shape[2] > self.given else own


class Bound:
    """The words of one conditioning in one sampling run.

    Args:
        tokens: of each part.
        length: tokens of its rows; what the owner has filled in behind those of the parts (``read``) is read by nobody.
        percent_to_sigma: the noise at a share of all steps.
        sigmas: the run's schedule.
        heat: where to note where its words act; None: nowhere.
        pictures: which of the tokens are pictures, counted over all parts.
    """

    def __init__(
        self,
        binding: Binding | None,
        tokens: tuple[int, ...],
        length: int,
        percent_to_sigma: Callable[[float], float],
        sigmas: Sequence[float],
        heat: Heat | None = None,
        pictures: Sequence[PictureTokens] = (),
    ) -> None:
        self.binding, self.heat, self._tokens = binding, heat, tokens
        self.pictures = [(each, percent_to_sigma(each.start), percent_to_sigma(each.end)) for each in pictures]
        self.loras: tuple[tuple[RegionLora, ...], ...] = (
            ((), *(part.loras for part in binding.parts)) if binding else ((),)
        )
        """Those of each part; what is the base's acts on every conditioning of the run."""
        self.read = sum(tokens)
        self.filled = length > self.read
        self._ranges: list[tuple[float, float]] = []
        self._last = -math.inf
        if binding:
            self._ranges = [
                (percent_to_sigma(start), percent_to_sigma(end))
                for start, end in zip(binding.starts, binding.ends, strict=True)
            ]
            steps = math.ceil(binding.method.share * (len(sigmas) - 1))
            self._last = sigmas[steps - 1] if steps else math.inf
        self._plans: dict[tuple[object, ...], RegionPlan] = {}
        self._biases: dict[tuple[object, ...], torch.Tensor] = {}

    def acts(self, sigma: float) -> bool:
        """Whether its parts are told apart; some methods do so in the first share of the steps only."""
        return self.binding is not None and sigma >= self._last

    def split(self, total: int, given: int) -> Split:
        """How the keys of a row are dealt out.

        Args:
            total: how many there are.
            given: tokens of the row as the model is given them.

        Raises:
            Told: another patch has changed how many keys a token has.
        """
        tokens, length = self._tokens, self.read
        if 2 * total == given and not any(count % 2 for count in tokens):
            # NegPiP's tokens come in pairs, of which its patch takes the first as key, the second as value.
            return Split(tuple(count // 2 for count in tokens), length // 2, total)
        if total < given:
            raise Told(
                f"Another node's patch leaves {total} keys of {given} tokens, so that nobody knows whose they are. Take it off, or"
                " use an area method in Regions."
            )
        return Split(tokens, length, given)

    def plan(self, tokens: tuple[int, ...], sigma: float, grid: tuple[int, int], device: torch.device) -> RegionPlan:
        """The plan for one resolution at one step; made once for all steps at which the same parts act.

        Args:
            tokens: of each part.
        """
        binding = self.binding
        assert binding
        active = tuple(end <= sigma <= start for start, end in self._ranges)
        key = (tokens, active, grid, device)
        if key not in self._plans:
            weights = tuple(w if on else 0.0 for w, on in zip(binding.weights, active, strict=True))
            with kept():
                masks = resize(binding.masks.clone(), *grid).to(device)
                self._plans[key] = binding.method.plan(masks, tokens, weights)
        return self._plans[key]

    def cross(self, site: Site, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, attend: Attend) -> torch.Tensor:
        """Cross-attention of one row."""
        split = self.split(k.shape[2], site.call.tokens)
        k, v = split.own(k), split.own(v)
        bias = self.bias(k.shape[2], split, site, q)
        if not self.acts(site.call.sigma):
            return attend(q, k, v, bias)
        plan = self.plan(split.tokens, site.call.sigma, site.grid, q.device)
        return plan.cross(q, k, v, site.call.timestep, attend, bias)

    def own(self, site: Site, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, attend: Attend) -> torch.Tensor | None:
        """Self-attention of one row; None: it stays as it is."""
        plan = self.plan(self._tokens, site.call.sigma, site.grid, q.device)
        return plan.own(q, k, v, site.call.timestep, attend)

    def share(self, site: Site, q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        """The probability that each part's words get, see :func:`resonance.attention.method.share`."""
        split = self.split(k.shape[2], site.call.tokens)
        plan = self.plan(split.tokens, site.call.sigma, site.grid, q.device)
        k = split.own(k)
        return share_of(plan, q, k, split.tokens, site.call.timestep, self.bias(k.shape[2], split, site, q))

    def bias(self, total: int, split: Split, site: Site, q: torch.Tensor) -> torch.Tensor | None:
        """What is added to the scores of tokens that are pictures, ``[N, K]``; None: there are none. Where one does not act, it is as low
        as can be.

        Args:
            total: how many keys there are.
        """
        if not self.pictures:
            return None
        active = tuple(end <= site.call.sigma <= start for _, start, end in self.pictures)
        key = active, total, split, site.grid, q.device, q.dtype
        if key not in self._biases:
            # NegPiP's tokens come in pairs.
            pair = self.read // split.length
            with kept():
                bias = torch.zeros(*site.grid, total)
                for (picture, *_), on in zip(self.pictures, active, strict=True):
                    of = slice(picture.begin // pair, (picture.begin + picture.count) // pair)
                    where = (
                        torch.ones(site.grid)
                        if picture.mask is None
                        else shrunk(picture.mask.clone().cpu(), *site.grid)
                    )
                    bias[..., of] = (where.log() + picture.bias if on else torch.full(site.grid, -math.inf))[..., None]
                bias = bias.flatten(0, 1).to(q.device, q.dtype).clamp(min=lowest(q.dtype))
                self._biases[key] = bias
        return self._biases[key]


@dataclass(frozen=True)
class Unfilled:
    """The tokens of a call without what is filled in, so that nothing need be computed of that.

    Attributes:
        read: rows, and how many tokens of each are read.
        tokens: of each row in all.
    """

    read: Sequence[tuple[slice, int]]
    tokens: int

    def gather(self, x: torch.Tensor) -> torch.Tensor:
        """``[M, C]`` of ``[B, T, C]``: what is read, one behind the other."""
        return torch.cat([x[at, :count].flatten(0, 1) for at, count in self.read])

    def spread(self, x: torch.Tensor) -> torch.Tensor:
        """``[B, T, D]`` of ``[M, D]``: what is filled in becomes zero."""
        counts = [(at.stop - at.start) * count for at, count in self.read]
        out = x.new_zeros(self.read[-1][0].stop, self.tokens, x.shape[1])
        for (at, count), piece in zip(self.read, torch.split(x, counts), strict=True):
            out[at, :count] = piece.unflatten(0, (-1, count))
        return out


class BindingProcessor:
    """The :class:`~resonance.attention.site.Processor` of bound words.

    Args:
        bound: the words of the run's conditionings, by their uuid.
    """

    order = 30

    def __init__(self, bound: Mapping[UUID, Bound]) -> None:
        self._bound = bound

    def kinds(self) -> frozenset[str]:
        """The kinds of site at which it acts."""
        methods = [bound.binding.method for bound in self._bound.values() if bound.binding]
        return frozenset({"cross"} | ({"self"} if any(method.own for method in methods) else set()))

    def of(self, row: Row) -> Bound | None:
        return self._bound.get(row.entry.uuid) if row.entry else None

    @property
    def fills(self) -> bool:
        """Whether any row has tokens that nobody reads."""
        return any(bound.filled for bound in self._bound.values())

    def unfilled(self, call: Call) -> Unfilled:
        """The tokens of a call that are read."""
        found = [(row.at, self.of(row)) for row in call.rows]
        return Unfilled(
            [(at, bound.read if bound and bound.filled else call.tokens) for at, bound in found], call.tokens
        )

    def __call__(self, site: Site, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, inner: Inner) -> torch.Tensor:
        rows = site.call.rows
        regional = [self._regional(site, row, q, k, v) for row in rows]
        if all(answer is None for answer in regional):
            return inner(q, k, v)
        if inner is not site.attend:
            # Another pack's replacement: what it adds to plain attention is added to ours.
            out = inner(q, k, v).clone()
            for row, answer in zip(rows, regional, strict=True):
                if answer is not None:
                    out[row.at] += answer - site.attend.of([row])(q[row.at], k[row.at], v[row.at])
            return out
        out = torch.empty_like(q)
        rest: list[Row] = []
        for row, answer in zip(rows, regional, strict=True):
            if answer is None:
                rest.append(row)
            else:
                out[row.at] = answer
        if rest:
            plain = site.attend.of(rest)(*(_of(rest, t) for t in (q, k, v)))
            for row, answer in zip(rest, plain.chunk(len(rest)), strict=True):
                out[row.at] = answer
        return out

    def _regional(self, site: Site, row: Row, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor | None:
        bound = self.of(row)
        if bound is None:
            return None
        acts, attend = bound.acts(site.call.sigma), site.attend.of([row])
        if site.kind == "self":
            return bound.own(site, q[row.at], k[row.at], v[row.at], attend) if acts else None
        if not acts and not bound.filled and not bound.pictures:
            return None
        return bound.cross(site, q[row.at], k[row.at], v[row.at], attend)


def _of(rows: Sequence[Row], t: torch.Tensor) -> torch.Tensor:
    return t[rows[0].at] if len(rows) == 1 else torch.cat([t[row.at] for row in rows])
