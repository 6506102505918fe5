"""Gradient Guidance in a real ComfyUI: pictures come nearer to words and pictures, and what cannot guide is one sentence."""

import json
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from models.guides import EYE, FILE, FOLDER, vgg16
from PIL import Image
from safetensors.torch import save_file

from .comfy import Comfy, RunFailed, node
from .paint import MODEL, VAE, Link, Look, look, paint
from .per_line import line, objects
from .referring import plain, vision

TEXT, PICTURE, VGG16 = "text by CLIP", "picture by CLIP", "picture by VGG16"
GUIDES: dict[str, dict[str, Any]] = {
    TEXT: {"clip": FOLDER, "text": "a red cat"},
    PICTURE: {"clip": "none", "image": ["red", 0], "clip_vision": ["eye", 0]},
    VGG16: {"image": ["red", 0], "vgg": FILE, "layer": 20},
}
SEEN = {**plain("red", "blue"), "eye": vision(EYE.removesuffix(".safetensors"))}
SEEN["31"] = node("PrimitiveInt", value=31)
SEEN["siglip"] = node("OtherVision", clip_vision=["eye", 0])


pytestmark = pytest.mark.usefixtures("guides")


def guide(kind: str, model: Link = MODEL, item: Link | None = None, **more: Any) -> dict[str, Any]:
    widgets = {"scale": 100.0, "start": 0.0, "end": 1.0, "shrink": 1.0, "limit": False}
    given = {f"guide.{name}": more.pop(name, value) for name, value in GUIDES[kind].items()}
    given = {name: value for name, value in given.items() if value is not None}
    return node(
        "ResonanceGradientGuidance",
        model=model,
        vae=VAE,
        guide=kind,
        **given,
        **widgets | more,
        **({"item": item} if item else {}),
    )


def painted(comfy: Comfy, guidance: dict[str, Any] | None, batch: int = 1, steps: int = 4, **nodes: Any) -> list[Look]:
    nodes = {**SEEN, **nodes, **({"guide": guidance} if guidance else {})}
    model = ["guide", 0] if guidance else MODEL
    return look(comfy.run(paint("tiny_sd15", "the", model=model, nodes=nodes, batch=batch)))


def red(**how: Any) -> dict[str, Any]:
    """By the colours that the first layer of VGG16 sees: CLIP ViT-L takes a second for each step."""
    return guide(VGG16, layer=1, scale=how.pop("scale", 200.0), **how)


def test_red_grows_with_the_scale(comfy: Comfy):
    seen = [painted(comfy, guide(PICTURE, scale=scale))[0].whole[0] for scale in (0.0, 300.0)]
    assert seen[0] + 10 < seen[1], seen
    reds = [painted(comfy, red(scale=scale))[0].whole[0] for scale in (0.0, 50.0, 100.0, 200.0)]
    assert all(one + 3 < other for one, other in pairwise(reds)), reds


def test_half_of_the_size_and_of_the_steps_will_do(comfy: Comfy):
    plain, *pulled = (
        painted(comfy, red(**how))[0].whole[0]
        for how in ({"start": 1.0}, {"shrink": 0.5}, {"end": 0.5}, {"start": 0.5})
    )
    assert all(each > plain + 3 for each in pulled), (plain, pulled)


def test_a_limit_holds_back_what_pulls_too_far(comfy: Comfy):
    def found(**how: Any) -> float:
        graph = paint("tiny_sd15", "the", model=["guide", 0], nodes={**SEEN, "guide": red(**how)}, cfg=1.1)
        return look(comfy.run(graph))[0].whole[0]

    plain, limited, free = found(scale=0.0), found(limit=True), found()
    assert plain < limited < (plain + free) / 2


def test_each_picture_of_a_batch_has_its_own_goal(comfy: Comfy):
    both = node("ImageBatch", image1=["red", 0], image2=["blue", 0])
    in_turn, reds, blues = (
        [each.pixels for each in painted(comfy, red(image=[name, 0]), batch=3, both=both)]
        for name in ("both", "red", "blue")
    )
    assert in_turn == [reds[0], blues[1], reds[2]] and not set(reds) & set(blues)


def saved(comfy: Comfy, guidance: dict[str, Any] | None, **nodes: Any) -> torch.Tensor:
    """The picture ``[1, 3, H, W]``."""
    graph = paint(
        "tiny_sd15",
        "the",
        model=["guide", 0] if guidance else MODEL,
        nodes={**SEEN, **nodes, **({"guide": guidance} if guidance else {})},
    )
    graph["save"] = node("SaveImage", images=["decode", 0], filename_prefix="guided")
    [made] = comfy.run(graph)["save"]["images"]
    picture = Image.open(comfy.base / "output" / made["filename"]).convert("RGB")
    return torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8).view(1, 64, 64, 3).movedim(-1, 1) / 255


