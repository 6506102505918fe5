"""The one place where the pack steps into a model's attention.

A conditioning says by itself which of its tokens act where (:class:`Binding`); a patched model looks that up for each row
that it computes. What has no binding goes through plain attention, and what another pack had put into the same place is
asked first and keeps what it adds.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

import comfy.ldm.modules.attention
import torch
from comfy.patcher_extension import WrappersMP

from ..regions.method import RegionPlan, kept, share
from ..regions.parts import KEY, Binding, resize
from ..told import Told
from .families import family

RUN = "resonance_run"
"""Where the transformer options hold the :class:`Run`."""

Replacement = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, dict[str, Any]], torch.Tensor]


def patched(model: Any) -> Any:
    """A clone of a MODEL that follows the bindings of its conditionings when it samples.

    Raises:
        Told: it is of no family that this works with.
    """
    family(model)
    model = model.clone()
    model.remove_wrappers_with_key(WrappersMP.OUTER_SAMPLE, RUN)
    model.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, RUN, _sample)
    return model


def _sample(executor: Any, *args: Any, **kwargs: Any) -> Any:
    guider = executor.class_obj
    model = guider.model_patcher
    # ComfyUI has cloned the options for this run, and lets go of them after it.
    options = guider.model_options["transformer_options"]
    run = options[RUN] = SamplingRun(guider)
    # Only now, so that it does not matter in which order nodes of other packs fill the same places.
    replaced = options.setdefault("patches_replace", {})
    for name, kind in run.replaces().items():
        there = replaced.setdefault(name, {})
        for slot in family(model).slots(model.model.diffusion_model):
            there[slot] = kind(there.get(slot, there.get(slot[:2])))
    return executor(*args, **kwargs)


class SamplingRun:
    """One sampling run: whose bindings they are, and the plans made for them."""

    def __init__(self, guider: Any) -> None:
        sampling = guider.model_patcher.get_model_object("model_sampling")
        entries = [entry for entries in guider.conds.values() for entry in entries]
        self._lengths = {entry["uuid"]: entry["cross_attn"].shape[1] for entry in entries if "cross_attn" in entry}
        self._bound: dict[UUID, Bound] = {}
        for entry in (entry for entry in entries if KEY in entry):
            if "area" in entry or entry.get("set_area_to_bounds"):
                raise Told(
                    "What comes from Regions fills the picture and takes no area of its own: take off the area, or give its "
                    "words a place with Region from Conditioning."
                )
            self._bound[entry["uuid"]] = Bound(entry[KEY], entry["cross_attn"].shape[1], sampling)
        self._step: tuple[Any, float] = (None, 0.0)

    def replaces(self) -> dict[str, "type[Cross] | type[Own]"]:
        """What has to be replaced in the model, by ComfyUI's name."""
        methods = [bound.binding.method for bound in self._bound.values()]
        return {**({"attn2": Cross} if methods else {}), **({"attn1": Own} if any(m.own for m in methods) else {})}

    def bound(self, extra: dict[str, Any]) -> list["Bound | None"]:
        """For each chunk of rows that is being computed the binding that acts at this step, if any."""
        found: list[Bound | None] = []
        sigma = self.sigma(extra)
        for uuid in extra["uuids"]:
            bound = self._bound.get(uuid)
            found.append(bound if bound and bound.acts(sigma, extra["sample_sigmas"]) else None)
        return found

    def length(self, extra: dict[str, Any]) -> int:
        """Tokens of a row as ComfyUI gives it to the model: it repeats those of each chunk to the least common multiple."""
        return math.lcm(*(self._lengths[uuid] for uuid in extra["uuids"]))

    def sigma(self, extra: dict[str, Any]) -> float:
        """The noise of this step; read from the device once per step."""
        if self._step[0] is not extra["sigmas"]:
            self._step = extra["sigmas"], extra["sigmas"][0].item()
        return self._step[1]


