import time

import pytest
import torch

from resonance.attention.heat import Heat
from resonance.attention.methods.couple import AttentionCouple
from resonance.attention.parts import KEY, Part, bind, feather, resize, stack
from resonance.told import Told

METHOD = AttentionCouple()
LEFT = torch.cat([torch.ones(90, 45), torch.zeros(90, 45)], 1)


def words(value: float, length: int = 77, width: int = 8) -> list[object]:
    return [[torch.full((1, length, width), value), {"pooled_output": torch.ones(1, 4)}]]


def test_the_binding_has_the_words_of_all_parts():
    parts = [Part("a", words(1, 154), LEFT, 0.5, 0.1, 0.9), Part("b", words(2), 1 - LEFT, start=0.2)]
    base = words(0)
    [[tokens, values]] = bind(base, parts, METHOD)
    binding = values[KEY]
    assert tokens is base[0][0] is binding.base
    assert [(part.name, part.tokens.shape[1], part.tokens[0, 0, 0].item()) for part in binding.parts] == [
        ("a", 154, 1),
        ("b", 77, 2),
    ]
    assert binding.weights == (1.0, 0.5, 1.0)
    assert (binding.starts, binding.ends) == ((0.0, 0.1, 0.2), (1.0, 0.9, 1.0))
    assert binding.masks.shape == (3, 90, 90) and binding.masks[0].all() and torch.equal(binding.masks[1], LEFT)
    assert torch.equal(values["pooled_output"], torch.ones(1, 4))


def test_nothing_that_came_in_is_changed():
    base, part = words(0), Part("a", words(1), LEFT)
    bind(base, [part], METHOD)
    assert base[0][0].shape == (1, 77, 8) and KEY not in base[0][1]
    assert part.positive[0][0].shape == (1, 77, 8)


def test_each_entry_of_the_base_is_bound():
    base = [*words(0), [torch.zeros(1, 154, 8), {"start_percent": 0.5}]]
    first, second = bind(base, [Part("a", words(1), LEFT)], METHOD)
    assert (first[1][KEY].base.shape[1], second[1][KEY].base.shape[1]) == (77, 154)
    assert second[1]["start_percent"] == 0.5


def test_a_part_of_weight_0_is_left_out():
    base = words(0)
    assert bind(base, [Part("a", words(1), LEFT, weight=0)], METHOD) is base


def test_the_base_has_a_weight_of_its_own():
    [[_, values]] = bind(words(0), [Part("a", words(1), LEFT)], METHOD, 0.5)
    assert values[KEY].weights == (0.5, 1.0)


def test_only_parts_with_a_negative_are_bound_to_what_shall_not_be_there():
    parts = [Part("a", words(1), LEFT), Part("b", words(2), LEFT, negative=words(3))]
    [[_, values]] = bind(words(0), parts, METHOD, negative=True)
    [said] = values[KEY].parts
    assert said.name == "b" and said.tokens[0, 0, 0] == 3
    [[_, values]] = bind(words(0), parts, METHOD)
    assert values[KEY].negative.parts[0].tokens is said.tokens and values[KEY].negative.base is None


def test_words_of_another_encoder_are_refused_by_name():
    with pytest.raises(Told, match="^boat has an embedding width of 16, the global words have one of 8"):
        bind(words(0), [Part("boat", words(1, width=16), LEFT)], METHOD)


def test_several_conditionings_in_one_region_are_refused_by_name():
    with pytest.raises(Told, match="^boat is a combination of 2 conditionings"):
        bind(words(0), [Part("boat", [*words(1), *words(2)], LEFT)], METHOD)


def test_masks_of_different_sizes_are_stacked_at_the_largest():
    assert stack([torch.ones(90, 90), torch.ones(20, 200)]).shape == (2, 90, 200)


def test_resizing_takes_the_nearest_and_leaves_equal_sizes_alone():
    masks = LEFT[None]
    assert resize(masks, 90, 90) is masks
    assert resize(masks, 2, 4)[0].tolist() == [[1, 1, 0, 0]] * 2


def test_a_feather_reaches_as_far_as_it_says_and_keeps_the_middle_of_the_edge():
    soft = feather(LEFT[None], 5)[0, 40]
    assert soft[:40].min() > 0.999 and soft[50:].max() < 0.001
    assert soft[40:50].tolist() == sorted(soft[40:50].tolist(), reverse=True) and 0.4 < soft[45] < 0.6
    assert torch.equal(feather(LEFT[None], 0.1), LEFT[None])


def test_a_feather_over_a_large_mask_takes_no_time():
    mask = torch.zeros(1, 512, 512)
    mask[:, :, :256] = 1
    begun = time.monotonic()
    soft = feather(mask, 40)[0]
    assert time.monotonic() - begun < 10
    assert soft[0, 255].item() == pytest.approx(0.5, abs=1e-2) and soft[0, 0] == 1 and soft[0, -1] == 0


def test_a_base_that_is_bound_already_is_refused():
    base = bind(words(0), [Part("a", words(1), LEFT)], METHOD)
    with pytest.raises(Told, match="connected to positive has regions of its own"):
        bind(base, [Part("b", words(2), LEFT)], METHOD)


def test_heat_is_the_mean_over_layers_at_the_side_that_was_asked_for():
    heat = Heat(16)
    assert heat.maps() is None
    heat.add(torch.full((2, 8 * 4, 3), 0.2), 8, 4)
    heat.add(torch.full((2, 32 * 16, 3), 0.4), 32, 16)
    maps = heat.maps()
    assert maps is not None and maps.shape == (2, 3, 16, 8)
    torch.testing.assert_close(maps, torch.full_like(maps, 0.3))
    heat.forget()
    assert heat.maps() is None