def test_the_loss_of_vgg16_falls(comfy: Comfy):
    from torch.nn.functional import interpolate, mse_loss
    from torchvision.models import vgg16 as network
    from torchvision.transforms.functional import normalize

    with torch.device("meta"):
        features = network().features[:21]
    features.load_state_dict(
        {key.removeprefix("features."): each for key, each in vgg16().items()}, assign=True, strict=False
    )

    def seen(picture: torch.Tensor) -> torch.Tensor:
        small = interpolate(picture, scale_factor=0.25, mode="bilinear", antialias=True)
        return features(normalize(small, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))

    goal = torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1).expand(1, 3, 64, 64)
    with torch.no_grad():
        losses = [
            mse_loss(seen(saved(comfy, guidance)), seen(goal)).item() for guidance in (None, guide(VGG16, scale=100.0))
        ]
    assert losses[1] < 0.9 * losses[0], losses


def test_clip_finds_its_words_nearer(comfy: Comfy, guides: Path):
    from transformers import CLIPModel, CLIPTokenizerFast

    folder = guides / "clip_guidance" / FOLDER
    model: Any = CLIPModel.from_pretrained(folder)
    tokenizer: Any = CLIPTokenizerFast.from_pretrained(folder)
    mean, deviation = (
        torch.tensor(each).view(1, 3, 1, 1) for each in ((0.4815, 0.4578, 0.4082), (0.2686, 0.2613, 0.2758))
    )

    def likeness(picture: torch.Tensor, words: str) -> float:
        small = torch.nn.functional.interpolate(picture, (32, 32), mode="bilinear", antialias=True)
        with torch.no_grad():
            found = model(pixel_values=(small - mean) / deviation, **tokenizer(words, return_tensors="pt"))
        return torch.cosine_similarity(found.image_embeds, found.text_embeds).item()

    long = "cab " * 100
    item = line("--c " + long)
    for words, more in (("a red cat", {"text": "a (red:1.5) [cat]"}), ("cab " * 25, {"item": ["item", 0]})):
        pulled = saved(comfy, guide(TEXT, scale=300.0, **more), item=item)
        assert likeness(pulled, words) > likeness(saved(comfy, None), words) + 0.01


def test_the_same_model_comes_out_for_as_long_as_the_same_is_asked_for(comfy: Comfy):
    items = {
        f"{name} item": line(options)
        for name, options in {"one": "--c cab", "again": "--c cab", "other": "--c bad"}.items()
    }
    nodes = {name: guide(TEXT, item=[f"{name} item", 0]) for name in ("one", "again", "other")}
    nodes |= {"off": guide(TEXT, scale=0.0, clip="gone"), "never": guide(VGG16, start=0.5, end=0.5, vgg="gone")}
    found = objects(
        comfy, {**items, **nodes, "red": SEEN["red"], "load": node("LoadSmall", ckpt_name="tiny_sd15.safetensors")}
    )
    assert found["one"] == found["again"] != found["other"]
    assert found["off"] == found["never"] == found["load"] not in (found["one"], found["other"])


def test_clip_vision_is_left_as_it_was(comfy: Comfy):
    graph = {"eye": SEEN["eye"], "check": node("CheckVision", clip_vision=["eye", 0])}
    assert comfy.run(graph)["check"]["same"] == [True, True, True, True]


# What cannot guide


def clip_folder(change: Callable[[Path], object]) -> Callable[[Path], object]:
    def build(models: Path) -> None:
        folder = models / "clip_guidance" / "other"
        shutil.copytree(models / "clip_guidance" / FOLDER, folder)
        change(folder)

    return build


def other(name: str, data: bytes | dict[str, torch.Tensor]) -> Callable[[Path], object]:
    def build(models: Path) -> None:
        path = models / "vgg" / name
        if isinstance(data, bytes):
            path.write_bytes(data)
        else:
            (save_file if name.endswith("safetensors") else torch.save)(data, path)  # pyright: ignore[reportArgumentType]

    return build


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def bert(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))


