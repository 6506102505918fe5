"""Both engines give the scores of a plain run of each model's documented recipe, on odd pictures."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import timm
import torch
import torchvision.transforms.functional as tvf
from models.tagger import NAMES, onnx_graph, timm_config, vit_config, write_csv
from PIL import Image
from safetensors.torch import save_file
from timm.data import create_transform, resolve_data_config

from resonance.interpret.taggers import engine
from resonance.interpret.taggers.models import MODELS, TABLE
from resonance.interpret.taggers.recipe import Recipe

WHITE = (255, 255, 255)
CLIP = {"mean": (0.48145466, 0.4578275, 0.40821073), "std": (0.26862954, 0.26130258, 0.27577711)}
IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
HALF = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}


def odd_pictures() -> dict[str, Image.Image]:
    rng = np.random.default_rng(0)

    def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
        coarse = Image.fromarray(rng.integers(0, 256, (5, 6, 4), np.uint8), "RGBA")
        return coarse.resize((width, height), Image.Resampling.BICUBIC).convert(mode)

    clear = noise(90, 60).quantize(16)
    clear.info["transparency"] = 3
    return {
        "wide": noise(700, 90),
        "tall": noise(60, 500),
        "thread": noise(900, 2),
        "square": noise(448, 448),
        "one pixel": Image.new("RGB", (1, 1), (200, 40, 90)),
        "RGBA": noise(200, 150, "RGBA"),
        "LA": noise(150, 200, "LA"),
        "grey": noise(130, 77, "L"),
        "palette": noise(123, 77).quantize(32),
        "palette with transparency": clear,
    }


# The recipes, each as its own source writes it.


def over_white(image: Image.Image) -> Image.Image:
    image = image.convert("RGBA")
    canvas = Image.new("RGBA", image.size, WHITE)
    canvas.alpha_composite(image)
    return canvas.convert("RGB")


def square(image: Image.Image) -> Image.Image:
    side = max(image.size)
    padded = Image.new("RGB", (side, side), WHITE)
    padded.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return padded


def wd(image: Image.Image) -> np.ndarray:
    """app.py of the space SmilingWolf/wd-tagger."""
    padded = square(over_white(image))
    if padded.width != 448:
        padded = padded.resize((448, 448), Image.BICUBIC)
    return np.asarray(padded, dtype=np.float32)[:, :, ::-1][None]


def cl(image: Image.Image) -> np.ndarray:
    """The example of cella110n/cl_tagger."""
    array = np.array(square(over_white(image)).resize((448, 448), Image.BICUBIC)).astype(np.float32) / 255.0
    array = array.transpose(2, 0, 1)[::-1]
    return ((array - 0.5) / 0.5)[None].astype(np.float32)


def pixai(image: Image.Image) -> np.ndarray:
    """preprocess.json of deepghs/pixai-tagger-v0.9-onnx: resize without keeping the aspect, to tensor, normalise."""
    tensor = tvf.to_tensor(over_white(image).resize((448, 448), Image.BILINEAR))
    return tvf.normalize(tensor, [0.5] * 3, [0.5] * 3)[None].numpy()


def camie(image: Image.Image) -> np.ndarray:
    """onnx_inference.py of Camais03/camie-tagger-v2 (which drops transparency; here it lies over white)."""
    image = over_white(image)
    aspect = image.width / image.height
    if aspect > 1:
        width, height = 512, int(512 / aspect)
    else:
        width, height = int(512 * aspect), 512
    image = image.resize((max(width, 1), max(height, 1)), Image.LANCZOS)
    canvas = Image.new("RGB", (512, 512), (124, 116, 104))
    canvas.paste(image, ((512 - image.width) // 2, (512 - image.height) // 2))
    return tvf.normalize(tvf.to_tensor(canvas), IMAGENET["mean"], IMAGENET["std"])[None].numpy()


def joytag(image: Image.Image) -> np.ndarray:
    """The example of fancyfeast/joytag."""
    padded = square(over_white(image))
    if padded.width != 448:
        padded = padded.resize((448, 448), Image.BICUBIC)
    return tvf.normalize(tvf.pil_to_tensor(padded) / 255.0, CLIP["mean"], CLIP["std"])[None].numpy()


NCHW = {"channels_first": True}
LAYOUTS = {
    "wd": (wd, {}),
    "cl_tagger_1_02": (cl, {**NCHW, **HALF, "logits": True}),
    "pixai-tagger-v0.9": (pixai, {**NCHW, **HALF, "bgr": False, "outputs": ("embedding", "logits", "prediction")}),
    "camie-tagger-v2": (
        camie,
        {**NCHW, **IMAGENET, "bgr": False, "size": 512, "logits": True, "outputs": ("first", "refined_predictions")},
    ),
    "joytag": (joytag, {**NCHW, **CLIP, "bgr": False, "logits": True}),
}


def layout(name: str) -> str:
    return "wd" if name.startswith("wd-") else name


def write_labels(path: Path) -> None:
    if path.suffix == ".csv":
        write_csv(path)
    elif path.suffix == ".txt":
        path.write_text("\n".join(NAMES), encoding="utf-8")
    elif path.name == "tag_mapping.json":
        path.write_text(json.dumps({str(i): {"tag": name, "category": "General"} for i, name in enumerate(NAMES)}))
    else:
        mapping = {"idx_to_tag": {str(i): name for i, name in enumerate(NAMES)}, "tag_to_category": {}}
        path.write_text(json.dumps({"dataset_info": {"tag_mapping": mapping}}))


def write_onnx(folder: Path, name: str) -> engine.Tagger:
    """A tagger in the layout of ``name`` that looks at 32 x 32 pixels at a time, with random weights."""
    folder.mkdir()
    _, form = LAYOUTS[layout(name)]
    rng = np.random.default_rng(1)
    features = 3 * (form.get("size", 448) // 32) ** 2
    weights, bias = rng.normal(0, 0.1, (features, len(NAMES))), rng.normal(0, 0.5, len(NAMES))
    onnx_graph(folder / MODELS[name].graph, weights, bias, **form)
    write_labels(folder / MODELS[name].labels)
    return engine.Tagger(MODELS[name], folder, "onnx")


SMALL = {
    "wd-vit-tagger-v3": vit_config(len(NAMES), 64, embed_dim=32, depth=2, num_heads=2),
    "wd-vit-large-tagger-v3": timm_config(
        "vit_large_patch16_224",
        len(NAMES),
        64,
        img_size=64,
        class_token=False,
        global_pool="avg",
        embed_dim=32,
        depth=2,
        num_heads=2,
    ),
    "wd-convnext-tagger-v3": timm_config("convnext_base", len(NAMES), 64, depths=[1, 1, 1, 1], dims=[8, 16, 24, 32]),
    "wd-swinv2-tagger-v3": timm_config(
        "swinv2_base_window8_256",
        len(NAMES),
        64,
        img_size=64,
        window_size=4,
        embed_dim=16,
        depths=[1, 1, 1, 1],
        num_heads=[1, 2, 2, 4],
    ),
    "wd-eva02-large-tagger-v3": timm_config(
        "eva02_large_patch14_448", len(NAMES), 56, img_size=56, embed_dim=32, depth=2, num_heads=2
    ),
}


def write_torch(folder: Path, name: str) -> tuple[engine.Tagger, torch.nn.Module]:
    """A small model of the architecture of ``name`` with random weights, and that model as timm makes it."""
    folder.mkdir()
    config = SMALL[name]
    torch.manual_seed(0)
    model = timm.create_model(
        config["architecture"], pretrained_cfg=config["pretrained_cfg"], num_classes=len(NAMES), **config["model_args"]
    ).eval()
    for key, weight in model.named_parameters():
        if key.startswith("head") and key.endswith("weight") and weight.ndim > 1:
            torch.nn.init.normal_(weight, std=2.0)
    save_file(model.state_dict(), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))
    write_csv(folder / "selected_tags.csv")
    return engine.Tagger(MODELS[name], folder, "torch"), model


def plain_onnx(tagger: engine.Tagger, picture: Image.Image) -> np.ndarray:
    prepare, form = LAYOUTS[layout(tagger.model.name)]
    session = onnxruntime.InferenceSession(str(tagger.weights), providers=["CPUExecutionProvider"])
    output = session.run(None, {session.get_inputs()[0].name: prepare(picture)})[-1][0]
    return 1 / (1 + np.exp(-output)) if form.get("logits") else output


def plain_torch(model: torch.nn.Module, picture: Image.Image) -> np.ndarray:
    """wdv3_timm.py of neggles/wdv3-timm, to which SmilingWolf's pages point."""
    transform = create_transform(**resolve_data_config(model.pretrained_cfg, model=model))
    inputs = transform(square(over_white(picture))).unsqueeze(0)[:, [2, 1, 0]]
    with torch.inference_mode():
        return torch.sigmoid(model(inputs))[0].numpy()


