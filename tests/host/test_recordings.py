"""What workflows rely on: ids, inputs, outputs and defaults of every node are those of the recording."""

from collections.abc import Iterator
from typing import Any

from write_locales import our_nodes

from . import recording
from .comfy import Comfy

FILE = "object_info.json"
NODE = ("display_name", "category", "output_node", "deprecated", "is_input_list")
INPUT = ("display_name", "default", "min", "max", "step", "forceInput", "control_after_generate")
OTHERS = {
    ("ResonanceLoadTagger", "model"),
    ("ResonanceLoadTagger", "device"),
    ("ResonanceLoadLLM", "model"),
    ("ResonanceLoadLLM", "mmproj"),
    ("ResonanceLoadDrawn", "vae"),
    ("ResonanceRoundOutput", "format"),
    ("ResonanceVary", "sampler_name"),
    ("ResonanceVary", "scheduler"),
    ("ResonanceRegionFromConditioning", "lora"),
    *(("ResonanceLoRAStack", f"lora_{n}") for n in range(1, 9)),
    ("ResonanceLoRAMetadata", "lora"),
    ("ResonanceReferencePicture", "way[automatic].adapter"),
    ("ResonanceReferencePicture", "way[IP-Adapter].adapter"),
    ("ResonanceGradientGuidance", "guide[text by CLIP].clip"),
    ("ResonanceGradientGuidance", "guide[picture by CLIP].clip"),
    ("ResonanceGradientGuidance", "guide[picture by VGG16].vgg"),
    ("ResonanceXTI", "xti"),
    ("ResonanceControlNetLLLite", "lllite"),
}
"""Lists that are ComfyUI's, the machine's or made of files."""


def inputs(sections: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every input, in order: ``color``, and for what it shows below a choice ``color[own].blend``."""
    for section in ("required", "optional"):
        for name, (kind, *rest) in sections.get(section, {}).items():
            options = rest[0] if rest else {}
            found = {"section": section, "type": kind} | {key: options[key] for key in INPUT if key in options}
            choices = options.get("options", [])
            if kind == "COMFY_DYNAMICCOMBO_V3":
                found["options"] = [choice["key"] for choice in choices]
            elif choices:
                found["options"] = choices
            yield prefix + name, found
            if kind == "COMFY_DYNAMICCOMBO_V3":
                for choice in choices:
                    yield from inputs(choice["inputs"], f"{prefix}{name}[{choice['key']}].")


def described(node_id: str, info: dict[str, Any]) -> dict[str, Any]:
    found = dict(inputs(info["input"]))
    for name in found:
        if (node_id, name) in OTHERS:
            found[name].pop("options", None)
    outputs = zip(info["output_name"], info["output"], info["output_is_list"], strict=True)
    return {
        **{key: info[key] for key in NODE},
        "inputs": found,
        "outputs": [{"name": name, "type": kind, "list": many} for name, kind, many in outputs],
    }


def test_every_node_is_as_recorded(comfy: Comfy) -> None:
    now = {node_id: described(node_id, info) for node_id, info in sorted(our_nodes(comfy).items())}
    if recording.RECORD:
        recording.write(FILE, now)
    found = recording.differences(recording.read(FILE), now)
    assert not found, "\n".join(["Nodes are not those of the recording.", *found, recording.advice(__file__)])
