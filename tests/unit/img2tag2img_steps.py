"""What img2tag2img asks ComfyUI for, written down step by step as its specification tells it, and without the library.

It is told by the numbers of the steps. Settings are what TOML gives, by dotted keys.
"""

import copy
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "img2tag2img"
WORKFLOWS = {path.stem: path for path in HERE.glob("*.json")}

DEFAULTS: dict[str, Any] = {
    "latent.landscape": [1216, 832],
    "latent.portrait": [832, 1216],
    "latent.square": [1024, 1024],
    "llava.disable": False,
    "llava.model": "llama/llava-v1.5-7b-Q4_K",
    "llava.projector": "llama/llava-v1.5-7b-mmproj-Q4_0",
    "llava.prompt": "Please describe this image in detail.",
    "lora": [{"name": "None"}],
    "misc.save_predetail": False,
    "model.force_lora": [],
    "model.cfg": None,
    "model.steps": None,
    "overload.merge": {},
    "overload.replace": {},
    "prompt.preamble": "",
    "prompt.negative": "",
    "server.on_windows": False,
    "wd14.banned": [],
}
SAMPLER_IMAGE = {"KSampler SDXL (Eff.)": 3, "KSampler (Efficient)": 5}


def steps(
    workflow: Path,
    settings: dict[str, Any],
    url: str,
    size: tuple[int, int],
    destination: str,
    prefix: str,
    number: Callable[[str], int],
) -> dict[str, Any]:
    s = {**DEFAULTS, **settings}
    graph: dict[str, Any] = copy.deepcopy(json.loads(workflow.read_text()))
    graph.pop("comment", None)
    graph.pop("_comment", None)

    def one_of(values: list[Any], purpose: str) -> Any:
        return values[int(Fraction(number(purpose), 2**50) * len(values))]

    def drawn(key: str) -> Any:
        return one_of(s[key], key) if isinstance(s[key], list) else s[key]

    def slashes(path: str) -> str:
        return path.replace("/", "\\") if s["server.on_windows"] else path

    def put(node: str, field: str, value: Any) -> None:
        graph[node]["inputs"][field] = value

    # 1, 2, 3
    put("seed", "seed", number("sampler"))
    root = drawn("paths.output") if "paths.output" in s else s["paths.archive"]
    put("full_path", "string", slashes(f"{root.removesuffix('/')}/{destination}" if root else destination))
    put("save_image", "filename", prefix + "_%time_%basemodelname_%seed")
    # 4
    batch = {"images_a": ["face_detailer", 0]}
    if drawn("misc.save_predetail"):
        image = SAMPLER_IMAGE[graph["ksampler"]["class_type"]]
        batch = {"images_a": ["ksampler", image], "images_b": ["face_detailer", 0]}
    graph["batch_images"]["inputs"] = batch
    # 5
    if s["llava.disable"]:
        del graph["llava_tagger"]
        put("combine_prompt_and_preamble", "text_c", "")
    else:
        put("llava_tagger", "prompt", drawn("llava.prompt"))
        put("llava_tagger", "model", slashes(drawn("llava.model")))
        put("llava_tagger", "mm_proj", slashes(drawn("llava.projector")))
    # 6
    put("preamble", "string", drawn("prompt.preamble"))
    put("negative_prompt", "string", drawn("prompt.negative"))
    # 7
    banned = s["wd14.banned"]
    put("wd14_tagger", "exclude_tags", banned if isinstance(banned, str) else ", ".join(banned))
    # 8
    checkpoint = drawn("model.checkpoint")
    bundle = []
    if isinstance(checkpoint, list):
        checkpoint, *bundle = checkpoint
        bundle = [bundle[at : at + 5] for at in range(0, len(bundle), 5)]
    else:
        bundle = [[""] * 5]
    field = "base_ckpt_name" if "base_ckpt_name" in graph["load_model"]["inputs"] else "ckpt_name"
    put("load_model", field, slashes(checkpoint))
    # 9
    for key in ("cfg", "steps"):
        if s[f"model.{key}"]:
            put("ksampler", key, s[f"model.{key}"])
    # 10
    put("image_loader", "image_data", url)
    # 11
    width, height = size
    wide, high = s["latent." + ("square" if width == height else "landscape" if width > height else "portrait")]
    put("load_model", "empty_latent_width", wide)
    put("load_model", "empty_latent_height", high)
    graph.pop("latent_size", None)
    # 12
    slots = []
    for at, lora in enumerate(bundle, 1):
        slots.append(lora if lora[0] else record(one_of(s["lora"], f"lora.{at}")))
    slots += [record(lora) for lora in s["model.force_lora"]]
    stack = graph["lora_stacker"]["inputs"]
    stack["input_mode"] = "advanced"
    for at, (name, model, clip, trigger, neg_trigger) in enumerate(slots, 1):
        stack[f"lora_name_{at}"] = slashes(name)
        stack[f"model_str_{at}"] = model
        stack[f"clip_str_{at}"] = clip
        if trigger:
            graph["preamble"]["inputs"]["string"] += ", " + trigger
        if neg_trigger:
            graph["negative_prompt"]["inputs"]["string"] += ", " + neg_trigger
    stack["lora_count"] = max(stack["lora_count"], len(slots))
    # 13 is the order of jobs; 14
    for name, node in copy.deepcopy(drawn("overload.replace")).items():
        graph[name] = node
    merge(graph, copy.deepcopy(drawn("overload.merge")))
    # 15
    for key in ("steps", "cfg", "sampler_name", "scheduler"):
        put("save_image", key, graph["ksampler"]["inputs"][key])
    put("save_image", "modelname", graph["load_model"]["inputs"][field])
    # 16
    for node in ("preamble", "negative_prompt"):
        text = graph[node]["inputs"]["string"]
        if text[:2] == ", ":
            put(node, "string", text[2:])
    return graph


def record(lora: dict[str, Any]) -> list[Any]:
    if lora["name"] == "None":
        return ["None", 0, 0, "", ""]
    strength = lora.get("strength", 1.0)
    strengths = [lora.get(f"{part}_strength", strength) for part in ("model", "clip")]
    return [lora["name"], *strengths, lora.get("trigger", ""), lora.get("neg_trigger", "")]


def merge(old: dict[str, Any], new: dict[str, Any]) -> None:
    for key in new:
        if isinstance(old.get(key), dict) and isinstance(new[key], dict):
            merge(old[key], new[key])
        else:
            old[key] = new[key]


def toml(settings: dict[str, Any]) -> str:
    """Settings as a file."""
    return "\n".join(f"{key} = {value_text(value)}" for key, value in settings.items())


def value_text(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {value_text(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(value_text, value)) + "]"
    return json.dumps(value)
