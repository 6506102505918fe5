"""Words bound to places, as the processor of one attention call: which rows read what, and what stands around it."""

from collections.abc import Sequence
from uuid import uuid4

import pytest
import torch

from resonance.attention.binding import BindingProcessor, Bound
from resonance.attention.capture import HeatProcessor
from resonance.attention.heat import Heat
from resonance.attention.method import AttentionMethod
from resonance.attention.methods.couple import AttentionCouple
from resonance.attention.methods.omost import OmostDense
from resonance.attention.methods.paper import DenseDiffusion
from resonance.attention.parts import KEY, Binding, Part, bind, joined
from resonance.attention.site import FUSED, Acts, Attend, Call, Entry, Layout, Row, Site
from resonance.told import Told

METHODS = (AttentionCouple(), OmostDense(), DenseDiffusion(fade=0))
LEFT = torch.cat([torch.ones(90, 45), torch.zeros(90, 45)], 1)
GRID = (4, 6)
SIGMAS = [14.0, 8.0, 3.0, 1.0, 0.0]


def sigma_at(percent: float) -> float:
    return 14 * (1 - percent)


class Noting:
    """An attention that notes for how many rows, queries and keys it was asked."""

    foreign = True

    def __init__(self, calls: list[tuple[int, int, int]], rows: int = 0) -> None:
        self.calls, self.rows = calls, rows

    def upcasts(self, dtype: torch.dtype) -> bool:
        return False

    def __call__(
        self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, bias: torch.Tensor | None = None
    ) -> torch.Tensor:
        self.calls.append((len(q), q.shape[2], k.shape[2]))
        return FUSED(q, k, v, bias)

    def of(self, rows: Sequence[Row]) -> Attend:
        return Noting(self.calls, len(rows))


def words(value: float, tokens: int = 77) -> list[object]:
    torch.manual_seed(int(value))
    return [[torch.randn(1, tokens, 8), {}]]


def binding(method: AttentionMethod = METHODS[0], heat: Heat | None = None, **part: float) -> Binding:
    [[_, values]] = bind(words(0), [Part("a", words(1), LEFT, **part)], method, heat=heat)
    return values[KEY]


def bound(method: AttentionMethod = METHODS[0], filled: int = 154, **part: float) -> Bound:
    return Bound(binding(method, **part), (77, 77), filled, sigma_at, SIGMAS)


ENTRIES = tuple(Entry(uuid4(), kind, Acts()) for kind in ("positive", "negative"))


def site(calls: list[tuple[int, int, int]], tokens: int = 154, batch: int = 2, sigma: float = 14.0) -> Site:
    rows = tuple(Row(entry, slice(i * batch, (i + 1) * batch)) for i, entry in enumerate(ENTRIES))
    call = Call(rows, sigma, sigma / 14, tokens)
    return Site("cross", ("input", 1, 0), 0, GRID, Layout(slice(0, 24), slice(0, tokens)), call, Noting(calls))


def tensors(tokens: int = 154, rows: int = 4) -> tuple[torch.Tensor, ...]:
    torch.manual_seed(5)
    return tuple(torch.randn(rows, 2, n, 8) for n in (24, tokens, tokens))


def processor(**of: Bound) -> BindingProcessor:
    return BindingProcessor({entry.uuid: of[entry.kind] for entry in ENTRIES if entry.kind in of})


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_each_row_reads_its_own_words_through_the_attention_of_the_user(method: AttentionMethod):
    calls: list[tuple[int, int, int]] = []
    where, (q, k, v) = site(calls), tensors()
    ours = bound(method)
    found = processor(positive=ours)(where, q, k, v, where.attend)
    plan = method.plan(torch.stack([torch.ones(GRID), LEFT[::23, ::15]]), (77, 77), (1.0, 1.0))
    assert torch.allclose(found[:2], plan.cross(q[:2], k[:2], v[:2], 1.0), atol=1e-5)
    assert torch.allclose(found[2:], FUSED(q[2:], k[2:], v[2:]), atol=1e-5)
    assert calls and {rows for rows, *_ in calls} == {2}  # whole batches of one entry