@pytest.mark.parametrize("name", MODELS)
def test_onnx_scores_equal_the_documented_recipe(tmp_path: Path, name: str) -> None:
    tagger = write_onnx(tmp_path / name, name)
    loaded = engine.load(tagger)
    for kind, picture in odd_pictures().items():
        np.testing.assert_allclose(loaded.scores([picture])[0], plain_onnx(tagger, picture), atol=1e-5, err_msg=kind)


@pytest.mark.parametrize("name", [model.name for model in TABLE if model.torch])
def test_torch_scores_equal_the_documented_recipe(tmp_path: Path, name: str) -> None:
    tagger, model = write_torch(tmp_path / name, name)
    loaded = engine.load(tagger)
    rows = []
    for kind, picture in odd_pictures().items():
        rows.append(loaded.scores([picture])[0])
        np.testing.assert_allclose(rows[-1], plain_torch(model, picture), atol=1e-5, err_msg=kind)
    assert np.ptp(rows, axis=0).max() > 0.1, "the model must tell these pictures apart, else nothing is shown"


WRONG: dict[str, Callable[[Recipe], Recipe]] = {
    "colour order": lambda r: replace(r, bgr=not r.bgr),
    "fit": lambda r: replace(r, fit="pad" if r.fit != "pad" else "stretch"),
    "order of padding and resizing": lambda r: replace(
        r, fit="letterbox" if r.fit != "letterbox" else "pad", pad=(0, 0, 0)
    ),
    "border": lambda r: replace(r, pad=(0, 0, 0), fit="pad"),
    "filter": lambda r: replace(r, resample=Image.Resampling.NEAREST),
    "normalisation": lambda r: replace(r, mean=(0.4, 0.5, 0.6), std=(0.25, 0.25, 0.25)),
    "sigmoid": lambda r: replace(r, logits=not r.logits),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("name", LAYOUTS)
def test_a_wrong_recipe_gives_other_scores(tmp_path: Path, name: str, wrong: str) -> None:
    name = "wd-vit-tagger-v3" if name == "wd" else name
    tagger = write_onnx(tmp_path / name, name)
    bad = replace(tagger, model=replace(tagger.model, onnx=WRONG[wrong](tagger.model.onnx)))
    pictures = [picture for kind, picture in odd_pictures().items() if kind in ("wide", "tall", "RGBA")]
    assert np.abs(engine.load(bad).scores(pictures) - engine.load(tagger).scores(pictures)).max() > 1e-3


@pytest.mark.parametrize("batch", ["n", 1, 3])
def test_a_batch_scores_like_single_pictures_even_where_the_graph_fixes_its_size(
    tmp_path: Path, batch: int | str
) -> None:
    rng = np.random.default_rng(1)
    onnx_graph(tmp_path / "model.onnx", rng.normal(0, 0.1, (588, len(NAMES))), np.zeros(len(NAMES)), batch=batch)
    write_csv(tmp_path / "selected_tags.csv")
    tagger = engine.Tagger(MODELS["wd-v1-4-moat-tagger-v2"], tmp_path, "onnx")
    loaded, pictures = engine.load(tagger), list(odd_pictures().values())
    together = loaded.scores(pictures)
    assert together.shape == (len(pictures), len(NAMES))
    np.testing.assert_allclose(together, np.concatenate([loaded.scores([p]) for p in pictures]), atol=1e-5)


def test_pictures_are_turned_upright(tmp_path: Path) -> None:
    loaded = engine.load(write_onnx(tmp_path / "x", "wd-vit-tagger-v3"))
    upright = odd_pictures()["wide"]
    turned = upright.transpose(Image.Transpose.ROTATE_90)
    turned.getexif()[0x0112] = 6
    np.testing.assert_allclose(loaded.scores([turned]), loaded.scores([upright]), atol=1e-5)


def test_the_size_of_the_graph_wins(tmp_path: Path) -> None:
    weights = np.random.default_rng(1).normal(0, 0.1, (3 * 49, len(NAMES)))
    onnx_graph(tmp_path / "model.onnx", weights, np.zeros(len(NAMES)), size=224)
    write_csv(tmp_path / "selected_tags.csv")
    loaded = engine.load(engine.Tagger(MODELS["wd-vit-tagger-v3"], tmp_path, "onnx"))
    assert loaded.recipe.size == 224
    assert loaded.scores([Image.new("RGB", (50, 50))]).shape == (1, len(NAMES))