def less(folder: Path) -> None:
    from safetensors.torch import load_file

    weights = load_file(folder / "model.safetensors")
    del weights["text_projection.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def cut(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:5000])


CLIP_PAGE = "It is at https://huggingface.co/laion/CLIP-ViT-B-32-laion2B-s34B-b79K."
VGG_PAGE = "It is at https://docs.pytorch.org/vision/stable/models/generated/torchvision.models.vgg16.html."
NOTHING: Callable[[Path], object] = lambda models: None  # noqa: E731
WRONG: dict[str, tuple[Callable[[Path], object], dict[str, Any], str]] = {
    "no folder": (
        NOTHING,
        guide(TEXT, clip="gone"),
        f"There is no folder 'gone' in <models>. models/clip_guidance takes a folder with the files of a CLIP, as transformers writes it: config.json, model.safetensors and those of its tokenizer. {CLIP_PAGE} Nearest: {FOLDER}.",
    ),
    "outside": (
        NOTHING,
        guide(TEXT, clip="../clip_guidance/tiny clip"),
        "There is no folder '../clip_guidance/tiny clip'",
    ),
    "none": (NOTHING, guide(TEXT, clip="none"), "No CLIP is chosen. models/clip_guidance takes a folder"),
    "nothing sees": (
        NOTHING,
        guide(PICTURE, clip_vision=None),
        "picture by CLIP needs what sees: connect clip_vision, or choose clip.",
    ),
    "no words": (NOTHING, guide(TEXT, text=" "), "text is empty: say what the picture shall show."),
    "pickled": (
        clip_folder(pickled),
        guide(TEXT, clip="other"),
        "other has no model.safetensors, and files of other kinds are not read, as they may hold programs. models/clip_guidance takes",
    ),
    "another model": (
        clip_folder(bert),
        guide(TEXT, clip="other"),
        "other holds a model of the kind bert. models/clip_guidance takes",
    ),
    "cut off": (clip_folder(cut), guide(TEXT, clip="other"), "other cannot be read: "),
    "without a tokenizer": (
        clip_folder(lambda folder: (folder / "vocab.json").unlink()),
        guide(TEXT, clip="other"),
        "other cannot be read: ",
    ),
    "weights are missing": (
        clip_folder(less),
        guide(TEXT, clip="other"),
        "other lacks weights, such as text_projection.weight.",
    ),
    "no file": (
        NOTHING,
        guide(VGG16, vgg="gone.pth"),
        f"There is no file 'gone.pth' in <models>. models/vgg takes vgg16-397923af.pth of torchvision, or the same as .safetensors. {VGG_PAGE} Nearest: {FILE}.",
    ),
    "no file at all": (NOTHING, guide(VGG16, vgg="none"), "No file of VGG16 is chosen. models/vgg takes"),
    "VGG11": (
        other("vgg11.pth", {"features.0.weight": torch.zeros(64, 3, 3, 3), "features.0.bias": torch.zeros(64)}),
        guide(VGG16, vgg="vgg11.pth"),
        "vgg11.pth is not VGG16: its features.2.weight is missing or has another size. models/vgg takes",
    ),
    "unreadable": (
        other("bad.safetensors", b"no numbers at all"),
        guide(VGG16, vgg="bad.safetensors"),
        "bad.safetensors cannot be read: ",
    ),
    "a program": (
        other("bad.pth", {"features.0.weight": Path("x")}),
        guide(VGG16, vgg="bad.pth"),
        "bad.pth holds more than numbers, and nothing else of it is read. models/vgg takes",
    ),
    "layer": (NOTHING, guide(VGG16, layer=["31", 0]), "layer is 31, and the layers of VGG16 go from 0 to 30."),
    "small": (NOTHING, guide(VGG16, layer=30), "Layer 30 of VGG16 sees nothing in a picture of 64 x 64"),
    "SigLIP": (
        NOTHING,
        guide(PICTURE, clip_vision=["siglip", 0]),
        "picture by CLIP needs a clip_vision that is CLIP, and this one is siglip_vision_model: connect another.",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_guide_is_one_sentence(comfy: Comfy, guides: Path, case: str):
    build, guidance, wanted = WRONG[case]
    before = {path for kind in ("vgg", "clip_guidance") for path in (guides / kind).iterdir()}
    try:
        build(guides)
        with pytest.raises(RunFailed) as error:
            painted(comfy, guidance)
    finally:
        for path in {path for kind in ("vgg", "clip_guidance") for path in (guides / kind).iterdir()} - before:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    said = str(error.value).strip()
    folder = comfy.base / "models" / ("vgg" if "vgg" in wanted else "clip_guidance")
    assert wanted.replace("<models>", str(folder)) in said, said
    assert "Traceback" not in said and "\n" not in said and "weights_only" not in said