def test_what_another_pack_adds_is_added_to_ours_and_it_is_asked_once_for_all():
    calls: list[tuple[int, int, int]] = []
    where, (q, k, v) = site(calls), tensors()
    asked: list[tuple[int, ...]] = []

    def foreign(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        asked.append(tuple(q.shape))
        return FUSED(q, k, v) + 3

    alone = processor(positive=bound())(where, q, k, v, where.attend)
    found = processor(positive=bound())(where, q, k, v, foreign)
    assert asked == [tuple(q.shape)]
    assert torch.allclose(found, alone + 3, atol=1e-5)


def test_what_is_filled_in_is_read_by_nobody():
    where, (q, k, v) = site([], 7 * 77), tensors(7 * 77)
    filled = Bound(None, (77,), 7 * 77, sigma_at, SIGMAS)
    found = processor(negative=filled)(where, q, k, v, where.attend)
    assert torch.allclose(found[2:], FUSED(q[2:], k[2:, :, :77], v[2:, :, :77]), atol=1e-5)


def test_nothing_is_computed_of_what_is_filled_in():
    call = site([], 7 * 77).call
    both = processor(positive=bound(filled=7 * 77), negative=Bound(None, (77,), 7 * 77, sigma_at, SIGMAS))
    x, weight = torch.randn(4, 7 * 77, 8), torch.randn(6, 8)
    x[:2, 154:], x[2:, 77:] = 0, 0
    unfilled = both.unfilled(call)
    gathered = unfilled.gather(x)
    assert both.fills and gathered.shape == (2 * 154 + 2 * 77, 8)
    assert torch.allclose(unfilled.spread(gathered @ weight.T), x @ weight.T, atol=1e-5)


def test_what_comfyui_repeats_is_read_as_it_would_be():
    where, (q, k, v) = site([], 308), tensors(308)
    found = processor(negative=Bound(None, (154,), 154, sigma_at, SIGMAS))(where, q, k, v, where.attend)
    assert torch.allclose(found, FUSED(q, k, v), atol=1e-5)


@pytest.mark.parametrize(
    ("total", "given", "tokens", "own"),
    [
        (154, 154, (77, 77), 154),
        (308, 308, (77, 77), 154),  # ComfyUI's repetition
        (231, 154, (77, 77), 231),  # 77 put behind by a patch
        (385, 308, (77, 77), 231),
    ],
)
def test_keys_are_dealt_out(total: int, given: int, tokens: tuple[int, ...], own: int):
    split = bound().split(total, given)
    assert split.tokens == tokens and split.own(torch.zeros(1, 1, total, 4)).shape[2] == own


def test_keys_that_come_in_pairs_are_dealt_out():
    pairs = Bound(binding(), (154, 154), 308, sigma_at, SIGMAS)
    assert pairs.split(154, 308) == ((77, 77), 154, 154)
    with pytest.raises(Told, match="leaves 100 keys of 308 tokens"):
        pairs.split(100, 308)


def test_a_method_acts_in_its_share_of_the_steps():
    early = bound(DenseDiffusion(share=0.5))
    assert [early.acts(sigma) for sigma in SIGMAS[:-1]] == [True, True, False, False]
    assert not bound(DenseDiffusion(share=0.0)).acts(14.0)
    assert not Bound(None, (77,), 77, sigma_at, SIGMAS).acts(14.0)


def test_a_plan_is_made_once_for_the_steps_at_which_the_same_parts_act():
    ours = bound(start=0.5)
    plans = [ours.plan((77, 77), sigma, GRID, torch.device("cpu")) for sigma in (14.0, 8.0, 3.0, 1.0)]
    assert plans[0] is plans[1] and plans[2] is plans[3] and plans[1] is not plans[2]


def test_heat_notes_where_words_act_and_lets_the_call_through():
    heat = Heat(6)
    ours = Bound(binding(heat=heat), (77, 77), 154, sigma_at, SIGMAS, heat)
    where, (q, k, v) = site([]), tensors()
    found = HeatProcessor(processor(positive=ours))(where, q, k, v, where.attend)
    assert torch.allclose(found, FUSED(q, k, v), atol=1e-5)
    maps = heat.maps()
    assert maps is not None and maps.shape == (2, 2, 4, 6)
    assert maps[:, 1, :, :3].mean() > 0.5 and maps[:, 1, :, 3:].max() == 0


def test_parts_stand_beside_the_words_that_they_were_bound_to():
    ours = binding()
    base = ours.base
    assert base is not None
    assert ours.stands(base) and ours.stands(base.clone())
    assert ours.stands(torch.cat([base, torch.ones(1, 77, 8)], 1))
    assert not ours.stands(torch.zeros_like(base))
    with pytest.raises(Told, match="Another node has changed the words"):
        ours.stands(base * 0.5)
    with pytest.raises(Told, match="Another node has changed the words"):
        ours.stands(torch.ones(1, 77, 16))


def test_a_base_of_nothing_is_not_taken_for_words_that_were_made_nothing():
    [[tokens, values]] = bind([[torch.zeros(1, 77, 8), {}]], [Part("a", words(1), LEFT)], METHODS[0])
    assert values[KEY].stands(tokens)


def test_what_several_refuse_is_refused_once_each():
    one, other = binding(), binding(weight=0.5)
    assert joined([]) is None and joined([one, one]) is one
    both = joined([one, other, one])
    assert both is not None and len(both.parts) == 2
    assert both.masks.shape == (3, 90, 90) and both.weights == (1.0, 1.0, 0.5)


def test_a_model_that_is_given_the_guard_is_refused():
    [[_, values]] = bind([[torch.zeros(1, 77, 8), {"model_conds": {"x": 1}}]], [Part("a", words(1), LEFT)], METHODS[0])
    assert values["model_conds"]["x"] == 1
    with pytest.raises(Told, match="connect the model output of the node"):
        values["model_conds"][KEY].process_cond(batch_size=1, area=None)
