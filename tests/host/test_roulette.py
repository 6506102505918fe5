"""Plans are checked when queued, and drawn models are loaded once, in the real ComfyUI."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from models.wired.taesd import taesd
from models.wired.weights import Weights, save

from .comfy import Comfy, RunFailed, node
from .graphs import check_whole, items, pictures, quick
from .test_compose import compose

LOADED = "model_type"
"""ComfyUI logs it for each checkpoint that it reads."""


def draw(checkpoint: str = "tiny_sd15", lora: bool = False, strength: float = 1.0, **more: Any) -> dict[str, Any]:
    name = {"name": "tiny_lora.safetensors", "model_strength": strength, "clip_strength": strength}
    loras = [name] if lora else []
    return {"checkpoint": f"{checkpoint}.safetensors", "loras": loras, "triggers": "", "neg_triggers": "", **more}


def load(item: dict[str, Any], vae: str = "from checkpoint") -> dict[str, Any]:
    return {
        "item": node("ProbeItem", text=json.dumps(item)),
        "load": node("ResonanceLoadDrawn", item=["item", 0], vae=vae),
    }


def values(comfy: Comfy, graph: dict[str, Any]) -> list[Any]:
    """What Load Drawn gives on each output."""
    graph = graph | {f"probe{i}": node("ProbeValue", value=["load", i]) for i in range(5)}
    outputs = comfy.run(graph)
    return [json.loads(outputs[f"probe{i}"]["value"][0])[0] for i in range(5)]


def loads(comfy: Comfy) -> int:
    return comfy.read_log().count(LOADED)


def summary(comfy: Comfy, text: str) -> str:
    graph = {"plan": node("ResonanceModelRoulette", text=text), "probe": node("ProbeValue", value=["plan", 1])}
    return json.loads(comfy.run(graph)["probe"]["value"][0])[0]


def test_a_plan_is_read_and_summed_up(comfy: Comfy):
    text = """
        model.checkpoint = [{ name = "tiny_sd15.safetensors", weight = 3 }, "tiny_sd15_b.safetensors"]
        model.steps = 25
        blank = 1
        [[lora]]
        folder = ""
        [wd14]
        banned = []
    """
    said = summary(comfy, text)
    assert "75.0%  tiny_sd15.safetensors" in said and "25.0%  tiny_sd15_b.safetensors" in said
    assert "tiny_lora.safetensors" in said and "model.steps (see the sampler)" in said and "wd14" in said


@pytest.mark.parametrize(
    ("text", "quoted", "said"),
    [
        ('\nmodel.checkpoint = "tiny_sd15.safetensors', 'Line 2: model.checkpoint = \\"tiny', "no valid TOML"),
        ('model.checkpoint = "tiny_sd51.safetensors"', "Line 1: model.checkpoint", "Nearest: tiny_sd15"),
        (
            'model.checkpoint = "tiny_sd15.safetensors"\n[[lora]]\nname = "tiny"',
            'Line 3: name = \\"tiny\\"',
            "models/loras",
        ),
        ('model.checkpoint = "tiny_sd15.safetensors"\nblank = "2"', "Line 2: blank", "must be a number"),
        ('model.checkpoint = "tiny_sd15.safetensors"\nblanks = 2', "Line 2: blanks = 2", "Did you mean blank?"),
    ],
)
def test_a_wrong_line_is_quoted_when_the_prompt_is_posted(comfy: Comfy, text: str, quoted: str, said: str):
    graph = {"plan": node("ResonanceModelRoulette", text=text), "probe": node("ProbeValue", value=["plan", 1])}
    with pytest.raises(RunFailed) as refused:
        comfy.queue(graph)
    assert "custom_validation_failed" in str(refused.value)
    assert quoted in str(refused.value) and said in str(refused.value)


def test_a_missing_file_names_the_folders_searched(comfy: Comfy):
    with pytest.raises(RunFailed) as refused:
        summary(comfy, 'model.checkpoint = "no.safetensors"')
    assert str(Path(comfy.base, "models", "checkpoints")) in str(refused.value)


def test_a_plan_from_a_link_is_checked_when_it_arrives(comfy: Comfy):
    graph = {
        "text": node("PrimitiveString", value="model.checkpoint = 1"),
        "plan": node("ResonanceModelRoulette", text=["text", 0]),
        "probe": node("ProbeValue", value=["plan", 1]),
    }
    with pytest.raises(RunFailed, match="Line 1: model.checkpoint = 1"):
        comfy.run(graph)


def test_new_files_of_a_folder_are_noticed(comfy: Comfy, models: Path):
    text = 'model.checkpoint = "tiny_sd15.safetensors"\n[[lora]]\nfolder = ""'
    assert "new_lora" not in summary(comfy, text)
    new = models / "loras" / "new_lora.safetensors"
    new.symlink_to(models / "loras" / "tiny_lora.safetensors")
    try:
        assert "new_lora" in summary(comfy, text)
    finally:
        new.unlink()


def test_equal_draws_give_the_same_objects_whatever_the_item(comfy: Comfy):
    comfy.post("/free", {"unload_models": True})
    before = loads(comfy)
    first = values(comfy, load({"draw": draw(lora=True), "seed": 0}))
    assert [name.split("@")[0] for name in first[:3]] == ["ModelPatcher", "CLIP", "VAE"]
    assert all(values(comfy, load({"draw": draw(lora=True), "seed": seed})) == first for seed in range(1, 10))
    assert loads(comfy) == before + 1


def test_another_lora_patches_anew_without_reading_the_checkpoint_again(comfy: Comfy):
    with_lora = values(comfy, load({"draw": draw(lora=True)}))
    before = loads(comfy)
    plain = values(comfy, load({"draw": draw()}))
    half = values(comfy, load({"draw": draw(lora=True, strength=0.5)}))
    assert all(plain[i] not in (with_lora[i], half[i]) for i in (0, 1))
    assert with_lora[2] == plain[2] == half[2]
    assert loads(comfy) == before


def test_another_checkpoint_is_read_and_only_the_last_is_kept(comfy: Comfy):
    values(comfy, load({"draw": draw()}))
    before = loads(comfy)
    values(comfy, load({"draw": draw("tiny_sd15_b"), "index": 1}))
    values(comfy, load({"draw": draw(), "index": 2}))
    assert loads(comfy) == before + 2


def test_freeing_memory_drops_what_is_kept(comfy: Comfy):
    values(comfy, load({"draw": draw(), "index": 3}))
    before = loads(comfy)
    comfy.post("/free", {"unload_models": True, "free_memory": True})
    comfy.idle()
    values(comfy, load({"draw": draw(), "index": 4}))
    assert loads(comfy) == before + 1


def test_a_round_reads_each_checkpoint_once(comfy: Comfy):
    pictures(comfy, "roulette", *["red", "blue"] * 6)
    text = """
        model.checkpoint = ["tiny_sd15.safetensors", "tiny_sd15_b.safetensors"]
        blank = 1
        [[lora]]
        name = "tiny_lora.safetensors"
        trigger = "swapped"
    """
    comfy.post("/free", {"unload_models": True})
    before = loads(comfy)
    graph = quick("roulette", "roulette", plan=["plan", 0]) | {
        "plan": node("ResonanceModelRoulette", text=text),
        "load": node("ResonanceLoadDrawn", item=["1", 1], vae="from checkpoint"),
        "compose": compose(tags=["3", 0], triggers=["load", 3], order="tags, caption, preamble, suffix"),
    }
    graph["4"]["inputs"]["text"] = graph["5"]["inputs"]["words"] = ["compose", 0]
    comfy.queue(graph)
    comfy.idle()
    check_whole(comfy, "roulette", 1, 12)
    drawn = [item["draw"] for item in items(comfy, "roulette", 1)]
    assert len({d["checkpoint"] for d in drawn}) == len({len(d["loras"]) for d in drawn}) == 2
    assert all(d["triggers"] == ("swapped" if d["loras"] else "") for d in drawn)
    assert loads(comfy) == before + 2


def test_prompt_lines_are_drawn_models_too(comfy: Comfy):
    text = 'model.checkpoint = ["tiny_sd15.safetensors", "tiny_sd15_b.safetensors"]'
    before = loads(comfy)
    graph = {
        "1": node("ResonancePromptLines", session="drawn", lines="\n".join("abcdef"), plan=["plan", 0]),
        "plan": node("ResonanceModelRoulette", text=text),
        "load": node("ResonanceLoadDrawn", item=["1", 0], vae="from checkpoint"),
        "image": node("EmptyImage", width=32, height=32),
        "out": node("ResonanceRoundOutput", images=["image", 0], item=["1", 0], words=["load", 3]),
    }
    comfy.queue(comfy.complete(graph))
    comfy.idle()
    drawn = [item["draw"]["checkpoint"] for item in items(comfy, "drawn", 1) if item["state"] == "done"]
    assert len(drawn) == 6 and len({*drawn}) == 2
    assert loads(comfy) <= before + 2


def test_drawn_loras_act_and_blanks_leave_no_trace(comfy: Comfy):
    assert strongest(comfy, draw()) == "red"
    assert strongest(comfy, draw(lora=True)) == "blue"
    assert strongest(comfy, draw(triggers="x")) == "red"


def strongest(comfy: Comfy, drawn: dict[str, Any]) -> str:
    """The colour that a drawn model paints for the word red."""
    graph = load({"draw": drawn}) | {
        "words": node("CLIPTextEncode", clip=["load", 1], text="red"),
        "nothing": node("CLIPTextEncode", clip=["load", 1], text=""),
        "latent": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "sampler": node(
            "KSampler",
            **{
                name: [key, 0]
                for name, key in (("positive", "words"), ("negative", "nothing"), ("latent_image", "latent"))
            },
            **{"model": ["load", 0], "seed": 1, "steps": 4, "cfg": 1.0, "denoise": 1.0},
            **{"sampler_name": "euler", "scheduler": "normal"},
        ),
        "decode": node("VAEDecode", samples=["sampler", 0], vae=["load", 2]),
        "probe": node("ProbeValue", value=["decode", 0]),
    }
    means = json.loads(comfy.run(graph)["probe"]["value"][0])[0]["mean"]
    return ("red", "green", "blue")[means.index(max(means))]


def test_triggers_come_with_the_models(comfy: Comfy):
    assert values(comfy, load({"draw": draw(triggers="oil", neg_triggers="photo")}))[3:] == ["oil", "photo"]


def test_nothing_is_loaded_and_nothing_below_runs_while_pictures_are_described(comfy: Comfy):
    before = loads(comfy)
    graph = load({"draw": draw("tiny_sd15_b"), "phase": "describe"})
    assert comfy.run(graph | {"probe": node("ProbeValue", value=["load", 0])}) == {}
    assert loads(comfy) == before


def test_an_item_without_a_draw_says_what_to_connect(comfy: Comfy):
    with pytest.raises(RunFailed, match="Connect Model Roulette to the plan of the node that hands out item"):
        values(comfy, load({}))


def test_a_model_that_is_gone_is_named_with_the_folders_searched(comfy: Comfy):
    with pytest.raises(RunFailed, match="There is no 'gone.safetensors' in models/checkpoints. Searched: "):
        values(comfy, load({"draw": draw("gone")}))
    with pytest.raises(RunFailed, match="There is no '../checkpoints/tiny_sd15.safetensors' in models/loras"):
        loras = [{"name": "../checkpoints/tiny_sd15.safetensors", "model_strength": 1, "clip_strength": 1}]
        values(comfy, load({"draw": draw() | {"loras": loras}}))


def test_a_vae_of_its_own_goes_with_every_checkpoint(comfy: Comfy, models: Path):
    path = models / "vae" / "sub" / "tiny.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = Weights(0, 0.1)
    taesd(weights, "")
    save(path, weights)
    try:
        own = values(comfy, load({"draw": draw()}))[2]
        first = values(comfy, load({"draw": draw()}, "sub/tiny.safetensors"))[2]
        assert first != own
        assert values(comfy, load({"draw": draw("tiny_sd15_b")}, "sub/tiny.safetensors"))[2] == first
        assert values(comfy, load({"draw": draw()}, "sub\\tiny.safetensors"))[2] != own
        with pytest.raises(RunFailed, match="There is no VAE .*Nearest: sub/tiny.safetensors"):
            comfy.queue(load({"draw": draw()}, "tiny.pt") | {"probe": node("ProbeValue", value=["load", 2])})
    finally:
        shutil.rmtree(path.parent)


def test_an_unknown_vae_is_refused_with_the_folders_searched(comfy: Comfy):
    with pytest.raises(RunFailed, match="There is no VAE 'no.pt'. Searched: .* (Nearest: |There are none)"):
        comfy.queue(load({"draw": draw()}, "no.pt") | {"probe": node("ProbeValue", value=["load", 0])})
