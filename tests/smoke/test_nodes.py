"""One run of each node: ``test_resonance_round_input`` is that of ``ResonanceRoundInput``."""

import json
from typing import Any

import pytest
import torch
from fake_llm import FakeLLM
from host.comfy import Comfy, node
from host.graphs import items, mean, output
from host.paint import CLIP, MODEL, VAE, hue, look, paint, picture
from host.referring import made as referred
from host.referring import of, refer, vision, words
from host.regional import AREA, COUPLE, HALVES, hues, pictures, place
from host.test_canvas import BOAT, PROGRAM, SEA, layout, run, shows
from host.test_explore import explore
from host.test_fit_to_latent import fit
from host.test_gradual_latent import QUICK, gradual, painted
from host.test_highres_fix import fix as highres_fix
from host.test_llm import RED, Texts, captions, connect, core, describe
from host.test_lora_stack import stack, stacked
from host.test_old_nodes import halves as old_halves
from host.test_old_nodes import old
from host.test_per_picture_noise import LEVEL, SEED, apart, base, compared, ksampler, ours, sampling
from host.test_prompt_lines import lines
from host.test_regions_from_mask import SWAP, from_mask
from host.test_regions_in_graphs import with_words
from host.test_roulette import draw, strongest, summary
from host.test_taggers import graph as tagged
from host.varying import put, vary
from models.checkpoint import build_lllite, sd15, tint
from models.wired.unet import REAL_NUMBERS
from models.wired.weights import save

from resonance.files.xti_files import PLACES

from .conftest import SESSION

LAYOUT = layout(SEA, BOAT)
CANVAS = node("ResonanceCanvas", canvas_text=LAYOUT)
LOAD = node("LoadSmall", ckpt_name="tiny_sd15.safetensors")
RED_PICTURE = node("EmptyImage", width=64, height=32, batch_size=1, color=RED)
BLUE_PICTURE = node("EmptyImage", width=64, height=32, batch_size=1, color=0x0000FF)


def test_no_node_is_left_out(comfy: Comfy) -> None:
    ours = {id_ for id_, info in comfy.get("/object_info").items() if info["python_module"] == "custom_nodes.resonance"}
    tested = {name.removeprefix("test_").replace("_", "") for name in globals() if name.startswith("test_")}
    assert [id_ for id_ in sorted(ours) if id_.lower() not in tested] == []


def value(comfy: Comfy, link: tuple[str, int], **nodes: dict[str, Any]) -> Any:
    """What is on a link: tensors as shape and mean."""
    return run(comfy, shows(nodes, value=list(link)))["value"]


def ended(comfy: Comfy, graph: dict[str, Any]) -> dict[str, Any]:
    """The outputs of a run, and of all that it queues, at their ends."""
    outputs = comfy.run(comfy.complete(graph))
    comfy.idle()
    return outputs


# Pictures into words


def test_resonance_load_tagger(comfy: Comfy) -> None:
    outputs = comfy.run(tagged("tiny-torch", "red", "blue"))
    assert [line.split(", ")[0] for line in json.loads(outputs["t"]["value"][0])] == ["red", "blue"]


def test_resonance_tag_images(comfy: Comfy) -> None:
    outputs = comfy.run(tagged("tiny-onnx", "green", maximum=1))
    assert json.loads(outputs["t"]["value"][0]) == ["green"]


def test_resonance_load_llm(comfy: Comfy) -> None:
    texts = Texts(comfy)
    load = node("ResonanceLoadLLM", model="tiny.gguf", mmproj="tiny-mmproj.gguf")
    comfy.run(comfy.complete(shows({"llm": load}, value=["llm", 0])), client_id="texts")
    assert texts.on("llm", 1)[0].startswith("tiny")


def test_resonance_connect_llm(comfy: Comfy, fake: FakeLLM) -> None:
    assert captions(comfy.run(describe(connect(fake.url + "/tgi"), RED))) == ["a red picture, seed 0"]


