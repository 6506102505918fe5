"""A workflow in ComfyUI's API form whose nodes are known by their names."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

from ..told import Told

COMMENTS = ("comment", "_comment")
"""Entries that are no nodes: in the TOML era and in the INI era."""

PURPOSES = {
    "batch_images": "collects the pictures to save",
    "combine_prompt_and_preamble": "joins preamble, tags and caption",
    "face_detailer": "makes the final picture",
    "full_path": "names the folder in which the server saves",
    "image_loader": "takes the picture",
    "ksampler": "paints",
    "llava_tagger": "describes the picture in a sentence (llava.disable, or disable_llm, does without)",
    "load_model": "loads the checkpoint and holds the picture's size",
    "lora_stacker": "takes the LoRAs",
    "negative_prompt": "holds the negative prompt",
    "preamble": "holds the words before the tags",
    "save_image": "saves the pictures",
    "seed": "hands out the seed",
    "wd14_tagger": "tags the picture",
}


@dataclass(frozen=True)
class Template:
    """A workflow as its file has it.

    Attributes:
        comment: what its author says, to be shown once.
    """

    path: Path
    nodes: Mapping[str, Any]
    comment: str = ""

    def inputs(self, nodes: Mapping[str, Any], name: str) -> dict[str, Any]:
        """The inputs of a node of a copy of the workflow.

        Raises:
            Told: it has no such node; the text says what the node is for.
        """
        if name not in nodes:
            close = get_close_matches(name, nodes, 1, 0.4)
            hint = f" Nearest: {close[0]}." if close else ""
            raise Told(
                f"{self.path} has no node named {name!r}, which {PURPOSES.get(name, 'is to be changed')}. A node's name is its"
                f" key in the file; rename the node there.{hint}"
            )
        return nodes[name].setdefault("inputs", {})


def load(path: Path) -> Template:
    """Reads a workflow.

    Raises:
        Told: the file cannot be read, or holds no workflow in API form.
    """
    try:
        read: Any = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise Told(f"{path}: the workflow cannot be read ({error.strerror}).") from None
    except (ValueError, RecursionError) as error:
        raise Told(f"{path}: the workflow is not JSON ({error}).") from None
    nodes = cast(dict[str, Any], read) if isinstance(read, dict) else {}
    comments = [nodes.pop(name) for name in COMMENTS if name in nodes]
    if not nodes or not all(map(_is_node, nodes.values())):
        raise Told(
            f"{path} is not a workflow in API form. Expected named nodes, each with class_type and inputs: in ComfyUI choose Export"
            " (API), then name the nodes in the file."
        )
    return Template(path, nodes, "\n".join(filter(None, map(_text, comments))))


def _is_node(value: Any) -> bool:
    match value:
        case {"class_type": str(), "inputs": dict()}:
            return True
        case _:
            return False


def _text(comment: Any) -> str:
    """All texts of a comment, which may be one, a list, or a node that holds them."""
    match comment:
        case str():
            return comment.strip()
        case list():
            return "\n".join(filter(None, map(_text, cast(list[Any], comment))))
        case {"inputs": inputs}:
            return _text(inputs)
        case dict():
            return _text(list(cast(dict[str, Any], comment).values()))
        case _:
            return ""
