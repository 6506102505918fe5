import torch

from resonance.attention.area import coverage

MASKS = torch.tensor([[[1.0, 1, 1, 0]], [[0, 1, 1, 0]], [[0, 0, 0.5, 0]]])


def test_with_overlay_the_nearest_has_the_place():
    assert coverage(MASKS, "overlay").tolist() == [[[1, 0, 0, 0]], [[0, 1, 0.5, 0]], [[0, 0, 0.5, 0]]]


def test_with_average_those_that_overlap_share():
    shares = coverage(MASKS, "average")
    torch.testing.assert_close(
        shares, torch.tensor([[[1, 0.5, 0.4, 0]], [[0, 0.5, 0.4, 0]], [[0, 0, 0.2, 0]]]), rtol=1e-5, atol=1e-6
    )


def test_masks_are_left_as_they_were():
    before = MASKS.clone()
    coverage(MASKS, "overlay")
    coverage(MASKS, "average")
    assert torch.equal(MASKS, before)
