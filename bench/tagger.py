"""What it gains to keep a tagger instead of loading it for every picture, as other packs do.

The network is wd-vit-tagger-v3's (ViT-B/16 at 448 x 448, 10861 tags) with random weights, for both engines, on the CPU, without
ComfyUI. Both ways run in turns on the same pictures; the best round counts.
"""

import argparse
import json
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from models.tagger import vit_config  # noqa: E402
from PIL import Image  # noqa: E402

from resonance.interpret.taggers import engine  # noqa: E402
from resonance.interpret.taggers.models import MODELS  # noqa: E402

MODEL = MODELS["wd-vit-tagger-v3"]
TAGS = 10861


def write_model(folder: Path) -> None:
    """The network in both forms, with the same weights."""
    import timm
    import torch
    from safetensors.torch import save_file

    config = vit_config(TAGS)
    torch.manual_seed(0)
    model = timm.create_model(config["architecture"], num_classes=TAGS, **config["model_args"]).eval()
    torch.nn.init.normal_(model.head.weight, std=0.1)
    save_file(model.state_dict(), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))
    names = (f"{i},tag_{i},{9 if i < 4 else 0},1" for i in range(TAGS))
    (folder / "selected_tags.csv").write_text("\n".join(["tag_id,name,category,count", *names]))

    class Graph(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            return self.model(pixels.permute(0, 3, 1, 2) / 127.5 - 1).sigmoid()

    with warnings.catch_warnings():
        # The newer exporter needs a package more.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Graph(),
            (torch.zeros(1, 448, 448, 3),),
            str(folder / "model.onnx"),
            input_names=["input"],
            output_names=["output"],
            dynamic_axes={"input": {0: "batch_size"}, "output": {0: "batch_size"}},
            dynamo=False,
        )


def pictures(count: int) -> list[Image.Image]:
    rng = np.random.default_rng(0)
    return [Image.fromarray(rng.integers(0, 256, (1216, 832, 3), np.uint8)) for _ in range(count)]


def measure(tagger: engine.Tagger, count: int, rounds: int) -> dict[str, float]:
    """Seconds: loading once, per picture with the tagger kept, per picture with loading for each."""
    images = pictures(count)
    begin = time.perf_counter()
    kept = engine.load(tagger)
    load = time.perf_counter() - begin
    ours, yardstick = [], []
    kept.scores(images[:1])
    for _ in range(rounds):
        begin = time.perf_counter()
        rows = [kept.scores([image])[0] for image in images]
        ours.append((time.perf_counter() - begin) / count)
        begin = time.perf_counter()
        again = [engine.load(tagger).scores([image])[0] for image in images]
        yardstick.append((time.perf_counter() - begin) / count)
        assert np.allclose(rows, again, atol=1e-5)
    return {"load": load, "ours": min(ours), "yardstick": min(yardstick), "ratio": min(yardstick) / min(ours)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    figures: dict[str, Any] = {}
    scores = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_model(folder)
        print(f"{'engine':8}{'load s':>9}{'kept s/picture':>17}{'loaded each time s/picture':>29}{'ratio':>8}")
        for one in ("torch", "onnx"):
            tagger = engine.Tagger(MODEL, folder, one, "cpu")
            scores.append(engine.load(tagger).scores(pictures(1)))
            result = measure(tagger, args.pictures, args.rounds)
            print(
                f"{one:8}{result['load']:9.2f}{result['ours']:17.3f}{result['yardstick']:29.3f}{result['ratio']:8.2f}"
            )
            figures[one] = {key: round(value, 4) for key, value in result.items()}
    assert np.allclose(*scores, atol=1e-4), "the same weights must score alike in both engines"
    print(json.dumps({"name": "tagger", "ratio": min(f["ratio"] for f in figures.values()), **figures}))


if __name__ == "__main__":
    main()
