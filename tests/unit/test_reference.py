"""Pictures as conditions: adapters told by their keys, entries of a conditioning with a picture in a range or a place."""

from typing import Any

import pytest
import torch
from models.checkpoint import ADAPTERS, adapter

from resonance.attention.pictures import Reading, Window, by_adapters
from resonance.attention.site import FUSED
from resonance.reference.adapter import read_adapter
from resonance.reference.entries import placed, ranged
from resonance.reference.picture import PICTURES, TOKENS, Picture, Shown, attached, unguarded, with_pictures
from resonance.told import Told

KINDS = {
    "tiny_base_sd15": ("base", "CLIP ViT-H", "SD1.5", 4),
    "tiny_plus_sd15": ("plus", "CLIP ViT-H", "SD1.5", 16),
    "tiny_full_face_sd15": ("full face", "CLIP ViT-H", "SD1.5", 257),
    "tiny_vit_g_sd15": ("base", "CLIP ViT-bigG", "SD1.5", 4),
    "tiny_base_sdxl": ("base", "CLIP ViT-bigG", "SDXL", 4),
    "tiny_vit_h_sdxl": ("base", "CLIP ViT-H", "SDXL", 4),
    "tiny_plus_sdxl": ("plus", "CLIP ViT-H", "SDXL", 16),
}


@pytest.mark.parametrize("name", KINDS)
def test_the_kind_of_an_adapter_is_told_by_its_keys(name: str):
    kind, vision, model, tokens = KINDS[name]
    found = read_adapter("any.name", adapter(name))
    assert (found.projection.name, found.projection.vision, found.model) == (kind, vision, model)
    patches = () if found.projection.sees == "image_embeds" else (257,)
    pictures = torch.randn(2, 1, *patches, found.projection.width)
    both, each = found.shown(pictures), found.shown(pictures, each=True)
    assert len(both.keys) == len(both.values) == len(found.keys)
    assert both.keys[0].shape[:2] == (1, 2 * tokens) and each.keys[0].shape[:2] == (2, tokens)
    assert torch.equal(both.keys[0].flatten(0, 1), each.keys[0].flatten(0, 1))


def test_layers_are_sorted_by_number_and_both_forms_of_a_file_are_one():
    flat = adapter("tiny_base_topology")
    parts = {
        part: {key.removeprefix(f"{part}."): value for key, value in sorted(flat.items()) if key.startswith(part)}
        for part in ("image_proj", "ip_adapter")
    }
    one, other = read_adapter("flat", flat), read_adapter("parts", parts)
    assert len(ADAPTERS) > 8 and len(one.keys) == len(other.keys) == 16
    assert all(torch.equal(a, b) for a, b in zip(one.keys, other.keys, strict=True))
    assert torch.equal(one.keys[5], flat["ip_adapter.11.to_k_ip.weight"])


@pytest.mark.parametrize("state", [{}, None, "text", {"a": 1}, {"image_proj": {}, "ip_adapter": {}}, torch.zeros(3)])
def test_what_is_no_adapter_says_so(state: Any):
    with pytest.raises(Told, match="x is no IP-Adapter"):
        read_adapter("x", state)


def test_an_adapter_that_lacks_a_layer_or_does_not_fit_together_is_damaged():
    state = adapter("tiny_base_topology")
    without = {key: value for key, value in state.items() if key != "ip_adapter.3.to_v_ip.weight"}
    with pytest.raises(Told, match=r"x is damaged: it has no 3\.to_v_ip\.weight"):
        read_adapter("x", without)
    with pytest.raises(Told, match="its parts do not fit together"):
        read_adapter("x", {**state, "ip_adapter.3.to_v_ip.weight": torch.zeros(320, 2048)})


def test_adapters_count_the_middle_last():
    places = [("input", 1, 0), ("input", 2, 0), ("middle", 0, 0), ("output", 3, 0), ("output", 3, 1)]
    assert by_adapters(places) == [0, 1, 4, 2, 3]


# Entries


def show(tokens: torch.Tensor, values: dict[str, Any]) -> tuple[torch.Tensor, dict[str, Any]]:
    return tokens, {**values, "shown": True}


def ranges(conditioning: list[Any]) -> list[tuple[float, float, bool]]:
    return [(v.get("start_percent", 0.0), v.get("end_percent", 1.0), "shown" in v) for _, v in conditioning]


@pytest.mark.parametrize(
    ("own", "asked", "found"),
    [
        ({}, (0.0, 1.0), [(0, 1, True)]),
        ({}, (0.2, 1.0), [(0, 0.2, False), (0.2, 1, True)]),
        ({}, (0.0, 0.4), [(0, 0.4, True), (0.4, 1, False)]),
        ({}, (0.2, 0.4), [(0, 0.2, False), (0.2, 0.4, True), (0.4, 1, False)]),
        ({"start_percent": 0.3, "end_percent": 0.6}, (0.2, 0.4), [(0.3, 0.4, True), (0.4, 0.6, False)]),
        ({"start_percent": 0.5}, (0.2, 0.4), [(0.5, 1, False)]),
        ({"start_percent": 0.5, "end_percent": 0.6}, (0.2, 0.9), [(0.5, 0.6, True)]),
    ],
)
def test_an_entry_is_parted_by_the_range_of_a_picture(own: dict[str, Any], asked: tuple[float, float], found: Any):
    entry = [torch.zeros(1, 1, 1), {"x": 1, **own}]
    made = ranged([entry], show, *asked)
    assert ranges(made) == found and all(values["x"] == 1 for _, values in made)
    assert entry[1] == {"x": 1, **own}


