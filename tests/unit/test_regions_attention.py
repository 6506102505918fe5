"""Each method against its formula, written out in double precision with the whole score matrix."""

import math

import pytest
import torch

from resonance.attention.method import AttentionMethod, kept, share
from resonance.attention.methods import omost as dense
from resonance.attention.methods import paper
from resonance.attention.methods.couple import AttentionCouple
from resonance.attention.methods.omost import OmostDense
from resonance.attention.methods.paper import DenseDiffusion
from resonance.attention.site import Fused

NOISE = 0.9
METHODS = (AttentionCouple(), OmostDense(), DenseDiffusion(sizereg=0.7))


def scores(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    return q.double() @ k.double().transpose(2, 3) / math.sqrt(q.shape[3])


def whose(tokens: tuple[int, ...], total: int) -> torch.Tensor:
    return torch.tensor([part for part, n in enumerate(tokens) for _ in range(n)] + [0] * (total - sum(tokens)))


def segments(masks: torch.Tensor, weights: tuple[float, ...]) -> torch.Tensor:
    segment = torch.zeros(masks[0].numel(), dtype=torch.long)
    for part, weight in enumerate(weights):
        if weight:
            segment[masks[part].flatten() > 0.5] = part
    return segment


def couple_weights(
    method: AttentionCouple, s: torch.Tensor, masks: torch.Tensor, owner: torch.Tensor, weights: tuple[float, ...]
):
    """Attention weights ``[B, H, N, K]``, as for all of these."""
    m = masks.flatten(1).double()
    acting = [part for part in range(1, len(m)) if weights[part]]
    covered = m[acting].sum(0)
    speaks = {part: weights[part] * m[part] for part in acting}
    speaks[0] = weights[0] * torch.maximum(torch.full_like(covered, method.base_weight), 1 - covered)
    total = sum(speaks.values())
    out = torch.zeros_like(s)
    for part, loud in speaks.items():
        own = owner == part
        out[..., own] = (loud / total)[:, None] * s[..., own].softmax(-1)
    return out


def omost_weights(
    method: OmostDense, s: torch.Tensor, masks: torch.Tensor, owner: torch.Tensor, weights: tuple[float, ...]
):
    m = masks.flatten(1).double()
    sees = m > 0.5
    for part, weight in enumerate(weights):
        if weight == 0:
            sees[part] = False
    sees[0] |= ~sees.any(0)
    scale = torch.tensor(
        [len(m[0]) / float(row.sum()) * w if row.sum() else 1.0 for row, w in zip(m, weights, strict=True)]
    )
    s = s * scale.double()[owner]
    return s.masked_fill(~sees[owner].T, -math.inf).softmax(-1)


def pushed(s: torch.Tensor, belongs: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    highest, lowest = s.max(-1, keepdim=True).values, s.min(-1, keepdim=True).values
    return s + c[:, None] * torch.where(belongs, highest - s, lowest - s)


def paper_weights(
    method: DenseDiffusion, s: torch.Tensor, masks: torch.Tensor, owner: torch.Tensor, weights: tuple[float, ...]
):
    segment = segments(masks, weights)
    size = torch.tensor([(segment == part).double().mean() for part in range(len(masks))])[segment]
    c = (1 - method.sizereg * size) * method.creg * NOISE**method.fade * torch.tensor(weights).double()[segment]
    kept = torch.tensor(weights)[owner] > 0
    if len(owner[kept].unique()) == 1:  # the base alone: nothing to be pushed away from
        c = 0 * c
    out = torch.zeros_like(s)
    out[..., kept] = pushed(s[..., kept], segment[:, None] == owner[kept], c.clamp(max=1)).softmax(-1)
    return out


FORMULAS = {AttentionCouple: couple_weights, OmostDense: omost_weights, DenseDiffusion: paper_weights}


def layout(seed: int, parts: int, height: int, width: int, kind: str) -> torch.Tensor:
    """Random masks ``[parts + 1, height, width]``, the base first."""
    random = torch.Generator().manual_seed(seed)
    masks = torch.zeros(parts + 1, height, width)
    masks[0] = 1
    for mask in masks[1:]:
        if kind == "speckled":
            mask.copy_((torch.rand(height, width, generator=random) > 0.6).float())
            continue
        (top, bottom), (left, right) = (
            sorted(torch.randint(0, n + 1, (2,), generator=random).tolist()) for n in (height, width)
        )
        mask[top : bottom + 1, left : right + 1] = 1
        if kind == "soft":
            mask.mul_(torch.rand(height, width, generator=random))
    return masks


def tensors(
    pixels: int, total: int, batch: int = 2, heads: int = 3, width: int = 8, dtype: torch.dtype = torch.float32
):
    """q, k, v as models hold them: views of ``[B, N, H * D]``."""
    torch.manual_seed(1)
    return tuple(
        torch.randn(batch, n, heads * width).to(dtype).unflatten(2, (heads, width)).transpose(1, 2)
        for n in (pixels, total, total)
    )


def expected(method: AttentionMethod, q, k, v, masks, tokens, weights) -> torch.Tensor:
    formula = FORMULAS[type(method)]
    return formula(method, scores(q, k), masks, whose(tokens, k.shape[2]), weights) @ v.double()


CASES = {
    "boxes": (layout(0, 3, 12, 16, "boxes"), (77, 231, 154, 77), (1.0, 1.0, 1.0, 1.0), 0),
    "many boxes": (layout(1, 6, 16, 12, "boxes"), (77,) * 7, (1.0, 0.5, 2.0, 1.0, 1.0, 1.5, 1.0), 0),
    "soft": (layout(2, 4, 10, 10, "soft"), (77, 154, 77, 231, 154), (1.0, 1.0, 0.5, 2.0, 1.0), 0),
    "speckled": (layout(3, 5, 16, 16, "speckled"), (77,) * 6, (1.0,) * 6, 0),
    "weights": (layout(4, 3, 12, 12, "boxes"), (154, 77, 77, 231), (1.0, 0.0, 0.5, 2.0), 0),
    "all but the base off": (layout(4, 3, 12, 12, "boxes"), (154, 77, 77, 231), (1.0, 0.0, 0.0, 0.0), 0),
    "more keys than tokens": (layout(5, 3, 12, 8, "boxes"), (77, 231, 154, 77), (1.0, 0.0, 1.0, 2.0), 5),
    "vanished": (
        torch.cat([torch.ones(1, 8, 8), torch.zeros(1, 8, 8), torch.full((1, 8, 8), 0.3)]),
        (77,) * 3,
        (1.0,) * 3,
        0,
    ),
    "one pixel": (torch.ones(2, 1, 1), (77, 77), (1.0, 1.0), 0),
}


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
@pytest.mark.parametrize("case", CASES)
def test_a_method_gives_what_its_formula_gives(method: AttentionMethod, case: str):
    masks, tokens, weights, extra = CASES[case]
    q, k, v = tensors(masks[0].numel(), sum(tokens) + extra)
    before = [t.clone() for t in (q, k, v, masks)]
    plan = method.plan(masks, tokens, weights)
    for _ in range(2):  # a plan is used by many layers
        assert torch.allclose(
            plan.cross(q, k, v, NOISE).double(), expected(method, q, k, v, masks, tokens, weights), atol=1e-5
        )
    assert all(torch.equal(a, b) for a, b in zip((q, k, v, masks), before, strict=True))


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_one_plan_serves_layers_of_other_widths_and_lengths(method: AttentionMethod):
    masks, tokens, weights, _ = CASES["boxes"]
    plan = method.plan(masks, tokens, weights)
    for extra, batch, heads, width in ((0, 1, 1, 4), (3, 2, 4, 16), (0, 3, 8, 40)):
        q, k, v = tensors(masks[0].numel(), sum(tokens) + extra, batch, heads, width)
        found = plan.cross(q, k, v, NOISE).double()
        assert torch.allclose(found, expected(method, q, k, v, masks, tokens, weights), atol=1e-4)


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 6e-2), (torch.float16, 1e-2)], ids=str)
def test_half_precision_stays_close(method: AttentionMethod, dtype: torch.dtype, tolerance: float):
    masks, tokens, weights, _ = CASES["weights"]
    q, k, v = tensors(masks[0].numel(), sum(tokens), dtype=dtype)
    found = method.plan(masks, tokens, weights).cross(q, k, v, NOISE)
    assert found.dtype == dtype
    assert (found.double() - expected(method, q, k, v, masks, tokens, weights)).abs().max() < tolerance


