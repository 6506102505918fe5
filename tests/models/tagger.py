"""Tiny taggers for both engines. Their tags follow from the mean colour of the picture."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

RATING, GENERAL, CHARACTER = 9, 0, 4
DOMINANT = {c: [1.0 if i == k else -0.5 for i in range(3)] for k, c in enumerate(("red", "green", "blue"))}
LIGHT = [1 / 3] * 3

# name, category, weights of the mean R, G, B in 0..1, bias: the score is the sigmoid of the sum.
TAGS: tuple[tuple[str, int, list[float], float], ...] = (
    ("general", RATING, [0, 0, 0], 2),
    ("sensitive", RATING, [6 * w for w in DOMINANT["red"]], 0),
    ("questionable", RATING, [0, 0, 0], -4),
    ("explicit", RATING, [0, 0, 0], -6),
    *((colour, GENERAL, [30 * w for w in weights], -1.5) for colour, weights in DOMINANT.items()),
    ("bright", GENERAL, [20 * w for w in LIGHT], -10),
    ("black", GENERAL, [-40 * w for w in LIGHT], 4),
    # The rest is for white pictures only, to keep it out of prompts that shall paint a colour.
    ("^_^", GENERAL, [60 * w for w in LIGHT], -54),
    ("paper_(material)", GENERAL, [60 * w for w in LIGHT], -55),
    ("snow_queen_(tale)", CHARACTER, [60 * w for w in LIGHT], -53),
    ("moon_rabbit", CHARACTER, [0, 0, 0], -3),
)
NAMES = [tag[0] for tag in TAGS]


def build(folder: Path) -> None:
    """Writes ``taggers/tiny-torch`` and ``taggers/tiny-onnx`` into a ``models`` folder."""
    torch_tagger(folder / "taggers" / "tiny-torch")
    onnx_tagger(folder / "taggers" / "tiny-onnx")


def onnx_tagger(folder: Path, graph: str = "model.onnx") -> None:
    """A folder in the form of the WD taggers."""
    folder.mkdir(parents=True)
    weights, bias = _wiring()
    onnx_graph(folder / graph, weights, bias)
    write_csv(folder / "selected_tags.csv")


def torch_tagger(folder: Path) -> None:
    """A folder in the form of the WD v3 taggers: a ViT whose blocks add nothing, so that the head sees mean colours."""
    import timm
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    config = vit_config(len(TAGS), embed_dim=4, depth=1, num_heads=1, mlp_ratio=1, final_norm=False)
    model = timm.create_model(config["architecture"], num_classes=len(TAGS), **config["model_args"])
    state = {name: torch.zeros_like(weight) for name, weight in model.state_dict().items()}
    weights, bias = (torch.from_numpy(values) for values in _wiring())
    for channel in range(3):
        state["patch_embed.proj.weight"][channel, channel] = 1 / 256
    # The input is B, G, R in -1..1.
    state["head.weight"][:, :3] = weights.flip(0).T / 2
    state["head.bias"][:] = bias + weights.sum(0) / 2
    save_file(state, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))
    write_csv(folder / "selected_tags.csv")


def vit_config(classes: int, img_size: int = 448, **model_args: Any) -> dict[str, Any]:
    """``config.json`` as wd-vit-tagger-v3 has it."""
    args = {"class_token": False, "global_pool": "avg", "fc_norm": False, "act_layer": "gelu_tanh"}
    return timm_config("vit_base_patch16_224", classes, img_size, img_size=img_size, **args, **model_args)


def timm_config(architecture: str, classes: int, size: int, **model_args: Any) -> dict[str, Any]:
    return {
        "architecture": architecture,
        "num_classes": classes,
        "model_args": model_args,
        "pretrained_cfg": {
            "custom_load": False,
            "input_size": [3, size, size],
            "fixed_input_size": False,
            "interpolation": "bicubic",
            "crop_pct": 1.0,
            "crop_mode": "center",
            "mean": [0.5, 0.5, 0.5],
            "std": [0.5, 0.5, 0.5],
            "num_classes": classes,
            "pool_size": None,
            "first_conv": None,
            "classifier": None,
        },
    }


def write_csv(path: Path, ips: bool = False) -> None:
    """``selected_tags.csv``; ``ips`` is PixAI's further column."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["tag_id", "name", "category", "count", *(["ips"] if ips else [])])
        for i, (name, category, *_) in enumerate(TAGS):
            rows.writerow([9999990 + i, name, category, 1000 - i, *(["[]"] if ips else [])])


def onnx_graph(
    path: Path,
    weights: np.ndarray,
    bias: np.ndarray,
    *,
    size: int = 448,
    channels_first: bool = False,
    bgr: bool = True,
    mean: Sequence[float] | None = None,
    std: Sequence[float] = (1, 1, 1),
    batch: int | str = "batch_size",
    outputs: Sequence[str] = ("output",),
    logits: bool = False,
) -> None:
    """A linear tagger over the mean colours of a grid of tiles: the graph takes the input that the arguments describe back to
    R, G, B in 0..1.

    Args:
        weights: ``[3 * grid * grid, tags]``, features in the order channel, row, column.
        outputs: names; only the last one holds the scores, those before are zero.
    """
    import onnx
    from onnx import TensorProto, numpy_helper
    from onnx.helper import make_graph, make_model, make_node, make_opsetid, make_tensor_value_info

    tile = size // round((len(weights) / 3) ** 0.5)
    scale, shift = (np.full(3, 1 / 255), np.zeros(3)) if mean is None else (np.asarray(std), np.asarray(mean))
    order = [2, 1, 0] if bgr else [0, 1, 2]
    constants = {
        "scale": scale[order].reshape(3, 1, 1).astype(np.float32),
        "shift": shift[order].reshape(3, 1, 1).astype(np.float32),
        "order": np.array(order, np.int64),
        "weights": weights.astype(np.float32),
        "bias": bias.astype(np.float32),
        "zero": np.zeros((), np.float32),
    }
    nodes = [
        make_node(
            "Identity" if channels_first else "Transpose",
            ["input"],
            ["nchw"],
            **({} if channels_first else {"perm": [0, 3, 1, 2]}),
        ),
        make_node("Mul", ["nchw", "scale"], ["scaled"]),
        make_node("Add", ["scaled", "shift"], ["unit"]),
        make_node("Gather", ["unit", "order"], ["rgb"], axis=1),
        make_node("AveragePool", ["rgb"], ["tiles"], kernel_shape=[tile, tile], strides=[tile, tile]),
        make_node("Flatten", ["tiles"], ["features"]),
        make_node("Gemm", ["features", "weights", "bias"], ["sum"]),
        make_node("Identity" if logits else "Sigmoid", ["sum"], [outputs[-1]]),
        *(make_node("Mul", ["sum", "zero"], [name]) for name in outputs[:-1]),
    ]
    shape = [batch, 3, size, size] if channels_first else [batch, size, size, 3]
    graph = make_graph(
        nodes,
        "tiny",
        [make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        [make_tensor_value_info(name, TensorProto.FLOAT, [batch, len(bias)]) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = make_model(graph, opset_imports=[make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _wiring() -> tuple[np.ndarray, np.ndarray]:
    """Weights ``[3, tags]`` of mean R, G, B and biases ``[tags]``."""
    return np.array([tag[2] for tag in TAGS], np.float32).T, np.array([tag[3] for tag in TAGS], np.float32)