def test_resonance_core_llm(comfy: Comfy) -> None:
    assert captions(comfy.run({**describe({}, RED), **core()})) == ["red picture"]


def test_resonance_caption_images(comfy: Comfy, fake: FakeLLM) -> None:
    assert captions(comfy.run(describe(connect(fake.url + "/think"), RED))) == ["A cat. On a mat."]


def test_resonance_save_words(comfy: Comfy) -> None:
    put(comfy, "smoke.png", (32, 32))
    graph = {"words": node("PrimitiveString", value="a sea"), "save": node("ResonanceSaveWords", words=["words", 0])}
    graph["save"]["inputs"]["picture"] = "smoke.png"
    comfy.run(comfy.complete(graph))
    assert (comfy.base / "input" / "smoke.txt").read_text() == "a sea\n"


# Words into pictures


def test_resonance_compose_prompt(comfy: Comfy) -> None:
    assert value(comfy, ("c", 0), c=node("ResonanceComposePrompt", preamble="red", suffix="sky")) == "red, sky"


def test_resonance_latent_for_image(comfy: Comfy) -> None:
    latent = node("ResonanceLatentForImage", sizes="SDXL", image=["wide", 0])
    assert value(comfy, ("latent", 0), wide=RED_PICTURE, latent=latent)["samples"]["shape"] == [
        1,
        4,
        832 // 8,
        1216 // 8,
    ]


def test_resonance_fit_to_latent(comfy: Comfy) -> None:
    small = node("EmptyLatentImage", width=96, height=64, batch_size=1)
    fitted = value(comfy, ("fit", 0), picture=RED_PICTURE, small=small, fit=fit(["picture", 0], ["small", 0]))
    assert fitted["shape"] == [1, 64, 96, 3] and fitted["mean"] == [1, 0, 0]


@pytest.mark.usefixtures("adapters")
def test_resonance_reference_picture(comfy: Comfy) -> None:
    shown = refer(["words", 0], ["blue", 0], adapter="tiny_base_sd15.safetensors", clip_vision=["vision", 0])
    nodes = {"blue": BLUE_PICTURE, "vision": vision("tiny_vit_h"), "words": words(), "shown": shown}
    [made] = referred(comfy, "tiny_sd15", nodes, {"blue": of("shown")})["blue"]
    assert hue(made.whole) == "blue"


def test_resonance_model_roulette(comfy: Comfy) -> None:
    assert "100.0%  tiny_sd15.safetensors" in summary(comfy, 'model.checkpoint = "tiny_sd15.safetensors"')


def test_resonance_load_drawn(comfy: Comfy) -> None:
    assert strongest(comfy, draw(lora=True)) == "blue"  # its LoRA swaps red and blue


def test_resonance_negative_scale(comfy: Comfy) -> None:
    scale = node("ResonanceNegativeScale", model=MODEL, clip=CLIP, negative_scale=0.0)
    said, unsaid = (
        picture(comfy, paint("tiny_sd15", "red", negative, model=["scale", 0], nodes={"scale": scale}, cfg=2.0)).pixels
        for negative in ("blue", "")
    )
    assert said == unsaid


def test_resonance_deep_shrink(comfy: Comfy) -> None:
    shrink = node("ResonanceDeepShrink", model=MODEL, depth_1=0, timesteps_1=650, depth_2=-1, timesteps_2=0, ratio=0.5)
    shrunk = picture(comfy, paint("tiny_sd15", "red", model=["shrink", 0], nodes={"shrink": shrink}, size=(128, 128)))
    assert hue(shrunk.whole) == "red"


