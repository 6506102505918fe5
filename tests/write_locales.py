"""Writes locales/en/nodeDefs.json, the English that translators start from, from what the nodes' schemas say."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from host.comfy import Comfy
from places import PACK

FILE = PACK / "locales" / "en" / "nodeDefs.json"
PYTHON_MODULE = "custom_nodes.resonance"


def our_nodes(comfy: Comfy) -> dict[str, Any]:
    """The pack's part of ``/object_info``."""
    return {k: v for k, v in comfy.get("/object_info").items() if v["python_module"] == PYTHON_MODULE}


def inputs(section: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Key in nodeDefs.json, name and options of every input; inputs of a dynamic combo stand below it."""
    for name, (kind, options, *_) in {**section.get("required", {}), **section.get("optional", {})}.items():
        yield prefix + name, name, options
        if kind == "COMFY_DYNAMICCOMBO_V3":
            for choice in options["options"]:
                yield from inputs(choice["inputs"], f"{prefix}{name}_")


def node_defs(nodes: dict[str, Any]) -> dict[str, Any]:
    """The form of nodeDefs.json. Dots in names are underscores there."""
    return {
        node_id: {
            "display_name": node["display_name"],
            "description": node["description"],
            "inputs": {
                key.replace(".", "_"): {"name": options.get("display_name", name), "tooltip": options["tooltip"]}
                for key, name, options in inputs(node["input"])
            },
            "outputs": {
                str(i): {"name": name, "tooltip": tooltip}
                for i, (name, tooltip) in enumerate(zip(node["output_name"], node["output_tooltips"], strict=True))
            },
        }
        for node_id, node in sorted(nodes.items())
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as base, Comfy(Path(base)) as comfy:
        text = json.dumps(node_defs(our_nodes(comfy)), indent=2, ensure_ascii=False) + "\n"
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(text, encoding="utf-8")
    print(f"{FILE}: written")
