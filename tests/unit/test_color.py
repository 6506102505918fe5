"""Colours are matched as the batch CLI and scikit-image define it; chains stay where they belong."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage import color as skimage_color
from skimage.exposure import match_histograms

from resonance.told import Told
from resonance.vary import color, lab
from resonance.vary.color import STATES, Anchored, Chain, Correction, Reference, match, match_all, match_lab

Floats = NDArray[np.float64]


def smooth(seed: int, height: int = 48, width: int = 40) -> torch.Tensor:
    """A picture ``[1, H, W, 3]`` without equal values."""
    draw = torch.Generator().manual_seed(seed)
    tint = torch.rand(3, generator=draw) * 0.4 + 0.2
    return (tint + 0.2 * torch.randn(1, height, width, 3, generator=draw)).clamp(0.02, 0.98)


def few_colours(seed: int, height: int = 48, width: int = 40) -> torch.Tensor:
    """A picture in which every value stands many times."""
    return (smooth(seed, height, width) * 6).round() / 6


def as_lab(image: torch.Tensor) -> torch.Tensor:
    return lab.to_lab(image[..., :3].reshape(-1, 3).contiguous())


def means(image: torch.Tensor) -> torch.Tensor:
    return as_lab(image).mean(1)


def by_the_spec(values: torch.Tensor, reference: torch.Tensor, how: Correction, count: int, strength: float) -> Floats:
    """Section 8 of the batch CLI's specification, word for word, with scikit-image's own matching."""
    blends = (how.l_blend, *2 * (strength if how.blend is None else how.blend,))
    boosts = (how.l_boost * (count if how.per_transform else 1), 0, 0)
    bounds = ((0, 100), (-150, 150), (-150, 150))
    found: list[Floats] = []
    for v, r, blend, boost, bound in zip(values.numpy(), reference.numpy(), blends, boosts, bounds, strict=True):
        v = (v + np.float32(boost)).clip(*bound).astype(np.float64)
        if blend < 1:
            for _ in range(how.repeats):
                v = blend * v + (1 - blend) * match_histograms(v, r.astype(np.float64))
        found.append(v)
    return np.stack(found)


@pytest.mark.parametrize("size", [1, 2, 15, 16, 17, 1000, 2 * lab.STRIP + 5])
def test_lab_is_that_of_scikit_image_and_leads_back(size: int) -> None:
    pixels = torch.rand(size, 3, generator=torch.Generator().manual_seed(size))
    pixels[0] = 0
    found = lab.to_lab(pixels)
    assert abs(found.numpy().T - skimage_color.rgb2lab(pixels.double().numpy())).max() < 1e-3
    torch.testing.assert_close(lab.to_rgb(found), pixels, atol=1e-4, rtol=0)


def test_colours_outside_the_gamut_are_clipped_and_do_not_wrap() -> None:
    wild = torch.tensor([[100.0, 120.0, -120.0], [0.0, -120.0, 120.0], [50.0, 0.0, 0.0]]).T
    assert lab.to_rgb(wild).min() >= 0
    assert lab.to_rgb(wild).max() <= 1


@pytest.mark.parametrize("size", [*range(2, 40), 1000, 1003, lab.STRIP + 7])
def test_equal_pixels_get_equal_values_wherever_they_stand(size: int) -> None:
    draw = torch.Generator().manual_seed(size)
    colours = torch.rand(9, 3, generator=draw)
    which = torch.randint(0, 9, (size,), generator=draw)
    found = lab.to_lab(colours[which])
    for one in which.unique():
        assert len(found[:, which == one].unique(dim=1).T) == 1


@pytest.mark.parametrize("picture", [smooth, few_colours])
@pytest.mark.parametrize("reference", [smooth, few_colours])
@pytest.mark.parametrize("other_size", [(48, 40), (31, 23), (64, 96)])
@pytest.mark.parametrize(
    "how", [*STATES.values(), Correction(), Correction(l_boost=-5, l_blend=0.3, blend=0.6, repeats=3)], ids=repr
)
def test_numbers_are_those_of_the_specification(
    picture: Callable[..., torch.Tensor],
    reference: Callable[..., torch.Tensor],
    other_size: tuple[int, int],
    how: Correction,
) -> None:
    values, other = as_lab(picture(1)), reference(2, *other_size)
    wanted = by_the_spec(values, as_lab(other), how, 3, 0.35)
    match_lab(values, Reference.of(other), how, 3, 0.35)
    assert abs(values.numpy() - wanted).max() < 1e-3


@pytest.mark.parametrize("picture", [smooth, few_colours])
@pytest.mark.parametrize("fair", [False, True])
def test_a_card_computes_the_same(picture: Callable[..., torch.Tensor], fair: bool) -> None:
    """The torch part of the maths, which a processor leaves to NumPy."""
    pixels = picture(1).view(-1, 3)
    there, back = torch.empty(len(pixels), 3), torch.empty(len(pixels), 3)
    lab._to_lab(torch, pixels, there)
    torch.testing.assert_close(there.T, lab.to_lab(pixels), atol=1e-3, rtol=0)
    lab._to_rgb(torch, there, back)
    torch.testing.assert_close(back, pixels, atol=1e-4, rtol=0)
    goal, ours, theirs = Reference.of(smooth(2)).values[1], there[:, 1].clone(), there[:, 1].numpy().copy()
    color._move(torch, ours, goal, *ours.sort(), 0.3, fair)
    color._move(np, theirs, goal.numpy(), *color._sorted(theirs), 0.3, fair)
    assert abs(ours.numpy() - theirs).max() < 1e-4


def test_adaptive_keeps_more_of_what_a_strong_transform_changed() -> None:
    image, reference = smooth(1), smooth(2)
    there = means(reference)[1:]
    away = [
        (means(match(image, Reference.of(reference), STATES["adaptive"], 1, strength))[1:] - there).norm()
        for strength in (0.1, 0.35, 0.8)
    ]
    assert away[0] < away[1] < away[2]


def test_lightness_rises_once_for_each_transform_or_once() -> None:
    image = smooth(1)
    for name, rise in {"S": 10, "85deaf5": 4, "20ed20c": 4, "adaptive": 4}.items():
        values = as_lab(image)
        match_lab(values, Reference.of(image), STATES[name], 4, 0.5)
        torch.testing.assert_close(values[0], (as_lab(image)[0] + rise).clamp(0, 100))


def test_a_mask_keeps_the_rest_and_its_colours_out() -> None:
    image, reference = smooth(1), smooth(2)
    mask = torch.zeros(48, 40)
    mask[:, :20] = 1
    found = match(image, Reference.of(reference), Correction(), mask=mask)
    assert torch.equal(found[:, :, 20:], image[:, :, 20:])
    alone = match(image[:, :, :20], Reference.of(reference), Correction())
    torch.testing.assert_close(found[:, :, :20], alone, atol=1e-5, rtol=0)
    half = match(image, Reference.of(reference), Correction(), mask=mask * 0.5)
    torch.testing.assert_close(half, (image + found) / 2, atol=1e-5, rtol=0)


def test_only_what_the_reference_mask_shows_is_the_reference() -> None:
    image, reference = smooth(1), smooth(2)
    mask = torch.zeros(24, 20)  # of another size
    mask[:12] = 1
    upper = Reference.of(reference, torch.ones(48, 40) * (torch.arange(48) < 24)[:, None])
    torch.testing.assert_close(
        match_all(
            image, reference, Correction(), reference_masks=mask[None].repeat_interleave(2, 1).repeat_interleave(2, 2)
        ),
        match(image, upper, Correction()),
    )
    assert Reference.of(reference, mask).values.shape[1] < reference[..., 0].numel()


def test_an_empty_mask_leaves_the_picture() -> None:
    image, nothing = smooth(1), torch.zeros(48, 40)
    assert torch.equal(match(image, Reference.of(smooth(2)), Correction(), mask=nothing), image)
    for how in (Anchored(), STATES["S"]):
        chain = Chain(smooth(2), how, nothing)
        assert torch.equal(chain.correct(image, 1, 0.5), image)
        chain.kept(image)
        assert torch.equal(chain.correct(image, 1, 0.5), image)


def test_an_empty_reference_mask_is_an_error() -> None:
    with pytest.raises(Told, match="The mask of the reference is empty"):
        match_all(smooth(1), smooth(2), Correction(), reference_masks=torch.zeros(1, 48, 40))


def test_alpha_is_kept_and_grey_becomes_colour() -> None:
    alpha = torch.rand(1, 48, 40, 1)
    image, reference = smooth(1), Reference.of(smooth(2))
    plain = match(image, reference, Correction())
    found = match(torch.cat([image, alpha], 3), reference, Correction())
    assert torch.equal(found, torch.cat([plain, alpha], 3))
    grey = match(image[..., :1], reference, Correction())
    assert grey.shape == (1, 48, 40, 3)
    assert torch.equal(grey, match(image[..., :1].expand(-1, -1, -1, 3), reference, Correction()))


def test_a_picture_or_a_reference_of_nan_is_an_error() -> None:
    broken = smooth(1)
    broken[0, 0, 0, 0] = torch.nan
    for images in ((broken, smooth(2)), (smooth(2), broken)):
        with pytest.raises(Told, match=r"holds no numbers \(NaN\), it would be black"):
            match_all(*images, Correction())


def test_infinite_pixels_count_as_black_and_wild_ones_as_clipped() -> None:
    image = smooth(1)
    image[0, 0, 0] = torch.tensor([torch.inf, torch.inf, -torch.inf])
    image[0, 0, 1] = torch.tensor([-1.0, 3.0, 0.5])
    sound = image.clone()
    sound[0, 0, 0] = 0
    sound.clamp_(0, 1)
    for how in (Correction(), Anchored()):
        found = match_all(image, smooth(2), how)
        assert torch.equal(found, match_all(sound, smooth(2), how))
        assert found.isfinite().all()


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (3, 1)])
@pytest.mark.parametrize("how", [*STATES.values(), Anchored(), Correction(l_blend=0)], ids=repr)
def test_tiny_pictures_and_single_colours_give_results(size: tuple[int, int], how: Correction | Anchored) -> None:
    tiny, plain = torch.full((1, *size, 3), 0.3), torch.full((1, 8, 8, 3), 0.7)
    for image, reference in ((tiny, smooth(1)), (smooth(1), tiny), (tiny, plain), (plain, tiny)):
        found = match_all(image, reference, how)
        assert found.shape == image.shape
        assert found.isfinite().all()


def test_a_single_coloured_reference_gives_its_colour() -> None:
    plain = torch.tensor([0.8, 0.4, 0.3]).expand(1, 8, 8, 3)
    found = match(smooth(1) * 0.2 + 0.4, Reference.of(plain), Correction(l_blend=0))
    torch.testing.assert_close(found, plain[:, :1, :1].expand_as(found), atol=1e-4, rtol=0)


@pytest.mark.parametrize("shape", [(0, 8, 8, 3), (1, 0, 8, 3), (1, 8, 0, 3)])
def test_an_empty_picture_is_an_error(shape: tuple[int, ...]) -> None:
    with pytest.raises(Told, match="There is no picture"):
        match_all(torch.zeros(shape), smooth(1), Correction())
    with pytest.raises(Told, match="There is no picture"):
        match_all(smooth(1), torch.zeros(shape), Correction())


def test_an_empty_mask_tensor_is_an_error() -> None:
    for shape in ((1, 0, 8), (0, 8, 8)):
        with pytest.raises(Told, match="Expected masks for the pictures, got empty ones"):
            match_all(smooth(1), smooth(2), Correction(), masks=torch.zeros(shape))


def test_pictures_of_unknown_channels_are_an_error() -> None:
    with pytest.raises(Told, match=r"got the shape \[1, 8, 8, 2\]"):
        match_all(torch.zeros(1, 8, 8, 2), smooth(1), Correction())


def test_each_picture_of_a_batch_has_its_reference_and_mask() -> None:
    images, references = torch.cat([smooth(1), smooth(2)]), torch.cat([smooth(3), smooth(4)])
    masks = torch.stack([torch.ones(48, 40), torch.zeros(48, 40)])
    found = match_all(images, references, Correction(), masks=masks)
    assert torch.equal(found[0], match_all(images[:1], references[:1], Correction())[0])
    assert torch.equal(found[1], images[1])
    with pytest.raises(Told, match=r"Expected one reference or as many as pictures, 2; got 4\."):
        match_all(images, torch.cat([references, references]), Correction())
    with pytest.raises(Told, match=r"Expected one mask or as many as pictures, 2; got 3\."):
        match_all(images, references, Correction(), masks=torch.ones(3, 8, 8))
    with pytest.raises(Told, match="An anchored chain has one reference"):
        match_all(images, references, Anchored())


def test_the_picture_that_came_in_is_not_changed() -> None:
    image, reference = smooth(1), smooth(2)
    before = image.clone(), reference.clone()
    for how in (STATES["adaptive"], Anchored()):
        match_all(image, reference, how, masks=torch.ones(1, 48, 40))
    assert torch.equal(image, before[0])
    assert torch.equal(reference, before[1])


CAST = torch.tensor([-1.5, 2.0, -1.0])
"""What every step of a chain adds to L, a and b."""


def steps(
    how: Anchored | None, first: torch.Tensor, count: int, other: torch.Tensor | None = None
) -> list[torch.Tensor]:
    """Means of a chain in which each result has a cast, or moves half way to another picture."""
    picture, found = first, [means(first)]
    chain = Chain(first, how) if how else None
    for _ in range(count):
        values = as_lab(picture)
        values = values + CAST[:, None] if other is None else values.lerp(as_lab(other), 0.5)
        picture = lab.to_rgb(values).view_as(first)
        if chain:
            picture = chain.correct(picture, 1, 0.5)
            chain.kept(picture)
        found.append(means(picture))
    return found


def pale(seed: int) -> torch.Tensor:
    """A picture far from the borders of the gamut, which would hide a cast."""
    return 0.5 + 0.15 * (smooth(seed) - 0.4)


def test_an_anchored_chain_settles_where_the_formula_says() -> None:
    how = Anchored()
    kept = how.blend**how.repeats
    found = steps(how, pale(1), 200)
    bound = kept * CAST / ((1 - kept) * how.anchor)
    torch.testing.assert_close(found[-1] - found[0], bound, atol=0.05, rtol=0)
    for mean in found:
        assert ((mean - found[0]).abs() < bound.abs() + 0.1).all()
    assert (steps(None, pale(1), 50)[-1] - found[0])[1:].norm() > 20


def test_the_anchor_holds_and_smoothing_slows() -> None:
    def away(step: int, **settings: float) -> float:
        found = steps(Anchored(**settings), pale(1), step)  # pyright: ignore[reportArgumentType]
        return (found[-1] - found[0])[1:].norm().item()

    assert away(30, anchor=1.0) < away(30, anchor=0.3) < away(30, anchor=0.1)
    assert away(10, smoothing=0.95) < away(10, smoothing=0.8) < away(10, smoothing=0.2)
    assert away(100, anchor=0.0) > 5 * away(100)


def test_a_loosely_anchored_chain_follows_what_really_changes() -> None:
    first, goal = pale(1), pale(7)
    near = [
        (steps(Anchored(anchor=anchor), first, 40, goal)[-1] - means(goal))[1:].norm().item()
        for anchor in (1.0, 0.3, 0.05)
    ]
    assert near[0] > near[1] > near[2]


def test_flat_pictures_do_not_drift_when_their_ties_break() -> None:
    first = (
        torch.tensor([[0.7, 0.4, 0.4], [0.4, 0.6, 0.5]]).repeat_interleave(24, 0)[None, :, None].expand(1, 48, 40, 3)
    )
    chain = Chain(first, Anchored())
    draw = torch.Generator().manual_seed(3)
    picture = first
    for number in range(30):
        noise = 0.01 * torch.randn(picture.shape, generator=draw) if number % 2 else torch.zeros(())
        picture = chain.correct((picture + noise).clamp(0, 1), 1, 0.5)
        chain.kept(picture)
        assert (means(picture) - means(first)).abs().max() < 0.5


def test_a_chain_goes_on_in_another_size() -> None:
    chain = Chain(smooth(1), Anchored())
    for size in ((24, 20), (48, 40), (7, 5)):
        found = chain.correct(smooth(2, *size), 1, 0.5)
        assert found.shape == (1, *size, 3)
        assert ((means(found) - means(smooth(1)))[1:].abs() < 3).all()
        chain.kept(found)


def test_anchored_lightness_moves_as_a_whole() -> None:
    values = as_lab(pale(1))[0]
    found = as_lab(Chain(pale(2) + 0.1, Anchored()).correct(pale(1), 1, 0.5))[0]
    shift = found - values
    assert shift.max() - shift.min() < 0.01
    assert shift.mean() > 3


def test_a_batch_is_one_anchored_chain() -> None:
    images, how = torch.cat([pale(n) for n in (2, 3, 4)]), Anchored()
    chain, wanted = Chain(pale(1), how), list[torch.Tensor]()
    for image in images:
        wanted.append(chain.correct(image[None], 1, 0.5))
        chain.kept(wanted[-1])
    assert torch.equal(match_all(images, pale(1), how), torch.cat(wanted))
    assert not any(torch.equal(a, b) for a, b in pairwise(wanted))