def test_resonance_gradient_guidance(comfy: Comfy, guides: None) -> None:
    more = {"guide.layer": 1, "scale": 200.0, "start": 0.0, "end": 1.0, "shrink": 1.0, "limit": False}
    inputs = {"guide": "picture by VGG16", "guide.image": ["red", 0], "guide.vgg": "vgg16.safetensors", **more}
    guide = node("ResonanceGradientGuidance", model=MODEL, vae=VAE, **inputs)
    plain, pulled = (
        picture(comfy, paint("tiny_sd15", "the", model=model, nodes={"red": RED_PICTURE, "guide": guide})).whole[0]
        for model in (MODEL, ["guide", 0])
    )
    assert pulled > plain + 3


def test_resonance_encode_line(comfy: Comfy) -> None:
    encode = node("ResonanceEncodeLine", clip=CLIP, positive="(red:1.3) cat", negative="bad BREAK worse")
    for side in (0, 1):
        [[tokens, _]] = value(comfy, ("encode", side), load=LOAD, encode=encode)
        assert tokens["shape"] == [1, 154, 768]


def test_resonance_xti(comfy: Comfy) -> None:
    models = comfy.base / "models"
    save(models / "checkpoints" / "tiny_sd15_topology.safetensors", sd15(blocks=REAL_NUMBERS, chaos=0))
    save(models / "embeddings" / "smoke.safetensors", {name: torch.zeros(2, 768) for name in PLACES})
    given = {"model": MODEL, "clip": CLIP, "words": "a (smoke:1.2)", "xti": "smoke.safetensors"}
    topology = node("LoadSmall", ckpt_name="tiny_sd15_topology.safetensors")
    [[tokens, values]] = value(comfy, ("xti", 0), load=topology, xti=node("ResonanceXTI", **given))
    assert tokens["shape"] == [1, 77, 768] and "resonance_xti" in values["model_conds"]


def test_resonance_control_net_lllite(comfy: Comfy) -> None:
    build_lllite(comfy.base / "models")
    white = node("EmptyImage", width=64, height=64, batch_size=1, color=0xFFFFFF)
    given = {"model": MODEL, "lllite": "mute_sd15.safetensors", "image": ["picture", 0], "strength": 1.0, "start": 0.0}
    lite = node("ResonanceControlNetLLLite", **given, end=1.0)
    nodes = {"picture": white, "lite": lite}
    assert hue(picture(comfy, paint("tiny_sd15", "red", model=["lite", 0], nodes=nodes)).whole) != "red"


def test_resonance_alternate_control_nets(comfy: Comfy) -> None:
    save(comfy.base / "models" / "controlnet" / "smoke_net.safetensors", tint())
    nodes = {name: node("CLIPTextEncode", clip=CLIP, text=name) for name in ("gray", "none")}
    nodes |= {"net": node("ControlNetLoader", control_net_name="smoke_net.safetensors"), "red": RED_PICTURE}
    given: dict[str, Any] = {"positive": ["gray", 0], "negative": ["none", 0], "count": "2"}
    for n in (1, 2):
        given |= {f"count.control_net_{n}": ["net", 0], f"count.image_{n}": ["red", 0]}
        given |= {f"count.strength_{n}": 1.0, f"count.end_{n}": 1.0}
    nodes["turns"] = node("ResonanceAlternateControlNets", **given)
    plain, tinted = (
        picture(comfy, paint("tiny_sd15", link, nodes=nodes)).whole[0] for link in (["gray", 0], ["turns", 0])
    )
    assert tinted > plain + 20


def test_resonance_highres_fix(comfy: Comfy) -> None:
    fix = highres_fix("small", "latent bicubic")
    small = node("EmptyLatentImage", width=32, height=32, batch_size=1)
    assert value(comfy, ("fix", 0), load=LOAD, small=small, fix=fix)["samples"]["shape"] == [1, 4, 12, 8]


# Rounds


def test_resonance_round_input(seen: dict[str, Any]) -> None:
    assert (seen["input 2"], seen["input 3"]) == ("X0001", 1)
    assert seen["input 0"]["mean"] == [1, 0, 0]


def test_resonance_round_words(comfy: Comfy, seen: dict[str, Any]) -> None:
    [item] = items(comfy, SESSION, 1)
    assert seen["words 0"] == item["words"]["tags"] == "red"