class Bound:
    """A binding in one sampling run.

    Args:
        length: tokens of its conditioning. Other nodes may have put more behind those of the binding; they act everywhere.
    """

    def __init__(self, binding: Binding, length: int, sampling: Any) -> None:
        self.binding, self.length, self._sampling = binding, length, sampling
        self._ranges = [
            (sampling.percent_to_sigma(start), sampling.percent_to_sigma(end))
            for start, end in zip(binding.starts, binding.ends, strict=True)
        ]
        self._plans: dict[tuple[Any, ...], RegionPlan] = {}
        self._noise: dict[float, float] = {}
        self._last: float | None = None
        if binding.heat:
            binding.heat.forget()

    def acts(self, sigma: float, schedule: torch.Tensor) -> bool:
        """Whether the method still acts; some do in the first share of the steps only."""
        if self._last is None:
            steps = math.ceil(self.binding.method.share * (len(schedule) - 1))
            self._last = schedule[steps - 1].item() if steps else math.inf
        return sigma >= self._last

    def split(self, total: int, given: int) -> "Split":
        """How the keys of a row are dealt out.

        Args:
            total: how many there are.
            given: tokens of the row as ComfyUI gives it to the model, see :meth:`SamplingRun.length`.

        Raises:
            Told: another patch has changed how many keys a token has.
        """
        tokens, length = self.binding.tokens, self.length
        if 2 * total == given and not any(count % 2 for count in (*tokens, length)):
            # NegPiP's tokens come in pairs, of which its patch takes the first as key, the second as value.
            return Split(tuple(count // 2 for count in tokens), length // 2, total)
        if total < given:
            raise Told(
                f"Another node's patch leaves {total} keys of {given} tokens, so that nobody knows whose they are. Take it off, or"
                " use an area method in Regions."
            )
        return Split(tokens, length, given)

    def plan(self, tokens: tuple[int, ...], sigma: float, height: int, width: int, device: torch.device) -> RegionPlan:
        """The plan for one resolution at one step; made once for all steps at which the same parts act.

        Args:
            tokens: of each part.
        """
        binding = self.binding
        active = tuple(end <= sigma <= start for start, end in self._ranges)
        key = (tokens, active, height, width, device)
        if key not in self._plans:
            weights = tuple(w if on else 0.0 for w, on in zip(binding.weights, active, strict=True))
            with kept():
                masks = resize(binding.masks.clone(), height, width).to(device)
                self._plans[key] = binding.method.plan(masks, tokens, weights)
        return self._plans[key]

    def noise(self, sigma: float) -> float:
        """Time step / 1000, found by halving: not every kind of sampling numbers its steps to 1000."""
        if sigma not in self._noise:
            low, high = 0.0, 1.0
            for _ in range(12):
                middle = (low + high) / 2
                low, high = (middle, high) if self._sampling.percent_to_sigma(middle) > sigma else (low, middle)
            self._noise[sigma] = 1 - low
        return self._noise[sigma]


class Split(NamedTuple):
    """How the keys ``[B, K, C]`` of one conditioning are dealt out.

    Attributes:
        tokens: of each part.
        length: those of its conditioning; what comes behind those of the parts acts everywhere.
        given: with the repetitions that ComfyUI makes for rows with longer texts. What a patch has put behind acts everywhere.
    """

    tokens: tuple[int, ...]
    length: int
    given: int

    def own(self, keys: torch.Tensor) -> torch.Tensor:
        """The keys without the repetitions."""
        own = keys[:, : self.length]
        return torch.cat([own, keys[:, self.given :]], 1) if keys.shape[1] > self.given else own


class Cross:
    """Cross attention (attn2) at one place of the model."""

    def __init__(self, before: Replacement | None) -> None:
        self.before = before

    def __call__(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, extra: dict[str, Any]) -> torch.Tensor:
        plain = self.before or _plain
        run: SamplingRun | None = extra.get(RUN)
        chunks = run.bound(extra) if run else [None]
        if run is None or not any(chunks):
            return plain(q, k, v, extra)
        height, width = extra["activations_shape"][2:]
        sigma, rows = run.sigma(extra), len(q) // len(chunks)
        # What was there before is asked for all rows at once: it tells them apart by their order.
        out = self.before(q, k, v, extra).clone() if self.before else torch.empty_like(q)
        for i, bound in enumerate(chunks):
            part = slice(i * rows, (i + 1) * rows)
            if bound is None:
                if not self.before:
                    out[part] = _plain(q[part], k[part], v[part], extra)
                continue
            split = bound.split(k.shape[1], run.length(extra))
            mine = q[part], split.own(k[part]), split.own(v[part])
            regional = self._regional(bound, split.tokens, *mine, extra, sigma, height, width)
            out[part] = out[part] + regional - _plain(*mine, extra) if self.before else regional
        return out

    def _regional(
        self,
        bound: Bound,
        tokens: tuple[int, ...],
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        extra: dict[str, Any],
        *step: Any,
    ) -> torch.Tensor:
        sigma, height, width = step
        plan, noise = bound.plan(tokens, sigma, height, width, q.device), bound.noise(sigma)
        q, k, v = (_split(t, extra["n_heads"]) for t in (q, k, v))
        if heat := bound.binding.heat:
            heat.add(share(plan, q, k, tokens, noise), height, width)
        return plan.cross(q, k, v, noise).transpose(1, 2).flatten(2)


class Own:
    """Self attention (attn1) at one place of the model."""

    def __init__(self, before: Replacement | None) -> None:
        self.before = before

    def __call__(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, extra: dict[str, Any]) -> torch.Tensor:
        out = (self.before or _plain)(q, k, v, extra)
        run: SamplingRun | None = extra.get(RUN)
        height, width = extra["activations_shape"][2:]
        if (
            run is None or q.shape[1] != height * width
        ):  # as with HyperTile and token merging, which cut up self attention
            return out
        sigma, chunks = run.sigma(extra), run.bound(extra)
        rows = len(q) // len(chunks)
        for i, bound in enumerate(chunks):
            if bound is None:
                continue
            part = slice(i * rows, (i + 1) * rows)
            plan = bound.plan(bound.binding.tokens, sigma, height, width, q.device)
            mine_q, mine_k, mine_v = (_split(t[part], extra["n_heads"]) for t in (q, k, v))
            mine = plan.own(mine_q, mine_k, mine_v, bound.noise(sigma))
            if mine is not None:
                mine = mine.transpose(1, 2).flatten(2)
                if self.before:
                    mine = out[part] + mine - _plain(q[part], k[part], v[part], extra)
                out = torch.cat([out[: part.start], mine, out[part.stop :]])
        return out


def _plain(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, extra: dict[str, Any]) -> torch.Tensor:
    attention = comfy.ldm.modules.attention.optimized_attention
    return attention(q, k, v, extra["n_heads"], attn_precision=extra["attn_precision"], transformer_options=extra)


def _split(t: torch.Tensor, heads: int) -> torch.Tensor:
    """``[B, N, heads * D]`` to ``[B, heads, N, D]``."""
    return torch.unflatten(t, 2, (heads, -1)).transpose(1, 2)
