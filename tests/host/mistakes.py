"""Mistakes that people make with our nodes, and the one error that each of them is."""

from typing import Any, NamedTuple

from .comfy import node
from .regional import COUPLE, HALVES, place

Graph = dict[str, Any]


class Mistake(NamedTuple):
    """A graph with one mistake in it.

    Attributes:
        graph: without widgets that have their defaults.
        node: id of the node that is to blame.
        input: the input that is; None: it is found when the node runs.
        says: what the sentence holds.
        before: nodes that may have run when it is found.
    """

    graph: Graph
    node: str
    input: str | None
    says: str
    before: tuple[str, ...] = ()


def one(class_type: str, input_: str | None, says: str, **inputs: Any) -> Mistake:
    """A node that is set wrongly, alone."""
    graph = {"1": node(class_type, **inputs), "end": node("PreviewAny", source=["1", 0])}
    return Mistake(graph, "1", input_, says)


def session(wrong: str, input_: str | None, says: str, **inputs: Any) -> Mistake:
    """A session whose pictures are tagged and painted again, with one node that is set wrongly."""
    graph = {
        "load": node("CheckpointLoaderSimple", ckpt_name="tiny_sd15.safetensors"),
        "1": node("ResonanceRoundInput", session="mistaken", first_folder="mistaken"),
        "tagger": node("ResonanceLoadTagger", model="tiny-onnx"),
        "tag": node("ResonanceTagImages", tagger=["tagger", 0], images=["1", 0]),
        "words": node("ResonanceRoundWords", item=["1", 1], tags=["tag", 0]),
        "encode": node("VAEEncode", pixels=["1", 0], vae=["load", 2]),
        "decode": node("VAEDecode", samples=["encode", 0], vae=["load", 2]),
        "2": node("ResonanceRoundOutput", images=["decode", 0], item=["1", 1], words=["words", 0]),
    }
    graph[wrong]["inputs"] |= inputs
    return Mistake(graph, wrong, input_, says)


def captioned(says: str, address: str) -> Mistake:
    graph = {
        "1": node("ResonanceConnectLLM", address=address),
        "picture": node("EmptyImage", width=8, height=8, batch_size=1, color=0),
        "caption": node("ResonanceCaptionImages", llm=["1", 0], images=["picture", 0]),
        "end": node("PreviewAny", source=["caption", 0]),
    }
    return Mistake(graph, "1", None, says, ("picture",))


def on_flux(says: str) -> Mistake:
    graph = place(HALVES, COUPLE, clip=["load", 1], model=["flux", 0])
    graph["load"] = node("CheckpointLoaderSimple", ckpt_name="tiny_sd15.safetensors")
    graph["flux"] = node("UNETLoader", unet_name="tiny_flux.safetensors", weight_dtype="default")
    graph["end"] = node("PreviewAny", source=["regions", 1])
    return Mistake(graph, "regions", None, says, ("load", "flux", "canvas"))


def drawn(says: str) -> Mistake:
    graph = session("1", None, says).graph
    graph["load"] = node("ResonanceLoadDrawn", item=["1", 1], vae="gone.safetensors")
    graph["load"]["inputs"]["vae"] = "gone.safetensors"
    return Mistake(graph, "load", "vae", says)


MISTAKES = {
    "a tagger whose files are missing": session(
        "tagger", "model", "Put them there from https://huggingface.co/fancyfeast/joytag", model="joytag"
    ),
    "a VAE that is missing": drawn("There is no VAE 'gone.safetensors'. Searched: "),
    "a session without a name": session("1", "session", "must not be empty", session=""),
    "a folder that is missing": session("1", None, "There is no folder 'nowhere'. Folders in", first_folder="nowhere"),
    "a folder outside": session("1", None, "'../output' is not a path below input/", first_folder="../output"),
    "an item that is damaged": session("1", None, "The item is not JSON", item='{"session": "s", '),
    "a token that no name has": session("2", "name_pattern", "{lineages}", name_pattern="{lineages}_{seed}"),
    "a text that is no canvas": one(
        "ResonanceCanvas", None, "There is no canvas in the text", canvas_text="hello, I am no canvas"
    ),
    "a line that cannot be read": one(
        "ResonancePromptLines",
        "lines",
        "Line 2, column 8: --w768 has no space before its value",
        lines="a\na barn --w768",
    ),
    "a program that is none": one(
        "ResonanceTransform", None, "'6@x' is not a pair", transform="own program", **{"transform.program": "6@x"}
    ),
    "llama-cpp-python is missing": one("ResonanceLoadLLM", "model", "pip install llama-cpp-python", model="tiny.gguf"),
    "a GGUF file that is missing": one("ResonanceLoadLLM", "model", "There is no 'gone.gguf' in", model="gone.gguf"),
    "a server that is not there": captioned("http://127.0.0.1:9", "http://127.0.0.1:9"),
    "multipliers that are none": one(
        "ResonanceLoRAStack",
        "multipliers",
        "with commas between them, such as 0.8,-0.5, not '0.8;1'",
        multipliers="0.8;1",
    ),
    "a LoRA that is missing": one(
        "ResonanceLoRAStack", "lora_2", "lora_2: 'gone.safetensors' not in", lora_2="gone.safetensors"
    ),
    "metadata of a LoRA that is missing": one(
        "ResonanceLoRAMetadata", "lora", "There is no LoRA 'gone.safetensors' in", lora="gone.safetensors"
    ),
    "regions in a model that has none": on_flux("but the model is Flux"),
}
