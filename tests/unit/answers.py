"""What models answer and people paste, each with what is right to make of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from resonance.canvas.canvas import Canvas

LEFT, TOP, CENTER = (0, 90, 0, 45), (0, 45, 0, 90), (15, 75, 15, 75)


@dataclass(frozen=True)
class Right:
    """A layout: the words of the whole, place and words of each region, and how the notes must read, as far as they matter."""

    whole: str = "a beach."
    regions: tuple[tuple[tuple[int, int, int, int], str], ...] = ((LEFT, "a red boat."),)
    notes: tuple[str, ...] = ()


Wrong = str
"""A refusal: how its sentence reads."""

G = json.dumps(
    {
        "global": {
            "description": "a beach",
            "detailed_descriptions": ["sun"],
            "tags": "beach, sea",
            "HTML_web_color_name": "skyblue",
        },
        "regions": [
            {
                "location": "on the left",
                "offset": "no offset",
                "area": "a large vertical area",
                "distance_to_viewer": 1.0,
                "description": "a red boat",
                "detailed_descriptions": [],
                "tags": "boat",
                "atmosphere": "calm",
                "style": "photo",
                "quality_meta": "good",
                "HTML_web_color_name": "red",
            }
        ],
    }
)
SHIP = G.replace("boat", "ship")
BROKEN = G.replace("photo", 'a "new" photo')
PY = """# Initialize the canvas
canvas = Canvas()
canvas.set_global_description(description='a beach', detailed_descriptions=['sun'], tags='beach', HTML_web_color_name='skyblue')
canvas.add_local_description(location='on the left', offset='no offset', area='a large vertical area', distance_to_viewer=1.0, \
description='a red boat', detailed_descriptions=['x'], tags='boat', atmosphere='calm', style='photo', quality_meta='good', \
HTML_web_color_name='red')
"""
PY_SHIP = PY.replace("a red boat", "a red ship")
ONE = '{"location": "on the left", "area": "a large vertical area", "description": "a red boat", "HTML_web_color_name": "red"}'
WHOLE = '{"description": "a beach", "HTML_web_color_name": "red"}'
LIST = '[{"rect": [0, 90, 0, 90], "prefixes": ["a beach."]}, {"rect": [0, 90, 0, 45], "prefixes": ["a beach.", "a red boat."]}]'
SEVERAL = "there are 2 layouts in this text: the last complete one counts"
NOTHING = "the model laid out nothing"
RIGHT, NO_WHOLE = Right(), Right(whole="", notes=("no global description",))
EMPTY = Right(regions=(), notes=(NOTHING,))
SECOND = Right(regions=((LEFT, "a red ship."),), notes=(SEVERAL,))
IN_CENTER = ((CENTER, "a red boat."),)


def call(arguments: str) -> str:
    return f'{{"name": "make_canvas", "arguments": {arguments}}}'


def placed(rect: str) -> str:
    boat = f'{{"rect": {rect}, "description": "a red boat", "HTML_web_color_name": "red"}}'
    return f'{{"global": {WHOLE}, "regions": [{boat}]}}'


def spoilt(rect: str) -> tuple[str, Right]:
    return placed(rect), Right(
        regions=IN_CENTER, notes=("is no rectangle on the grid", "location of 'a red boat' is missing")
    )


HARMONY = "<|channel|>analysis<|message|>DRAFT<|end|><|start|>assistant<|channel|>final<|message|>SAID"
THINKING: dict[str, str] = {
    # of the list of faults
    "think": "<think>\nDRAFT\n</think>\nSAID",
    "Think": "<Think>\nDRAFT\n</Think>\nSAID",
    "thinking": "<thinking>\nDRAFT\n</thinking>\nSAID",
    "Mistral": "[THINK]DRAFT[/THINK]SAID",
    "gpt-oss": HARMONY,
    "reasoning": "<reasoning>DRAFT</reasoning>SAID",
    "thought": "<thought>DRAFT</thought>SAID",
    # more tags
    "blanks and capitals": "\n <THINKING>\nDRAFT</ thinking >\n\nSAID",
    "an attribute": '<think effort="high">DRAFT</think>SAID',
    "a tag with a colon": "<seed:think>DRAFT</seed:think>SAID",
    "a tag with bars": "<|thinking|>DRAFT<|/thinking|>SAID",
    "escaped tags": "&lt;think&gt;DRAFT&lt;/think&gt;SAID",
    "closed by another": "<thinking>DRAFT</think>SAID",
    "a tag in a thought": "<thinking>hm<reflection>no</reflection>DRAFT</thinking>SAID",
    "a thought in a thought": "<think>hm <think>DRAFT</think> so</think>SAID",
    "two thoughts": "<think>hm</think><analysis>DRAFT</analysis>SAID",
    "an empty thought": "<think>\n\n</think>\n\nSAID",
    "a tag that closes itself": "<think/>SAID",
    "an answer in tags": "<think>DRAFT</think>\n<answer>SAID</answer>",
    "only an answer in tags": "DRAFT <final_answer>\nSAID\n</final_answer>",
    "an answer in a thought": "<think>DRAFT\n<answer>SAID</answer>",
    "a thought of an answer": "<think>In <answer>…</answer>? DRAFT</think>SAID",
    "stages": "<reasoning>hm</reasoning><caption>DRAFT</caption><conclusion>SAID</conclusion>",
    "a box": "<think>DRAFT</think><|begin_of_box|>SAID<|end_of_box|>",
    # other marks
    "brackets": "[reasoning]\nDRAFT\n[/reasoning]\nSAID",
    "Kimi": "◁think▷DRAFT◁/think▷SAID",
    "Gemma": "<|channel>thought\nDRAFT<channel|>SAID",
    "MedGemma": "<unused94>thought\nDRAFT<unused95>SAID",
    "Apertus": "<|inner_prefix|>DRAFT<|inner_suffix|>SAID",
    "OpenThinker": "<|begin_of_thought|>DRAFT<|end_of_thought|>\n<|begin_of_solution|>SAID<|end_of_solution|>",
    "Command A": "<|START_THINKING|>DRAFT<|END_THINKING|><|START_RESPONSE|>SAID<|END_RESPONSE|>",
    "Granite": "Here is my thought process:\nDRAFT\nHere is my response:\nSAID",
    "Apriel": "Here are my reasoning steps:\nDRAFT\n[BEGIN FINAL RESPONSE]\nSAID\n[END FINAL RESPONSE]",
    "gpt-oss without its end": HARMONY.replace("<|end|>", ""),
    "gpt-oss with a return": HARMONY + "<|return|>",
    "gpt-oss in three messages": HARMONY.replace("<|end|>", "<|end|><|start|>assistant<|channel|>commentary<|message|>hm<|end|>"),
    "gpt-oss without marks": "analysisThe user wants DRAFTassistantfinalSAID",
    "a fence": "```thinking\nDRAFT\n```\nSAID",
    "a folded text": '<details type="reasoning" done="true">\n<summary>Thought</summary>\nDRAFT\n</details>\nSAID',
    "a turn of thoughts": "<think>DRAFT</think><|im_end|>\n<|im_start|>assistant\nSAID<|im_end|>",
    # the prompt has opened the thought
    "the end of a thought": "DRAFT\n</think>\n\nSAID",
    "the end of Mistral's": "DRAFT[/THINK]SAID",
    "the end of Kimi's": "DRAFT◁/think▷SAID",
    "the end of Gemma's": "DRAFT<channel|>SAID",
}  # fmt: skip
"""Forms of thoughts, ``DRAFT`` in them, before an answer, ``SAID``."""

ENDINGS: dict[str, str] = {
    "ChatML": "SAID<|im_end|>\n<|im_start|>user\nDRAFT",
    "Llama 3": "SAID<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nDRAFT",
    "Llama 2": "SAID</s>[INST] DRAFT [/INST]",
    "Gemma": "SAID<end_of_turn>\n<start_of_turn>user\nDRAFT",
    "Gemma 4": "SAID<turn|>\n<|turn>user\nDRAFT",
    "Phi": "SAID<|end|><|user|>DRAFT<|end|>",
    "GLM": "SAID<|user|>\nDRAFT",
    "DeepSeek": "SAID<｜end▁of▁sentence｜><｜User｜>DRAFT",
    "Vicuna": "ASSISTANT: SAID</s>USER: DRAFT",
    "SmolVLM": "SAID<end_of_utterance>\nUser: DRAFT",
    "Command R": "SAID<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>DRAFT",
    "a turn of its own": "SAID<|im_start|>assistant\nDRAFT",
    "its own head": "<|im_start|>assistant\nSAID<|im_end|>",
    "Llama's own head": "<|start_header_id|>assistant<|end_header_id|>\n\nSAID<|eot_id|>",
    "the end of the text": "SAID<|endoftext|>DRAFT<|endoftext|>",
    "a thought in the next turn": "SAID<|im_end|>\n<|im_start|>assistant\n<think>DRAFT</think>",
    "its beginning": "<s> SAID</s>",
}
"""Answers, ``SAID``, that went past their end."""

DRAFT = 'maybe {"global": {"description": "a draft"}, "regions": []}'


def spelled(form: str, said: str, draft: str = DRAFT) -> str:
    return form.replace("DRAFT", draft).replace("SAID", said)


ANSWERS: dict[str, tuple[str, Right | Wrong]] = {
    **{f"thoughts, {name}": (spelled(form, G), RIGHT) for name, form in THINKING.items()},
    **{f"ending, {name}": (spelled(form, G), RIGHT) for name, form in ENDINGS.items()},
    # of the list of faults
    "plain": (G, RIGHT),
    "fence": (f"```json\n{G}\n```", RIGHT),
    "fence and prose": (f"Sure! Here is it:\n```json\n{G}\n```\nHope {{this}} helps!", RIGHT),
    "tool call": (f"<tool_call>\n{call(G)}\n</tool_call>", RIGHT),
    "tool calls in a list": (f"[{call(G)}]", RIGHT),
    "tool call, arguments as text": (f"<tool_call>\n{call(json.dumps(G))}\n</tool_call>", RIGHT),
    "tool code": (f"```tool_code\n{PY}```", RIGHT),
    "wrapped": (f'{{"canvas": {G}}}', RIGHT),
    "wrapped twice": (f'{{"result": {{"canvas": {G}}}}}', RIGHT),
    "in a list": (f"[{G}]", RIGHT),
    "single quotation marks": (str(json.loads(G)), RIGHT),
    "assigned": (f"```python\ncanvas = {json.loads(G)}\n```", RIGHT),
    "typographic marks": (G.replace('"', "“"), RIGHT),
    "typographic marks in pairs": (
        G.replace('": "', "”: “").replace('{"', "{“").replace('", "', "”, “").replace('"', "”"),
        RIGHT,
    ),
    "keys without marks": (G.replace('"description"', "description").replace('"location"', "location"), RIGHT),
    "per cent": (placed('["0%","50%","0%","100%"]'), Right(regions=((TOP, "a red boat."),))),
    "fractions": (placed("[0.0,0.5,0.0,1.0]"), Right(regions=((TOP, "a red boat."),))),
    "floats": (placed("[0.0,45.0,0.0,90.0]"), Right(regions=((TOP, "a red boat."),))),
    "bbox in a region": (
        placed("0").replace('"rect": 0', '"bbox": [0,0,500,500]'),
        Right(regions=IN_CENTER, notes=("'bbox' is not a field of 'a red boat'", "location of 'a red boat' is missing")),
    ),
    "bbox_2d": ('[{"bbox_2d":[10,20,300,400],"label":"boat"}]', "bbox_2d is in pixels for some models and in thousandths"),
    "regions in an object": (f'{{"global": {WHOLE}, "regions": {{"boat": {ONE}}}}}', RIGHT),
    "locals": (f'{{"global": {WHOLE}, "locals": [{ONE}]}}', RIGHT),
    "global_description": (f'{{"global_description": {WHOLE}, "local_descriptions": [{ONE}]}}', RIGHT),
    "global as text": (f'{{"global": "a beach", "regions": [{ONE}]}}', RIGHT),
    "capitals": (
        '{"Global":{"Description":"a beach"},"Regions":[{"Location":"on the left","Area":"a large vertical area",'
        '"Description":"a red boat"}]}',
        RIGHT,
    ),
    "Chinese words": (
        '{"global":{"description":"海滩","HTML_web_color_name":"天蓝色"},"regions":[{"location":"左侧","offset":"无偏移",'
        '"area":"大的垂直区域","description":"一艘红色的船","HTML_web_color_name":"红色"}]}',
        Right("海滩.", ((CENTER, "一艘红色的船."),), ("location '左侧'", "'天蓝色'")),
    ),
    "full-width marks": ('｛"global"：｛"description"："a beach"｝，"regions"：［］｝', EMPTY),
    "keys twice": (
        f'{{"global":{WHOLE},"global":{{"description":"second"}},"regions":[{ONE}],"regions":[]}}',
        Right("second.", (), (NOTHING,)),
    ),
    "comma before a bracket": (G.replace("]}", ",]}"), RIGHT),
    "comments": (G.replace('{"global"', '{# the whole\n"global"'), RIGHT),
    "NaN": (G.replace("1.0", "NaN"), Right(notes=("distance_to_viewer of 'a red boat' is not a number above 0",))),
    "None": (G.replace("1.0", "None"), RIGHT),
    "two": (f"{G}\n\n{SHIP}", SECOND),
    "first and final": (f"First try:\n```json\n{G}\n```\nOn reflection, final:\n```json\n{SHIP}\n```", SECOND),
    "program": (PY, RIGHT),
    "program in a fence": (f"Here:\n```python\n{PY}```\nDone.", RIGHT),
    "program after a thought": (f'<think>canvas.set_global_description(description="draft")\n</think>\n{PY}', RIGHT),
    "f-string": (PY.replace("'a beach'", "f'a beach'"), Right("", notes=("a call was left out because of line 3",))),
    "three marks": (PY.replace("'a beach'", "'''a\nbeach'''"), Right("a\nbeach.")),
    "program in typographic marks": (PY.replace("'", "’"), Right(notes=("quotation marks were repaired",))),
    "apostrophe": (
        PY.replace("'a beach'", "'a sailor's beach'"),
        Right("a sailor's beach.", notes=("quotation marks inside a text were repaired",)),
    ),
    "variable": (
        PY.replace("'a beach'", "desc").replace("canvas = Canvas()", "canvas = Canvas()\ndesc = 'a beach'"),
        Right("", notes=("because of line 4",)),
    ),
    "comprehension": (PY.replace("['sun']", "[s for s in ('a','b')]"), Right("", notes=("because of line 3",))),
    "attribute": (PY.replace("canvas.", "self.canvas."), RIGHT),
    "indented call": (PY.replace("canvas.set", "  canvas.set"), RIGHT),
    "numbered lines": ("1. " + PY.replace("\n", "\n2. "), "There is no canvas in the text"),
    "quoted lines": ("> " + PY.replace("\n", "\n> "), "There is no canvas in the text"),
    "HTML entities": (PY.replace("'", "&#39;"), "There is no complete call in this program"),
    "distance as text": (PY.replace("1.0", "'1.0'"), RIGHT),
    "JSON in a string": (json.dumps(G), RIGHT),
    "YAML": ("global:\n  description: a beach\nregions:\n  - location: on the left\n", "There is no canvas in the text"),
    "XML": ("<canvas><global>a beach</global></canvas>", "There is no canvas in the text"),
    "byte order mark": ("\ufeff" + G, RIGHT),
    "no-break spaces": (G.replace(": ", ":\u00a0"), RIGHT),
    "a line each": (f'{{"global": {WHOLE}}}\n{ONE}', RIGHT),
    "braces in prose": (f"I use {{curly}} and [brackets] a lot. {G}", RIGHT),
    "a list in prose": (f'Things: ["a","b"]. {G}', RIGHT),
    "an object in prose": (f'Like {{"x":1}}: {G}', RIGHT),
    "no regions": (f'{{"global": {WHOLE}, "regions": []}}', EMPTY),
    "Omost's list": (LIST, RIGHT),
    "a list of colours": ('[{"rect":[0,90,0,90],"prefixes":["a"],"color":[[1,2,3]]}]', "color is .* in whole numbers"),
    "colours as floats": ('[{"rect":[0,90,0,90],"prefixes":["a"],"color":[1.0,2.0,3.0]}]', Right("a", ())),
    # rectangles
    "fractions of a whole": (placed("[0.0, 1.0, 0.0, 0.5]"), RIGHT),
    "thirds": (placed("[0.333, 0.667, 0, 1]"), Right(regions=(((30, 60, 0, 90), "a red boat."),))),
    "cells": (placed("[0, 1, 0, 1]"), Right(regions=(((0, 1, 0, 1), "a red boat."),))),
    "cells as texts": (placed('["0", "90", "0", "45"]'), RIGHT),
    "per cent with blanks": (placed('[" 0 %", "100 %", "0 %", "50.0 %"]'), RIGHT),
    "half cells": spoilt("[0, 90, 0, 44.5]"),
    "thousandths": spoilt("[0, 1000, 0, 500]"),
    "upside down": spoilt("[90, 0, 0, 45]"),
    "over a hundred per cent": spoilt('["0%", "120%", "0%", "50%"]'),
    "three edges": spoilt("[0, 90, 0]"),
    "words for edges": spoilt('["top", "bottom", "left", "middle"]'),
    "texts among numbers": spoilt('[0, "100%", 0, 45]'),
    "truth for edges": spoilt("[false, true, false, true]"),
    "NaN for an edge": spoilt("[0, 90, 0, NaN]"),
    "an endless edge": spoilt("[0, 90, 0, Infinity]"),
    "fractions in a list": (LIST.replace("[0, 90, 0, 45]", "[0, 1, 0, 0.5]"), RIGHT),
    "per cent in a list": (LIST.replace("[0, 90, 0, 45]", '["0%", "100%", "0%", "50%"]'), RIGHT),
    "floats in a list": (LIST.replace("[0, 90, 0, 45]", "[0.0, 90.0, 0.0, 45.0]"), RIGHT),
    "half cells in a list": (LIST.replace("[0, 90, 0, 45]", "[0, 90, 0, 44.5]"), "Item 1 of the list: rect is"),
    # around an answer
    "parameters": (f'{{"name": "layout", "parameters": {G}}}', RIGHT),
    "OpenAI's call": (json.dumps({"type": "function", "function": {"name": "x", "arguments": G}}), RIGHT),
    "OpenAI's calls": (json.dumps({"tool_calls": [{"id": "1", "function": {"name": "x", "arguments": G}}]}), RIGHT),
    "a call that is not closed": (f'<tool_call>{{"name": "x", "arguments": {G}', RIGHT),
    "a call in a fence": (f"```json\n{call(G)}\n```", RIGHT),
    "a list in a wrapper": (f'{{"layout": {LIST}}}', RIGHT),
    "a list in a list": (f"[{LIST}]", RIGHT),
    "a list in a call": (call(LIST), RIGHT),
    "a string in a fence": (f"Here: {call(json.dumps(LIST))}", RIGHT),
    "draft and final": (f'{{"draft": {G}, "final": {SHIP}}}', Right(regions=((LEFT, "a red ship."),))),
    "two in a list": (f"[{G}, {SHIP}]", Right(regions=((LEFT, "a red ship."),))),
    "beside thoughts": (G[:-1] + ', "reasoning": "hm"}', Right(notes=("'reasoning' of the answer was not read",))),
    "more regions": (G[:-1] + f', "foreground": [{ONE}]}}', Right(notes=("'foreground' of the answer was not read",))),
    "a region for a list": (f'{{"global": {WHOLE}, "regions": {ONE}}}', RIGHT),
    "no list": (f'{{"global": {WHOLE}, "regions": null}}', EMPTY),
    "only the whole": (f'{{"global": {WHOLE}}}', EMPTY),
    "only regions": (f"[{ONE}]", NO_WHOLE),
    "regions in an object without a whole": (f'{{"regions": {{"boat": {ONE}}}}}', NO_WHOLE),
    "methods for keys": (f'{{"set_global_description": {WHOLE}, "add_local_description": [{ONE}]}}', RIGHT),
    "regions a line each": (f"{ONE}\n{ONE.replace('boat', 'ship')}", Right("", ((LEFT, "a red boat."), (LEFT, "a red ship.")))),
    "closed too early": (f'{{"global": {WHOLE}}}, "regions": [{ONE}]}}', RIGHT),
    "a comma in prose": (f"{G}, as you wished.", RIGHT),
    "a piece in prose": (f'{G}\nTo move it, write {{"location": "on the right", "description": "a boat"}}.', RIGHT),
    "broken and whole": (f"{BROKEN}\nSorry, again:\n{SHIP}", Right(regions=((LEFT, "a red ship."),))),
    "whole and cut": (f"{G}\nBetter:\n{SHIP[:-150]}", Right(notes=(SEVERAL,))),
    "three": (f"{G}\n{G}\n{SHIP}", Right(regions=((LEFT, "a red ship."),), notes=("there are 3 layouts",))),
    "odd blanks": (G.replace(", ", ",\u3000").replace(": ", ":\u200b "), RIGHT),
    "comments of JavaScript": (G.replace('"regions"', '// far to near\n/* so */ "regions"'), RIGHT),
    "marks in marks": (str(json.loads(G.replace("a beach", "a sailor's “old” beach"))), Right("a sailor's “old” beach.")),
    "apostrophes in single marks": (str(json.loads(G)).replace("'sun'", "'the sailors' sun'"), RIGHT),
    "True for a text": (G.replace('"calm"', "True"), Right(notes=("atmosphere of 'a red boat' is not text",))),
    # programs
    "two programs": (f"{PY}\n{PY_SHIP}", SECOND),
    "two fences": (f"```python\n{PY}```\nBetter:\n```python\n{PY_SHIP}```\n", SECOND),
    "a fence that is cut": (f"```python\n{PY}```\nBetter:\n```python\n{PY_SHIP[:-30]}", Right(notes=(SEVERAL,))),
    "a fence that begins": (f"```python\n{PY}```\nBetter:\n```python\ncanvas = Canvas()\n", RIGHT),
    "a program in two fences": (
        "```python\n" + PY.replace("canvas.add", "```\nNow the boat:\n```python\ncanvas.add") + "```",
        RIGHT,
    ),
    "another name": (PY.replace("canvas", "self.picture"), RIGHT),
    # what is no canvas
    "an object": ('{"foo": 1, "bar": [1, 2]}', "A canvas in JSON is a list of regions, not"),
    "objects": ('[{"foo": 1}]', "none of a canvas's keys, such as rect, prefixes and suffixes, but 'foo'"),
    "nothing in an object": ("[{}]", Right("", (), (NOTHING,))),
    "a workflow": ('{"3":{"class_type":"KSampler","inputs":{}}}', "A canvas in JSON is a list of regions, not"),
    "an empty list": ("[]", "The list of regions is empty"),
    "a number": ("5", "There is no canvas in the text"),
    "a string": ('"x"', "There is no canvas in the text"),
    "a refusal": ("I cannot do that.", "There is no canvas in the text"),
    "a whole of its own": (WHOLE, "A canvas in JSON is a list of regions, not"),
    "a call without a layout": (call('{"text": "a beach"}'), "A canvas in JSON is a list of regions, not"),
    "deep in objects": ('{"a": ' * 9 + G + "}" * 9, "A canvas in JSON is a list of regions, not"),
}  # fmt: skip

CUT: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "JSON in its second field": (G[: G.index('"tags"')], "a beach.", ("sun.",)),
    "JSON in a list": (G.replace('"sun"', '"sun", "sand"')[: G.index("sun") + 9], "a beach.", ("sun.",)),
    "JSON behind its first field": (G[: G.index(', "detailed')], "a beach.", ()),
    "JSON in single marks": (str(json.loads(G))[: G.index('"tags"')], "a beach.", ("sun.",)),
    "JSON in a call": (call(G)[: call(G).index('"tags"')], "a beach.", ("sun.",)),
    "a program in its second field": (PY[: PY.index(" tags=")], "a beach.", ("sun.",)),
    "a program in a list": (PY.replace("'sun'", "'sun', 'sand'")[: PY.index("sun") + 9], "a beach.", ("sun.",)),
    "a program behind its first field": (PY[: PY.index(", detailed")], "a beach.", ()),
    "a program in a fence": ("```python\n" + PY[: PY.index(" tags=")], "a beach.", ("sun.",)),
}
"""Answers that break off in the global description: what was complete of it."""

BOAT = {"type": "obj", "bbox": [0, 0, 500, 500], "desc": "boat"}
CORNER, SMALL = (0, 45, 0, 45), (0, 9, 0, 9)


def prompt(elements: Any, **more: Any) -> str:
    return json.dumps(
        {
            "high_level_description": "a beach",
            "compositional_deconstruction": {"background": "sea", "elements": elements},
        }
        | more
    )


def box(**fields: Any) -> str:
    return json.dumps([{"x": 0, "y": 0, "width": 100, "height": 100, "metadata": {"desc": "boat"}} | fields])


ONE_BOAT = Right(regions=((CORNER, "boat."),))
UNPLACED = Right(regions=(), notes=("no place that can be read, so the words act in the whole picture: element 1",))
BOX = Right("", ((SMALL, "boat."),))
NO_PLACE = "Box 1 has no place: x, y, width and height in pixels"


def bbox(value: Any) -> str:
    return prompt([BOAT | {"bbox": value}])


BOXES: dict[str, tuple[str, Right | Wrong]] = {
    **{f"thoughts, {name}": (spelled(form, box(), box(x=500)), BOX) for name, form in THINKING.items()},
    # of the list of faults
    "prompt": (prompt([BOAT]), ONE_BOAT),
    "element without bbox": (
        prompt([BOAT, {"type": "text", "text": "HELLO", "desc": "sign"}]),
        Right(regions=ONE_BOAT.regions, notes=("in the whole picture: element 2",)),
    ),
    "bbox of nothing": (bbox(None), UNPLACED),
    "bbox with sizes": (bbox({"x": 0, "y": 0, "width": 100, "height": 100}), UNPLACED),
    "bbox of corners": (bbox({"x1": 0, "y1": 0, "x2": 500, "y2": 500}), ONE_BOAT),
    "bbox of texts": (bbox(["0", "0", "500", "500"]), ONE_BOAT),
    "bbox of fractions": (bbox([0, 0, 0.5, 0.5]), ONE_BOAT),
    "bbox of truth": (bbox([False, False, True, True]), UNPLACED),
    "prompt in a fence": (f"```json\n{prompt([BOAT])}\n```", ONE_BOAT),
    "prompt in prose": (f"Here: {prompt([BOAT])}", ONE_BOAT),
    "comma before a bracket": (prompt([BOAT])[:-1] + ",}", ONE_BOAT),
    "elements in an object": (prompt({"boat": BOAT}), ONE_BOAT),
    "no elements": (prompt(None), Right(regions=())),
    "style": (
        prompt([BOAT], style_description={"aesthetics": "oil"}),
        Right(regions=ONE_BOAT.regions, notes=("'style_description' of the prompt was not read",)),
    ),
    "background in an object": (prompt([BOAT]).replace('"sea"', '{"desc": "sea"}'), ONE_BOAT),
    "boxes": (box(), BOX),
    "label": ('[{"x": 0, "y": 0, "width": 100, "height": 100, "label": "boat", "score": 0.9}]', BOX),
    "corners alone": ("[[0, 0, 100, 100]]", "Item 0 of the list is|Box 1 has no place"),
    "bbox_2d": ('[{"bbox_2d": [10, 20, 300, 400], "label": "boat"}]', "bbox_2d is in pixels for some models"),
    "sizes below nothing": (box(x=100, y=100, width=-50, height=-50), Right("", (((4, 9, 4, 9), "boat."),))),
    "outside": (box(x=5000, y=5000), Right("", (((89, 90, 89, 90), "boat."),), ("moved to its edge: box 1",))),
    "NaN": ('[{"x": NaN, "y": 0, "width": 100, "height": 100}]', NO_PLACE),
    "texts": (box(x="0", y="0", width="100", height="100"), BOX),
    "regions with a bbox": ('{"regions": [{"bbox": [0, 0, 0.5, 0.5], "prompt": "boat"}]}', Right("", ((CORNER, "boat."),))),
    # more
    "one box": (box()[1:-1], BOX),
    "frames": (f"[{box()}]", BOX),
    "boxes in a fence": (f"```\n{box()}\n```", BOX),
    "boxes in prose": (f"I see these: {box()}. Enough?", BOX),
    "boxes in a wrapper": (f'{{"boxes": {box()}}}', BOX),
    "boxes in a call": (call(box()), BOX),
    "boxes as text in a call": (call(json.dumps(box())), BOX),
    "boxes in single marks": (str(json.loads(box())), BOX),
    "boxes with a comment": (box().replace('"y"', '// down\n"y"'), BOX),
    "boxes, the last of two": (f"{box(x=500)} or {box()}", BOX),
    "boxes a line each": (f"{box()[1:-1]}\n{box(y=100)[1:-1]}", Right("", ((SMALL, "boat."), ((9, 18, 0, 9), "boat.")))),
    "keys without marks": (box().replace('"x"', "x").replace('"width"', "width"), BOX),
    "per cent": (box(x="0%", y="0%", width="50%", height="50%"), Right("", ((CORNER, "boat."),))),
    "fractions": (box(width=0.5, height=0.5), Right("", ((CORNER, "boat."),))),
    "a pixel": (box(width=1, height=1), Right("", (((0, 1, 0, 1), "boat."),))),
    "texts among numbers": (box(x="0"), NO_PLACE),
    "too large": (box(width=1e300), NO_PLACE),
    "truth": (box(width=True), NO_PLACE),
    "no width": (box(width=None), NO_PLACE),
    "words beside the place": ('[{"x": 0, "y": 0, "width": 100, "height": 100, "description": "boat"}]', BOX),
    "foreign keys": (box(mood="calm"), Right("", BOX.regions, ("'mood' of the boxes was not read",))),
    "foreign keys of metadata": (
        box(metadata={"desc": "boat", "depth": 3}),
        Right("", BOX.regions, ("'depth' of the boxes was not read",)),
    ),
    "half outside": (box(x=-50), Right("", (((0, 9, 0, 4), "boat."),))),
    "left of the picture": (box(x=-500), Right("", (((0, 9, 0, 1), "boat."),), ("moved to its edge: box 1",))),
    "bbox of edges": (bbox({"top": 0, "left": 0, "bottom": 500, "right": 500}), ONE_BOAT),
    "bbox of per cent": (bbox(["0%", "0%", "50%", "50%"]), ONE_BOAT),
    "bbox of three": (bbox([0, 0, 500]), UNPLACED),
    "bbox as text": (bbox("0 0 500 500"), UNPLACED),
    "prompt in a call": (call(prompt([BOAT])), ONE_BOAT),
    "prompt in a list": (f"[{prompt([BOAT])}]", ONE_BOAT),
    "one element": (json.dumps(BOAT), Right("", ((CORNER, "boat."),))),
    "elements in a wrapper": (json.dumps({"elements": [BOAT]}), Right("", ((CORNER, "boat."),))),
    "an element for a list": (prompt(BOAT), ONE_BOAT),
    "an element without a place": (json.dumps([{"bbox": [0, 0, 500], "desc": "boat"}]), NO_PLACE),
    "a second without a place": (json.dumps([BOAT, {"desc": "gull"}]), "Box 2 has no place"),
}  # fmt: skip


def check(canvas: Canvas, right: Right) -> None:
    assert " ".join(canvas.whole.prefixes) == right.whole
    assert tuple((r.rect, " ".join(canvas.own_prefixes(r))) for r in canvas.locals) == right.regions


def check_notes(notes: Sequence[str], right: Right) -> None:
    """That a model laid out nothing is said where one was asked, and nowhere else."""
    assert [note for note in right.notes if note != NOTHING and not any(note in said for said in notes)] == []