def test_a_dot_of_a_region_does_not_overflow_half_precision():
    masks = torch.zeros(2, 128, 128)
    masks[0], masks[1, 5, 5] = 1, 1
    q, k, v = tensors(128 * 128, 154, 1, 1, dtype=torch.float16)
    k = 2 * k
    assert (k.abs().max() * 128 * 128).isinf()
    assert OmostDense().plan(masks, (77, 77), (1.0, 1.0)).cross(q, k, v, NOISE).isfinite().all()


def plain(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    return (scores(q, k).softmax(-1) @ v.double()).float()


@pytest.mark.parametrize("method", (OmostDense(), DenseDiffusion()), ids=lambda m: m.name)
def test_one_region_everywhere_is_plain_attention(method: AttentionMethod):
    q, k, v = tensors(64, 154 + 77)
    plan = method.plan(torch.ones(2, 8, 8), (77, 154), (1.0, 1.0))
    assert torch.allclose(plan.cross(q, k, v, NOISE), plain(q, k, v), atol=1e-5)
    assert plan.own(q, q, q, NOISE) is None


def test_a_couple_of_one_region_everywhere_is_plain_attention_to_its_words():
    q, k, v = tensors(64, 154 + 77)
    plan = AttentionCouple(base_weight=0).plan(torch.ones(2, 8, 8), (77, 154), (1.0, 1.0))
    assert torch.allclose(plan.cross(q, k, v, NOISE), plain(q, k[:, :, 77:], v[:, :, 77:]), atol=1e-5)


@pytest.mark.parametrize("method", (*METHODS, DenseDiffusion(sizereg=0.0)), ids=str)
def test_the_base_alone_is_plain_attention(method: AttentionMethod):
    q, k, v = tensors(64, 80)
    plan = method.plan(torch.ones(1, 8, 8), (77,), (1.0,))
    assert torch.allclose(plan.cross(q, k, v, NOISE), plain(q, k, v), atol=1e-5)
    assert plan.own(q, q, q, NOISE) is None


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_no_word_at_all_leaves_the_base(method: AttentionMethod):
    q, k, v = tensors(64, 154)
    found = method.plan(torch.ones(2, 8, 8), (77, 77), (0.0, 0.0)).cross(q, k, v, NOISE)
    assert torch.allclose(found, plain(q, k[:, :, :77], v[:, :, :77]), atol=1e-5)


@pytest.mark.parametrize("chunk", [1, 1000, 10**6])
def test_self_attention_is_pushed_towards_the_own_segment(chunk: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(paper, "CHUNK", chunk)
    masks, tokens, weights, _ = CASES["many boxes"]
    q, k, v = tensors(masks[0].numel(), masks[0].numel())
    method = DenseDiffusion(sreg=0.8)
    segment = segments(masks, weights)
    size = torch.tensor([(segment == part).double().mean() for part in range(len(masks))])[segment]
    c = (1 - size) * 0.8 * NOISE**5 * torch.tensor(weights).double()[segment]
    naive = pushed(scores(q, k), segment[:, None] == segment, c.clamp(max=1)).softmax(-1) @ v.double()
    found = method.plan(masks, tokens, weights).own(q, k, v, NOISE)
    assert found is not None and torch.allclose(found.double(), naive, atol=1e-5)


# Scores 2, 1, 0 and 4 for each of four pixels. Highest and lowest are 4 and 0 also where the lowest itself is raised.
BY_HAND = {
    # Keys 0 and 1 are the base's, 2 and 3 the region's, which is the last pixel. Pushed by 1 - 3/4 and by 1 - 1/4,
    "cross": ("cross", 1.0, ([2.5, 1.75, 0, 3],) * 3 + ([0.5, 0.25, 3, 4],)),
    # and half as hard by half the noise.
    "cross, less noise": ("cross", 0.5, ([2.25, 1.375, 0, 3.5],) * 3 + ([1.25, 0.625, 1.5, 4],)),
    # Keys are pixels: three of the base and one of the region. Pushed by 0.8 times as much.
    "self": ("own", 1.0, ([2.4, 1.6, 0.8, 3.2],) * 3 + ([0.8, 0.4, 0, 4],)),
    "self, two and two": ("own", 1.0, ([2.8, 2.2, 0, 2.4],) * 2 + ([1.2, 0.6, 1.6, 4],) * 2),
}


@pytest.mark.parametrize("case", BY_HAND)
def test_the_paper_pushes_as_worked_out_by_hand(case: str):
    where, noise, wanted = BY_HAND[case]
    masks = torch.ones(2, 1, 4)
    masks[1] = torch.tensor([0, 0, "two" in case, 1])
    q, k = torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4)
    q[..., 0], k[..., 0] = 2, torch.tensor([2.0, 1, 0, 4])
    plan = DenseDiffusion(sreg=0.8, fade=1.0).plan(masks, (2, 2), (1.0, 1.0))
    found = getattr(plan, where)(q, k, torch.eye(4)[None, None], noise)
    assert torch.allclose(found[0, 0], torch.tensor(wanted).softmax(-1), atol=1e-6)


def test_without_noise_the_paper_leaves_attention_alone():
    masks, tokens, weights, _ = CASES["boxes"]
    q, k, v = tensors(masks[0].numel(), sum(tokens))
    plan = DenseDiffusion().plan(masks, tokens, weights)
    assert torch.allclose(plan.cross(q, k, v, 0.1), plain(q, k, v), atol=1e-5)
    assert plan.own(q, q, q, 0.1) is None


def test_soft_edges_blend_without_a_step():
    masks = torch.stack([torch.ones(1, 101), torch.linspace(0, 1, 101)[None]])
    q = torch.zeros(1, 1, 101, 8)
    k, v = torch.zeros(1, 1, 154, 8), torch.cat([torch.zeros(1, 1, 77, 8), torch.ones(1, 1, 77, 8)], 2)
    for base in (0.0, 0.2):
        got = AttentionCouple(base).plan(masks, (77, 77), (1.0, 1.0)).cross(q, k, v, NOISE)[0, 0, :, 0]
        assert got[0] == 0 and got[-1] == pytest.approx(1 / (1 + base))
        assert 0 < got.diff().max() < 0.011


@pytest.mark.parametrize("call", [0.0, 1e3, 1e12], ids=["each cell alone", "some together", "all under one mask"])
@pytest.mark.parametrize("case", ["many boxes", "speckled", "more keys than tokens", "weights"])
def test_how_cells_are_put_together_changes_nothing(call: float, case: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dense, "overhead", lambda q: (call, call / 100))
    masks, tokens, weights, extra = CASES[case]
    q, k, v = tensors(masks[0].numel(), sum(tokens) + extra)
    found = OmostDense().plan(masks, tokens, weights).cross(q, k, v, NOISE).double()
    assert torch.allclose(found, expected(OmostDense(), q, k, v, masks, tokens, weights), atol=1e-5)


def test_small_cells_go_together_and_all_of_them_where_calls_are_dear():
    cells = [
        dense.Cell(torch.arange(n), frozenset(parts))
        for n, parts in ((2, (0, 1)), (3, (0, 2)), (900, (0,)), (1000, (0, 3)))
    ]
    assert dense.together(cells, (100,) * 4, call=1e3, key=10) == 2
    assert dense.together(cells, (100,) * 4, call=0, key=0) == 0
    assert dense.together(cells, (100,) * 4, call=1e9, key=0) == 4


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
@pytest.mark.parametrize("case", ["boxes", "soft", "many boxes", "more keys than tokens"])
def test_the_share_of_a_part_is_the_probability_of_its_tokens(method: AttentionMethod, case: str):
    masks, tokens, weights, extra = CASES[case]
    q, k, _ = tensors(masks[0].numel(), sum(tokens) + extra, width=4)  # narrower than there are parts, too
    probability = FORMULAS[type(method)](method, scores(q, k), masks, whose(tokens, k.shape[2]), weights).mean(1)
    found = share(method.plan(masks, tokens, weights), q, k, tokens, NOISE)
    assert found.shape == (2, masks[0].numel(), len(tokens))
    begin = 0
    for part, count in enumerate(tokens):
        words = [begin + i for i in range(count) if i % 77]
        assert torch.allclose(found[..., part].double(), probability[..., words].sum(-1), atol=1e-5)
        begin += count
    assert found.sum(-1).max() <= 1 + 1e-5


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_a_gradient_goes_through_a_plan_that_has_sampled(method: AttentionMethod):
    """ComfyUI samples in inference mode, in which a tensor that is kept would break it."""
    masks, tokens, weights, _ = CASES["boxes"]
    pixels = masks[0].numel()
    q, k, v = tensors(pixels, sum(tokens))
    own = tensors(pixels, pixels)
    with torch.inference_mode():
        with kept():
            plan = method.plan(masks, tokens, weights)
        plan.cross(q, k, v, NOISE)
        plan.own(*own, NOISE)
    for inputs, run in (((q, k, v), plan.cross), (own, plan.own)):
        leaves = [t.detach().clone().requires_grad_() for t in inputs]
        found = run(*leaves, NOISE)
        if found is not None:
            found.square().sum().backward()
            for leaf in leaves:
                assert leaf.grad is not None and leaf.grad.isfinite().all() and leaf.grad.abs().sum() > 0
            with torch.no_grad():
                assert torch.allclose(found, run(*inputs, NOISE), atol=1e-5)


class Upcasting(Fused):
    """Attention that has to compute scores in single precision, as Stable Diffusion 2 needs it."""

    def upcasts(self, dtype: torch.dtype) -> bool:
        return True


class Foreign(Fused):
    """Another pack's attention, through which all has to go."""

    foreign = True
    calls = 0

    def __call__(
        self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, bias: torch.Tensor | None = None
    ) -> torch.Tensor:
        self.calls += 1
        return super().__call__(q, k, v, bias)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_through_another_packs_attention_a_method_gives_the_same(method: AttentionMethod, case: str):
    masks, tokens, weights, extra = CASES[case]
    q, k, v = tensors(masks[0].numel(), sum(tokens) + extra)
    plan, foreign = method.plan(masks, tokens, weights), Foreign()
    assert torch.allclose(plan.cross(q, k, v, NOISE, foreign), plan.cross(q, k, v, NOISE), atol=1e-5)
    assert foreign.calls
    own = tensors(masks[0].numel(), masks[0].numel())
    one, other = plan.own(*own, NOISE, foreign), plan.own(*own, NOISE)
    assert one is other is None or torch.allclose(one, other, atol=1e-5)


def test_scores_that_overflow_half_precision_are_computed_in_single_where_asked_for():
    masks, tokens, weights, _ = CASES["boxes"]
    q, k, v = tensors(masks[0].numel(), sum(tokens), dtype=torch.float16)
    q, k = q * 300, k * 300
    plan = DenseDiffusion().plan(masks, tokens, weights)
    assert plan.cross(q, k, v, NOISE, Upcasting()).isfinite().all()
    assert not plan.cross(q, k, v, NOISE).isfinite().all()