def test_resonance_round_output(comfy: Comfy, seen: dict[str, Any]) -> None:
    [item] = items(comfy, SESSION, 1)
    [file] = item["files"]
    red, green, blue = mean(output(comfy) / SESSION / file)
    assert item["state"] == "done" and red > 200 and max(green, blue) < 50


def test_resonance_explore(comfy: Comfy) -> None:
    ended(comfy, explore("explored", scales="2, 3", seeds=2))
    assert [item["state"] for round_ in (1, 2) for item in items(comfy, "explored", round_)] == ["done"] * 4


def test_resonance_prompt_lines(comfy: Comfy) -> None:
    ended(comfy, lines("lined", "a --d 7\n{e$$b|c} --n d", batch_size=2))
    assert [(item["state"], item["prompt"]) for item in items(comfy, "lined", 1)] == [("done", each) for each in "abc"]


def test_resonance_exploration_prompt(comfy: Comfy) -> None:
    ended(comfy, explore("read", prompts="red|blue", saved={"folder_rule": "prompt hash"}))
    [item] = items(comfy, "read", 1)
    again = node("ResonanceExplorationPrompt", picture=f"read/{item['files'][0]} [output]", addition=", in space")
    assert value(comfy, ("again", 2), again=again) == "red|blue, in space"


def test_resonance_contact_sheet(comfy: Comfy) -> None:
    batch = node("EmptyImage", width=64, height=64, batch_size=6, color=RED)
    sheet = node("ResonanceContactSheet", images=["batch", 0], cell=64)
    _, height, width, _ = value(comfy, ("sheet", 0), batch=batch, sheet=sheet)["shape"]
    assert width >= 3 * 64 and height >= 2 * 64


def test_resonance_cooldown(comfy: Comfy) -> None:
    cooled = node("ResonanceCooldown", value=["red", 0], waits="0")
    assert value(comfy, ("cooled", 0), red=RED_PICTURE, cooled=cooled)["mean"] == [1, 0, 0]


# Canvases


def test_resonance_canvas_chat(comfy: Comfy, fake: FakeLLM) -> None:
    fake.script = [(PROGRAM, "stop")]
    chat = node("ResonanceCanvasChat", llm=["llm", 0], message="a sea", answer_form="omost program")
    canvas = node("ResonanceCanvas", canvas=["chat", 0])
    regions = json.loads(value(comfy, ("canvas", 3), llm=connect(fake.url + "/ok"), chat=chat, canvas=canvas))
    assert [region["rect"] for region in regions] == [[0, 90, 0, 90], [20, 70, 0, 40]]


def test_resonance_canvas(comfy: Comfy) -> None:
    boxes = value(comfy, ("canvas", 2), canvas=CANVAS)
    assert [[box[key] for key in ("x", "y", "width", "height")] for box in boxes[0]] == [[0, 512, 512, 512]]


def test_resonance_render_canvas(comfy: Comfy) -> None:
    render = node("ResonanceRenderCanvas", canvas=["canvas", 0], width=90, height=90, blur=0)
    red, green, blue = value(comfy, ("render", 0), canvas=CANVAS, render=render)["mean"]
    assert blue > red > 0.1 and green == 0  # a red boat on a quarter of a blue sea


def test_resonance_region_masks(comfy: Comfy) -> None:
    masks = node("ResonanceRegionMasks", canvas=["canvas", 0], which="1")
    found = value(comfy, ("masks", 0), canvas=CANVAS, masks=masks)
    assert found["shape"] == [1, 90, 90] and sum(found["mean"]) / 90 == pytest.approx(0.25)


def test_resonance_regions(comfy: Comfy) -> None:
    for method in (COUPLE, AREA[0]):
        assert hues(pictures(comfy, place(HALVES, method))[0]) == ("red", "blue"), method


