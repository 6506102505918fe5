"""The taggers we know: which files they are, where these come from, and the recipe of each. A new one is a new row."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from PIL import Image

from .labels import Board
from .recipe import HALF, Recipe

EngineName = Literal["torch", "onnx"]
EngineChoice = Literal["auto", "torch", "onnx"]

CSV = "selected_tags.csv"
WEIGHTS, CONFIG = "model.safetensors", "config.json"

# SmilingWolf's recipe. The graphs want pixels as they are, the timm weights want them in -1..1; both want blue first.
WD = Recipe()
WD_TIMM = Recipe(channels_first=True, mean=HALF, std=HALF, logits=True)
CL = Recipe(channels_first=True, mean=HALF, std=HALF, logits=True)
PIXAI = Recipe(
    fit="stretch",
    resample=Image.Resampling.BILINEAR,
    bgr=False,
    channels_first=True,
    mean=HALF,
    std=HALF,
    output="prediction",
)
CAMIE = Recipe(
    fit="letterbox",
    pad=(124, 116, 104),
    resample=Image.Resampling.LANCZOS,
    size=512,
    bgr=False,
    channels_first=True,
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    output="refined_predictions",
    logits=True,
)
JOYTAG = Recipe(
    bgr=False,
    channels_first=True,
    mean=(0.48145466, 0.4578275, 0.40821073),
    std=(0.26862954, 0.26130258, 0.27577711),
    logits=True,
)

Thresholds = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Model:
    """One row of the table.

    Attributes:
        name: the folder in ``models/taggers``.
        repo: id on the Hugging Face hub; empty for a folder that is not in the table.
        subfolder: folder of the repo in which the files lie.
        labels: file with the tags.
        onnx: recipe of the graph.
        graph: file name of the graph.
        torch: recipe of the timm weights; ``None`` where there are none.
        thresholds: the score that a tag must pass, by category; other categories go by ``general``.
        board: where its tags are from; ``None`` for a folder that is not in the table.
        size: of what is fetched for it, as a person reads it.
    """

    name: str
    repo: str = ""
    subfolder: str = ""
    labels: str = CSV
    onnx: Recipe = WD
    graph: str = "model.onnx"
    torch: Recipe | None = None
    thresholds: Thresholds = (("general", 0.35), ("character", 0.85))
    board: Board | None = "danbooru"
    size: str = "0.3 to 1.4 GB"

    @property
    def page(self) -> str:
        """Where a person finds the files."""
        return f"https://huggingface.co/{self.repo}" + (f"/tree/main/{self.subfolder}" if self.subfolder else "")

    def weights(self, engine: EngineName) -> str:
        return WEIGHTS if engine == "torch" else self.graph

    def files(self, engine: EngineName) -> tuple[str, ...]:
        """The files that the engine needs, the big one first."""
        return (WEIGHTS, CONFIG, self.labels) if engine == "torch" else (self.graph, self.labels)


TABLE = (
    Model("wd-vit-tagger-v3", "SmilingWolf/wd-vit-tagger-v3", torch=WD_TIMM, size="0.4 GB"),
    Model("wd-convnext-tagger-v3", "SmilingWolf/wd-convnext-tagger-v3", torch=WD_TIMM),
    Model("wd-swinv2-tagger-v3", "SmilingWolf/wd-swinv2-tagger-v3", torch=WD_TIMM),
    Model("wd-vit-large-tagger-v3", "SmilingWolf/wd-vit-large-tagger-v3", torch=WD_TIMM),
    Model(
        "wd-eva02-large-tagger-v3",
        "SmilingWolf/wd-eva02-large-tagger-v3",
        torch=WD_TIMM,
        thresholds=(("general", 0.5), ("character", 0.85)),
    ),
    Model("wd-v1-4-moat-tagger-v2", "SmilingWolf/wd-v1-4-moat-tagger-v2"),
    Model(
        "pixai-tagger-v0.9",
        "deepghs/pixai-tagger-v0.9-onnx",
        onnx=PIXAI,
        thresholds=(("general", 0.3), ("character", 0.85)),
    ),
    Model(
        "cl_tagger_1_02",
        "cella110n/cl_tagger",
        subfolder="cl_tagger_1_02",
        labels="tag_mapping.json",
        onnx=CL,
        thresholds=(("general", 0.55), ("character", 0.6), ("copyright", 0.6), ("artist", 0.6)),
    ),
    Model(
        "camie-tagger-v2",
        "Camais03/camie-tagger-v2",
        labels="camie-tagger-v2-metadata.json",
        onnx=CAMIE,
        graph="camie-tagger-v2.onnx",
        thresholds=(("general", 0.492), ("character", 0.492)),
    ),
    Model(
        "joytag",
        "fancyfeast/joytag",
        labels="top_tags.txt",
        onnx=JOYTAG,
        thresholds=(("general", 0.4), ("character", 0.4)),
    ),
)
MODELS = {model.name: model for model in TABLE}


def recognise(folder: Path) -> Model | None:
    """The row for a folder that is not in the table: the first one with the same label file, ``None`` if there is none.

    PixAI's list looks like the WD one but has a column ``ips``. Any graph name will do if it is the only one.
    """
    row = next((model for model in TABLE if (folder / model.labels).is_file()), None)
    if row is None:
        return None
    if row.labels == CSV and "ips" in _header(folder / CSV):
        row = MODELS["pixai-tagger-v0.9"]
    graphs = sorted(path.name for path in folder.glob("*.onnx"))
    graph = graphs[0] if len(graphs) == 1 else row.graph
    return replace(row, name=folder.name, repo="", subfolder="", graph=graph, board=None)


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", errors="replace") as lines:
        return lines.readline().strip().split(",")
