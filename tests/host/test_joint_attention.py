"""Strength and place of pictures in transformers of ComfyUI's, sampled by its own samplers (``joint_child.py``): reference latents and
Redux."""

import json
import os
import subprocess
import sys
from itertools import pairwise
from typing import Any

import pytest
from places import PACK, find_comfyui

from . import forks

LATENT, REDUX, QWEN = ALL = ("flux reference latent", "flux Redux", "qwen reference latent")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the child found, by model and way."""
    comfyui, folder = find_comfyui(), tmp_path_factory.mktemp("joint")
    assert comfyui
    answer, said = folder / "answer.json", folder / "said.txt"
    arguments = [str(PACK / "tests" / "joint_child.py"), str(answer)]
    env = {**os.environ, "PYTHONPATH": str(comfyui), "OMP_NUM_THREADS": "1"}
    if forks.POSSIBLE:
        child: Any = forks.Fork(arguments, comfyui, env, said)
        code = child.wait()
    else:
        with said.open("wb") as out:
            code = subprocess.run([sys.executable, *arguments], cwd=comfyui, env=env, stdout=out, stderr=out).returncode
    assert code == 0, said.read_text(errors="replace")[-3000:]
    return json.loads(answer.read_text())


@pytest.mark.parametrize("of", ALL)
def test_strength_0_is_none_and_1_is_cores_bit_for_bit(found: dict[str, Any], of: str):
    it = found[of]
    assert it["effect"] > 0.1
    assert it["off is the very same"] and it["full is core's"] and it["the plain model is as before"]


@pytest.mark.parametrize("of", ALL)
def test_strength_goes_from_none_to_full_all_the_way(found: dict[str, Any], of: str):
    """At next to nothing, 0.1, 0.3, 0.5, 0.8, next to full, full, and above."""
    effect, none, full = (found[of][name] for name in ("effect", "to none", "to full"))
    assert none[0] < 1e-5 * effect + 1e-6 and full[6] == 0 and full[5] < 0.01 * effect
    assert all(a < b for a, b in pairwise(none))
    assert all(a > b for a, b in pairwise(full[:7])) and full[7] > 0


@pytest.mark.parametrize("of", ALL)
def test_a_mask_on_the_left_changes_the_left_five_times_more(found: dict[str, Any], of: str):
    for name in ("left", "left at a half"):
        left, right = found[of][name]
        assert left >= 5 * right > 0, name
    # A second picture on the right leaves the left to the first one.
    left, right = found[of]["two halves to the first"]
    assert right >= 5 * left


@pytest.mark.parametrize("of", ALL)
def test_each_entry_of_a_call_and_each_picture_of_an_entry_has_its_own_strength(found: dict[str, Any], of: str):
    it = found[of]
    assert it["biases made in three steps"] == 1
    assert it["averaged"] < 1e-5 and it["guided"] < 1e-4 and it["batch"] < 1e-5
    assert it["a second picture"] > 0.01 > 1e-5 > it["a second one of nearly no strength"]


@pytest.mark.parametrize("of", ALL)
def test_another_packs_attention_stays_inside(found: dict[str, Any], of: str):
    it = found[of]
    blocks = 2 if of == QWEN else 4
    tried = 2  # whether that attention heeds masks, once
    assert it["counted"] and it["calls"] == it["calls of two entries"] == blocks + tried
    assert it["halved"] > 0.02 and it["halved to alone"] > 0.05
    assert it["options are as before"]
    if of != QWEN:  # which heeds no mask of a patch
        assert it["masks"] < 1e-5 < 0.01 < it["masked to alone"]


@pytest.mark.parametrize("of", ALL)
def test_a_picture_acts_in_its_range_and_is_gone_after_it(found: dict[str, Any], of: str):
    assert found[of]["before its end"] and found[of]["after its end"]


@pytest.mark.parametrize("of", ALL)
def test_what_would_act_at_full_strength_is_an_error(found: dict[str, Any], of: str):
    it = found[of]
    assert "does not come from Reference Picture" in it["another model"]
    assert "heeds no masks" in it["attention without masks"]
    assert "attention does not go through ComfyUI's" in it["attention of its own"]
    assert "its conditioning has an area" in it["an area"]
    assert it["compiled"]


def test_redux_is_as_strong_as_cores_attention_bias_and_goes_with_it(found: dict[str, Any]):
    it = found[REDUX]
    # Core's mask is in half precision.
    assert it["to core's bias"] < 1e-3 and it["core's bias behind ours"] < 1e-3
    assert it["full strength behind core's bias"]
    assert it["orders"] < 1e-5


def test_redux_and_a_reference_latent_act_together(found: dict[str, Any]):
    assert found[REDUX]["with a reference latent"] > 0.01 > 1e-5 > found[REDUX]["with one of nearly no strength"]


def test_vision_models_style_models_and_vaes_of_other_models_are_refused_by_their_widths(found: dict[str, Any]):
    assert "tokens of 64 numbers, but those of the words have 32" in found[REDUX]["too wide"]
    assert "reads SigLIP (32), the connected vision model gives 48" in found[REDUX]["vision"]
    assert "paints latents of 16 channels, those of the connected VAE have 4" in found[LATENT]["wrong VAE"]


def test_pictures_of_a_batch_are_references_of_their_own_or_each_for_one_that_is_made(found: dict[str, Any]):
    assert found[LATENT]["a batch is several"]
    assert max(found[LATENT]["each its own"]) < 1e-5


def test_models_that_do_not_say_which_tokens_are_the_pictures_know_its_strength_1(found: dict[str, Any]):
    it = found["refused"]
    assert (
        it["strength"] == it["mask"] and "Omnigen2 does not say which of its tokens are the picture's" in it["strength"]
    )
    assert it["whole"]


def test_models_that_would_ignore_a_reference_are_told(found: dict[str, Any]):
    it = found["refused"]
    assert "put Edit Model Reference Method before Reference Picture" in it["no method"] and it["a method"] > 0.01
    assert "reference latent works with Flux Kontext" in it["fill"]
    for kind in ("SD3", "Chroma", "HiDreamO1"):
        assert f"{kind} cannot look at a picture. What can: IP-Adapter: SD1.5 and SDXL; " in it[kind]


def test_what_was_done_is_said(found: dict[str, Any]):
    when = "strength 0.5, 0% to 40% of the sampling"
    assert found[REDUX]["said"] == f"Redux, {when}: 60 tokens behind the words."
    assert found[LATENT]["said"] == f"Reference latent of 128 x 128 for Flux, {when}."
    assert found[QWEN]["said"] == (
        f"Reference latent of 128 x 128 for QwenImage, {when}. Its text encoder should see the picture too: encode the words with"
        " TextEncodeQwenImageEditPlus, without its vae."
    )


def test_a_reference_that_another_node_has_changed_is_an_error(found: dict[str, Any]):
    assert "has changed 1 of the reference latents" in found[LATENT]["changed"]


@pytest.mark.parametrize("kind", ["flux2", "kept keys", "krea2", "mage"])
def test_other_transformers_know_strength_too(found: dict[str, Any], kind: str):
    nothing, half, full = found["others"][kind]
    assert nothing < 1e-5 < 0.2 * full < half < full