def test_resonance_encode_canvas(comfy: Comfy) -> None:
    encode = node("ResonanceEncodeCanvas", clip=CLIP, canvas=["canvas", 0])
    [[tokens, _]] = value(comfy, ("encode", 0), load=LOAD, canvas=CANVAS, encode=encode)
    assert tokens["shape"] == [1, 2 * 77, 768]


def test_resonance_region_from_conditioning(comfy: Comfy) -> None:
    assert hues(pictures(comfy, with_words(COUPLE, False))[0]) == ("red", "blue")


def test_resonance_regions_from_mask(comfy: Comfy) -> None:
    nodes = from_mask("a red AND a red AND the", (SWAP, 1.0))
    assert hues(pictures(comfy, nodes)[0]) == ("blue", "red")


def test_resonance_lora_stack(comfy: Comfy) -> None:
    swap = stack(("tiny_lora.safetensors", 2.0), multipliers="0.5", model=MODEL, clip=CLIP)
    assert hue(picture(comfy, stacked({"stack": swap})).whole) == "blue"


def test_resonance_lora_metadata(comfy: Comfy) -> None:
    metadata = node("ResonanceLoRAMetadata", lora="tiny_lora.safetensors", count=5)
    assert value(comfy, ("metadata", 0), metadata=metadata) == "{}"


def test_resonance_region_heat(comfy: Comfy) -> None:
    nodes = place(HALVES, COUPLE, {"capture": "16"})
    nodes["heat"] = node("ResonanceRegionHeat", model=["regions", 0], image=["decode", 0], opacity=1.0)
    nodes["names"] = node("ProbeValue", value=["heat", 2])
    out = comfy.run(paint("tiny_sd15", ["regions", 1], ["regions", 2], model=["regions", 0], nodes=nodes))
    assert json.loads(out["names"]["value"][0]) == ["global", "region 1", "region 2"]
    assert len(out["heat"]["resonance_heat"][0]["maps"]) == 3


# Variations, and batches of lines


def test_resonance_per_picture_noise(comfy: Comfy) -> None:
    parts = {"batch": ours("euler_ancestral", "many"), "alone": ksampler("euler_ancestral", SEED + 1)}
    parts["last"] = node("LatentFromBatch", samples=["batch", 0], batch_index=1, length=1)
    out = comfy.run({**base(), **sampling("euler_ancestral"), **parts, **compared("last", ["alone"])})
    assert apart(out) <= LEVEL


def test_resonance_gradual_latent(comfy: Comfy) -> None:
    [grown] = look(comfy.run(painted(gradual(**QUICK), size=(72, 64))))
    assert (grown.size, hue(grown.whole)) == ((72, 64), "red")


def test_resonance_transform(comfy: Comfy) -> None:
    graph = {
        "transform": node("ResonanceTransform", transform="beast"),
        "scales": node("ProbeValue", value=["transform", 1]),
    }
    assert json.loads(comfy.run(comfy.complete(graph))["scales"]["value"][0]) == [6, 6, 6]


def test_resonance_vary(comfy: Comfy) -> None:
    before = put(comfy, "small.png", (32, 32))
    prompt = vary({"program": "6@.1 > 7@.12", "save_middle": True}, image="small.png", iterations=1)
    del prompt["record"]
    prompt["vary"]["inputs"] |= {"model": MODEL, "vae": VAE}
    saved = comfy.run(comfy.complete(prompt))["save"]["images"]
    means = [mean(output(comfy) / each["filename"]) for each in saved]
    assert len(means) == 2 and all(red > before[..., 0].mean() + 5 for red, _, _ in means)  # the words say red


def test_resonance_color_match(comfy: Comfy) -> None:
    match = node("ResonanceColorMatch", image=["red", 0], reference=["blue", 0], mode="S")
    red, _, blue = value(comfy, ("match", 0), red=RED_PICTURE, blue=BLUE_PICTURE, match=match)["mean"]
    assert blue > red


# Nodes of older packs


