"""Brings every input of every node of ours what it does not take, as ComfyUI would: ``GET /links`` tells what they say of it."""

import sys

import execution
import torch
from aiohttp import web
from comfy_api.latest import ComfyExtension
from server import PromptServer

import nodes

OURS = {
    "RESONANCE_TAGGER": ".interpret.taggers.engine Tagger",
    "RESONANCE_PLAN": ".roulette.plan Plan",
    "RESONANCE_CANVAS": ".canvas.canvas Canvas",
    "RESONANCE_CONVERSATION": ".llm.conversation Conversation",
    "RESONANCE_TRANSFORM": ".vary.transform Transform",
    "OMOST_CANVAS_CONDITIONING": ".canvas.canvas Canvas",
    "OMOST_CONVERSATION": ".llm.conversation Conversation",
}
PICTURES = {
    "an empty batch": torch.zeros(0, 8, 8, 3),
    "five axes": torch.zeros(1, 2, 8, 8, 3),
    "two channels": torch.zeros(1, 8, 8, 2),
    "NaN": torch.full((1, 8, 8, 3), torch.nan),
}
MASKS = {
    "an empty batch": torch.zeros(0, 8, 8),
    "five axes": torch.zeros(1, 1, 1, 8, 8),
    "one axis": torch.zeros(8),
}
PASSED_ON = {"*", "COMFY_MATCHTYPE_V3"}
KNOWN = {"STRING", "COMBO", "INT", "FLOAT", "IMAGE", "MASK", "CONDITIONING"}
"""Types of ComfyUI's of which everybody knows what their values are."""


def of_ours(where):
    module, name = where.split()
    return getattr(next(found for key, found in sys.modules.items() if key.endswith(f".resonance{module}")), name)


def fine(kind, options):
    """A value that an input takes, as far as can be seen from outside."""
    if kind in OURS:
        return object.__new__(of_ours(OURS[kind]))
    match kind:
        case "IMAGE":
            return torch.zeros(1, 8, 8, 3)
        case "MASK":
            return torch.zeros(1, 8, 8)
        case "CONDITIONING":
            return [[torch.zeros(1, 77, 8), {}]]
        case "STRING":
            return "text"
        case "INT" | "FLOAT":
            return 1
        case "COMBO":
            return options.get("default") or next(iter(options.get("options", ())), "text")
        case "RESONANCE_ITEM":
            item = of_ours(".session.item Item")
            return item(session="links", round=1, index=1, lineage="X0001", seed=0)
        case "RESONANCE_REGIONS" | "RESONANCE_LORAS":
            return ()
        case "RESONANCE_REFERENCE":
            return of_ours(".reference.reference Reference")(way="automatic", given={})
        case "RESONANCE_LLM" | "OMOST_LLM":
            return type("Engine", (), {"chat": print})()
        case _:
            return object()


def wrong(kinds, required, listed):
    """What such an input does not take, by a name."""
    found = {}
    if required and not PASSED_ON.intersection(kinds):
        found["None"] = [None]
        if listed:
            found["an empty list"] = []
    if "IMAGE" in kinds:
        found |= {name: [value] for name, value in PICTURES.items()}
    if "MASK" in kinds:
        found |= {name: [value] for name, value in MASKS.items()}
    if "CONDITIONING" in kinds:
        found["numbers"] = [[1, 2]]
    if all(kind in KNOWN or kind.startswith(("RESONANCE_", "OMOST_")) for kind in kinds):
        found["something else"] = [{"of": "another type"}]
    return found


def variants(section):
    """The inputs of a node, and the choices of its dynamic combos: with each option of each once."""
    plain, combos = [], []
    for required, part in ((True, "required"), (False, "optional")):
        for name, (kind, options) in section.get(part, {}).items():
            if kind == "COMFY_DYNAMICCOMBO_V3":
                combos.append((name, options["options"]))
            else:
                plain.append((name, kind, options, required))
    first = {name: options[0] for name, options in combos}
    for chosen in [first, *({**first, name: option} for name, options in combos for option in options[1:])]:
        below = [
            (f"{combo}.{name}", kind, options, part == "required")
            for combo, option in chosen.items()
            for part in ("required", "optional")
            for name, (kind, options) in option["inputs"].get(part, {}).items()
        ]
        yield [*plain, *below], {name: option["key"] for name, option in chosen.items()}


async def said(node, values, chosen):
    """What a node says when it is given these values, as ComfyUI hands them over."""
    data, _, v3_data = execution.get_input_data({**dict.fromkeys(values), **chosen}, node, "1")
    calls = ["check_lazy_status"] if "check_lazy_status" in vars(node.__mro__[1]) else []
    try:
        for call in (*calls, node.FUNCTION):
            await execution._async_map_node_over_list("links", "1", node(), {**data, **values}, call, v3_data=v3_data)
    except Exception as error:
        told = any(kind.__name__ == "Told" for kind in type(error).__mro__)
        return {"told": told, "text": f"{error}" if told else f"{type(error).__name__}: {error}"}
    return {"told": False, "text": "nothing"}


async def answers():
    for id_, node in nodes.NODE_CLASS_MAPPINGS.items():
        if getattr(node, "RELATIVE_PYTHON_MODULE", "") != "custom_nodes.resonance":
            continue
        seen = set()
        for inputs, chosen in variants(node.INPUT_TYPES()):
            right = {name: [fine(kind.split(",")[0], options)] for name, kind, options, _ in inputs}
            for name, kind, _, required in inputs:
                for came, values in wrong(kind.split(","), required, node.INPUT_IS_LIST).items():
                    if (name, came) not in seen:
                        seen.add((name, came))
                        said_of = await said(node, {**right, name: values}, chosen)
                        yield {"node": id_, "input": name, "came": came, **said_of}


class Links(ComfyExtension):
    async def on_load(self):
        @PromptServer.instance.routes.get("/links")
        async def links(_request):
            return web.json_response([answer async for answer in answers()])

    async def get_node_list(self):
        return []


async def comfy_entrypoint():
    return Links()
