"""Save Words, on a server."""

import json
from pathlib import Path
from typing import Any

import pytest

from .comfy import Comfy, RunFailed, node
from .graphs import pictures, quick


def tagged(*names: str, **inputs: Any) -> dict[str, Any]:
    """Pictures of the input folder, tagged as one batch; Save Words is ``save``."""
    graph = {f"load{n}": node("LoadImage", image=name) for n, name in enumerate(names)}
    last = ["load0", 0]
    for n in range(1, len(names)):
        graph[f"batch{n}"] = node("ImageBatch", image1=last, image2=[f"load{n}", 0])
        last = [f"batch{n}", 0]
    return {
        **graph,
        "tagger": node("ResonanceLoadTagger", model="tiny-onnx"),
        "tags": node("ResonanceTagImages", tagger=["tagger", 0], images=last, maximum=1),
        "save": node("ResonanceSaveWords", words=["tags", 0], **inputs),
        "words": node("ProbeValue", value=["save", 0]),
        "files": node("ProbeValue", value=["save", 1]),
    }


def run(comfy: Comfy, graph: dict[str, Any]) -> tuple[list[str], list[str], str]:
    """Words and files that come out, and what stands on the node."""
    outputs = comfy.run(comfy.complete(graph))
    words, files = (json.loads(outputs[name]["value"][0]) for name in ("words", "files"))
    return words, files, "\n".join(outputs["save"]["resonance_text"])


def put(comfy: Comfy, folder: str) -> Path:
    pictures(comfy, folder, "red", "blue")
    return comfy.base / "input" / folder


def test_words_are_saved_beside_the_picture_of_load_image(comfy: Comfy) -> None:
    folder = put(comfy, "beside")
    said = run(comfy, tagged("beside/1-red.png"))
    assert said == (["red"], ["beside/1-red.txt [input]"], "beside/1-red.txt [input]: red")
    assert (folder / "1-red.txt").read_text() == "red\n"
    (folder / "1-red.txt").unlink()
    run(comfy, tagged("beside/1-red.png"))  # is nothing that a cache spares
    assert (folder / "1-red.txt").read_text() == "red\n"


def test_a_text_file_of_ones_own_is_kept_and_named(comfy: Comfy) -> None:
    mine = put(comfy, "kept") / "1-red.txt"
    mine.write_text("mine")
    words, files, shown = run(comfy, tagged("kept/1-red.png"))
    assert (words, files) == (["red"], ["kept/1-red.txt [input]"])
    assert shown == "kept/1-red.txt [input] was there already and stays. Set existing to replace to write over it."
    assert mine.read_text() == "mine"
    assert "stays" not in run(comfy, tagged("kept/1-red.png", existing="replace"))[2]
    assert mine.read_text() == "red\n"


def test_each_picture_of_a_batch_has_its_own_words(comfy: Comfy) -> None:
    folder = put(comfy, "batch")
    names = ("batch/1-red.png", "batch/2-blue.png")
    run(comfy, tagged(*names, picture="\n".join(names)))
    assert [(folder / name).read_text() for name in ("1-red.txt", "2-blue.txt")] == ["red\n", "blue\n"]


@pytest.mark.parametrize(
    ("names", "inputs", "says"),
    [
        (2, {}, r"These are loaded: asked/1-red\.png, asked/2-blue\.png\. Write its name into picture"),
        (2, {"picture": "asked/1-red.png"}, "one text for each picture, but 2 came for 1"),
        (1, {"picture": "asked/lost.png"}, "There is no picture 'asked/lost.png'"),
        (1, {"picture": "winter.jpg [samples]"}, r"lies in \[samples\]: words are saved only"),
    ],
)
def test_what_cannot_be_paired_is_a_sentence_and_nothing_is_written(
    comfy: Comfy, names: int, inputs: dict[str, str], says: str
) -> None:
    folder = put(comfy, "asked")
    with pytest.raises(RunFailed, match=says):
        run(comfy, tagged(*("asked/1-red.png", "asked/2-blue.png")[:names], **inputs))
    assert list(folder.glob("*.txt")) == []


def test_words_of_a_round_stand_beside_the_picture_that_it_began_with(comfy: Comfy) -> None:
    folder = put(comfy, "of rounds")
    graph = quick("words of rounds", "of rounds", rounds=2)
    graph["6"] = node("ResonanceSaveWords", words=["3", 0], item=["1", 1])
    comfy.run(comfy.complete(graph))
    comfy.idle()
    made = [
        path.with_suffix(".txt") for path in (comfy.base / "output" / "words of rounds" / "round-0001").glob("*.png")
    ]
    assert len(made) == 2
    assert all(path.read_text().strip() for path in [*made, folder / "1-red.txt", folder / "2-blue.txt"])