def old_canvas(text: str = LAYOUT) -> dict[str, Any]:
    return old("OmostLoadCanvasConditioningNode", json_str=text)


def masks(comfy: Comfy, canvas: dict[str, Any], output: int = 0, **nodes: dict[str, Any]) -> list[int]:
    """The shape of the masks that a node's canvas is rendered as."""
    render = old("OmostRenderCanvasConditioningNode", canvas_conds=["canvas", output])
    return value(comfy, ("render", 1), canvas=canvas, render=render, **nodes)["shape"]


def test_omost_llm_loader_node(comfy: Comfy) -> None:
    texts = Texts(comfy)
    name = "omost-dolphin-2.9-llama3-8b-4bits"
    file = comfy.base / "models" / "llm" / name / "any.gguf"
    file.parent.mkdir()
    file.touch()
    load = old("OmostLLMLoaderNode", llm_name=f"lllyasviel/{name}")
    comfy.run(shows({"llm": load}, value=["llm", 0]), client_id="texts")
    assert texts.on("llm", 1)[0].startswith("any")


def chatted(comfy: Comfy, fake: FakeLLM, llm: dict[str, Any]) -> list[int]:
    """The shape of the masks of what a model laid out."""
    fake.script = [(PROGRAM, "stop")]
    return masks(comfy, old("OmostLLMChatNode", llm=["llm", 0], text="a sea"), 1, llm=llm)


def test_omost_llm_http_server_node(comfy: Comfy, fake: FakeLLM) -> None:
    llm = old("OmostLLMHTTPServerNode", address=fake.url + "/tgi", api_type="TGI")
    assert chatted(comfy, fake, llm) == [2, 90, 90]


def test_omost_llm_chat_node(comfy: Comfy, fake: FakeLLM) -> None:
    assert chatted(comfy, fake, connect(fake.url + "/ok")) == [2, 90, 90]


def test_omost_load_canvas_conditioning_node(comfy: Comfy) -> None:
    assert masks(comfy, old_canvas()) == [2, 90, 90]


def test_omost_load_canvas_python_code_node(comfy: Comfy) -> None:
    assert masks(comfy, old("OmostLoadCanvasPythonCodeNode", python_str=PROGRAM)) == [2, 90, 90]


def test_omost_render_canvas_conditioning_node(comfy: Comfy) -> None:
    render = old("OmostRenderCanvasConditioningNode", canvas_conds=["canvas", 0])
    red, green, blue = value(comfy, ("render", 0), canvas=old_canvas(), render=render)["mean"]
    assert blue > red > 0.1 and green == 0


def test_omost_greedy_bags_text_embedding_node(comfy: Comfy) -> None:
    bags = old("OmostGreedyBagsTextEmbeddingNode", canvas_conds=["canvas", 0], clip=CLIP)
    [[tokens, _]] = value(comfy, ("bags", 0), load=LOAD, canvas=old_canvas(), bags=bags)
    assert tokens["shape"] == [1, 2 * 77, 768]


def test_omost_layout_cond_node(comfy: Comfy) -> None:
    assert hues(old_halves(comfy, "area")) == ("red", "blue")


def test_omost_dense_diffusion_layout_node(comfy: Comfy) -> None:
    assert hues(old_halves(comfy, "dense")) == ("red", "blue")


def test_dense_diffusion_add_cond_node(comfy: Comfy) -> None:
    assert hues(old_halves(comfy, "parts")) == ("red", "blue")


def test_dense_diffusion_apply_node(comfy: Comfy) -> None:
    nodes = {
        "words": node("CLIPTextEncode", clip=CLIP, text="green"),
        "add": old("DenseDiffusionAddCondNode", model=MODEL, conditioning=["words", 0]),
        "apply": old("DenseDiffusionApplyNode", model=["add", 0]),
    }
    look = picture(comfy, paint("tiny_sd15", ["apply", 1], model=["apply", 0], nodes=nodes))
    assert look.whole[1] > max(look.whole[0], look.whole[2]) + 50