def test_a_whole_range_writes_none():
    [[_, values]] = ranged([[torch.zeros(1, 1, 1), {}]], show)
    assert values == {"shown": True}


def test_a_mask_parts_an_entry_beside_the_mask_that_it_has():
    mask = torch.tensor([[1.0, 0.25]])
    own = torch.full((1, 2, 4), 0.5)
    made = placed([[torch.zeros(1, 1, 1), {"mask": own, "mask_strength": 0.7}]], lambda c: ranged(c, show), mask)
    (_, with_it), (_, without) = made
    assert with_it["shown"] and "shown" not in without and with_it["mask_strength"] == 0.7
    assert torch.equal(with_it["mask"], own * torch.tensor([1, 1, 0.25, 0.25]))
    assert torch.allclose(with_it["mask"] + without["mask"], own)


# Pictures


def picture(strength: float = 1.0, **more: Any) -> Picture:
    shown = Shown((torch.ones(1, 2, 8),), (torch.ones(1, 2, 8),))
    return Picture(shown=shown, blank=shown, strength=strength, **more)


def added(of: Picture, masks: tuple[torch.Tensor, ...] = (), window: Window | None = None) -> torch.Tensor:
    """What it adds at each pixel of a layer of 2 x 4."""
    out = torch.zeros(1, 2, 8, 4)
    Reading(of, of.shown, 9.0, 1.0, masks, window).add(out, torch.ones_like(out), 0, (2, 4), FUSED)
    assert torch.equal(out[:, 0], out[:, 1])
    return out[0, 0, :, 0].view(2, 4)


def test_a_picture_acts_where_all_of_its_masks_are_each_shrunk_by_the_mean():
    fine = torch.zeros(4, 8)
    fine[:, 3:] = 1
    assert added(picture(0.5), (fine, torch.tensor([[1.0], [0.0]]))).tolist() == [[0, 0.25, 0.5, 0.5], [0, 0, 0, 0]]
    inner = picture(masks=(fine,)).within(torch.ones(1, 1), 0.5, 0.2, 0.8)
    assert added(inner).tolist() == [[0, 0.25, 0.5, 0.5]] * 2
    assert (inner.strength, inner.start, inner.end) == (0.5, 0.2, 0.8)


def test_of_a_part_of_the_whole_picture_it_has_its_part_of_the_mask():
    mask = torch.zeros(4, 8)
    mask[:2, :4] = 1
    assert added(picture(), (mask,), Window(0.0, 0.0, 0.5, 0.5)).tolist() == [[1] * 4] * 2
    assert added(picture(), (mask,), Window(0.5, 0.0, 1.0, 0.5)).count_nonzero() == 0
    assert Window(0.0, 0.5, 1.0, 1.0).mask(2, 4).tolist() == [[0, 0, 1, 1]] * 2


def test_it_acts_in_its_range_and_blocks():
    reading = Reading(picture(blocks=frozenset({("output", 1)})), picture().shown, 9.0, 1.0)
    acts = [reading.acts(sigma, ("output", 1)) for sigma in (10, 9, 5, 1, 0.5)]
    assert acts == [False, True, True, True, False] and not reading.acts(5, ("input", 1))


def test_pictures_are_carried_beside_what_a_conditioning_says():
    values = with_pictures({"pooled_output": 1, "model_conds": {"other": 2}}, [picture()])
    values = with_pictures(values, [picture()])
    assert len(values[PICTURES]) == 2 and values["model_conds"]["other"] == 2
    assert unguarded(values)["model_conds"] == {"other": 2}
    with pytest.raises(Told, match="The model of this sampler does not come from Reference Picture"):
        values["model_conds"][PICTURES].process_cond(batch_size=1)


def test_a_pictures_tokens_stand_behind_the_words_as_core_has_them():
    words, tokens = torch.randn(1, 77, 8), torch.randn(2, 4, 8)
    said, read = attached(words, {}, tokens, strength=1.0)
    assert said.shape == (2, 81, 8) and torch.equal(said[1, 77:], tokens[1]) and read is None
    said, first = attached(words, {}, tokens[:1], strength=0.25)
    assert first and (first.begin, first.count) == (77, 4)
    said, second = attached(said, {TOKENS: (first,)}, torch.randn(1, 200, 8), strength=0.5, end=0.5)
    assert second and (second.begin, second.count, second.end) == (81, 200, 0.5)
    assert second.bias == pytest.approx(-0.9545, abs=1e-4), "200 tokens against 77 words"
