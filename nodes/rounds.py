"""Rounds: pictures in, words stored, pictures out, over the queue."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from comfy_api.v0_0_2 import io
from comfy_execution.graph_utils import ExecutionBlocker

from ..resonance import sizes
from ..resonance.files.names import check_name
from ..resonance.files.settings import CAPTIONS, FORMAT, MODEL_HASH, NAME_PATTERN, PARAMETERS, QUALITY
from ..resonance.graph import FIRST
from ..resonance.host import core, folders, progress
from ..resonance.host.sessions import queue
from ..resonance.llm.chat import sound
from ..resonance.roulette import Plan
from ..resonance.session.item import Item, Words
from ..resonance.session.naming import FOLDER_RULES, NAME_RULES, Naming
from ..resonance.session.pattern import check_pattern
from ..resonance.session.payloads import PromptLine
from ..resonance.session.settings import COUNT, ORDER, START, Order
from ..resonance.told import Told
from . import types
from .inputs import input_of, pasted_item, plan_and_after

CATEGORY = "Resonance/Rounds"
FACTS = ("scale", "steps", "strength")
NAMING = {
    "folder": "folder_rule",
    "name": "name_rule",
    "pattern": "name_pattern",
    "format": "format",
    "quality": "quality",
    "parameters": "parameters",
    "captions": "captions",
    "model_hash": "model_hash",
}
"""Inputs of Round Output, by what they are of :class:`Naming`."""
GLUE = {"tags": ", ", "caption": " "}
"""What joins several texts about one picture."""


class RoundInput(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceRoundInput",
            display_name="Round Input",
            category=CATEGORY,
            description="Hands out the pictures of a folder one by one, one per run, and queues the next run itself. When all are"
            " done, the pictures that Round Output saved are the next round's input. Press Run once; after a crash, press it again.",
            search_aliases=[
                "loopback",
                "img2tag2img",
                "batch folder",
                "load images from folder",
                "feedback loop",
                "iterate",
            ],
            inputs=[
                io.String.Input(
                    "session",
                    default="my session",
                    tooltip="Name of this chain of rounds and of its folder in ComfyUI's output folder. The same name goes on where"
                    " it stopped; a new name starts anew.",
                ),
                io.String.Input(
                    "first_folder",
                    default="pictures",
                    tooltip="Folder of the first round's pictures inside ComfyUI's input folder; subfolders are included. Write"
                    " `name [output]` for a folder of the output folder, `[samples]` for three pictures to try, `name [pictures]`"
                    " for one below the key resonance_pictures of extra_model_paths.yaml.",
                ),
                io.Int.Input(
                    "rounds",
                    default=3,
                    min=0,
                    max=1_000_000,
                    tooltip="How many rounds to make. 0: go on until stopped.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=2**50 - 1,
                    control_after_generate=False,
                    tooltip="Seed of the session. Every picture's own seed follows from it, the round and the lineage. It is stored"
                    " when the session opens; later changes have no effect on it.",
                ),
                io.Boolean.Input(
                    "keep_going",
                    default=True,
                    tooltip="On: each run queues the next one until all is done. Off: one picture per press of Run.",
                ),
                io.Boolean.Input(
                    "words_first",
                    default=False,
                    tooltip="Describe all pictures of a round before painting any, so that language model and checkpoint do not push"
                    " each other out of memory. Needs Round Words in the graph.",
                ),
                *plan_and_after(),
                pasted_item(),
                input_of(ORDER, optional=True),
                input_of(START, optional=True),
                input_of(COUNT, optional=True),
            ],
            outputs=[
                io.Image.Output("image", tooltip="The picture, upright, transparency over white."),
                types.Item.Output(
                    "item", tooltip="What this run works on. Connect it to Round Words, Load Drawn and Round Output."
                ),
                io.String.Output("lineage", tooltip="Prefix that ties the picture to its ancestors, such as X0001."),
                io.Int.Output("round", tooltip="Number of the round, from 1."),
                io.Int.Output("index", tooltip="Number of the picture in its round, from 1."),
                io.Int.Output("seed", tooltip="The picture's own seed for this round."),
                io.String.Output("aspect", tooltip="landscape, portrait or square."),
                io.Image.Output(
                    "first",
                    tooltip="The picture of round 1 with which this lineage began, in round 1 the picture itself: the reference for Color"
                    " Match and Reference Picture. Read only when it is connected.",
                ),
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt, io.Hidden.dynprompt],
            not_idempotent=True,
        )

    @classmethod
    def validate_inputs(cls, session: str | None) -> bool | str:
        try:
            if session is not None and not str(core.other_input(cls.hidden.unique_id, "item") or "").strip():
                check_name(session)
        except Told as error:
            return str(error)
        return True

    @classmethod
    def fingerprint_inputs(cls, **_: object) -> float:
        return float("nan")

    @classmethod
    def execute(
        cls,
        session: str,
        first_folder: str,
        rounds: int,
        seed: int,
        keep_going: bool,
        words_first: bool,
        plan: Plan | None = None,
        after: object = None,
        item: str = "",
        order: Order = ORDER.default,
        start: int = START.default,
        count: int = COUNT.default,
    ) -> io.NodeOutput:
        from ..resonance.files.pictures import locate
        from ..resonance.host.sessions import chain
        from ..resonance.session.fill.pictures import Pictures, Which

        if item.strip():
            work = chain.pasted(item)
            if work.note:
                progress.say(work.note, cls.hidden.unique_id)
        elif chain.has_item(session, cls.hidden.unique_id, cls.hidden.prompt):
            return io.NodeOutput()
        else:
            fill = Pictures(first_folder, rounds, folders.picture_roots(), Which(order, start, count))
            locate(first_folder, fill.roots)  # a session that is known would go on without it
            ask = chain.Ask(
                session=session, fill=fill, seed=seed, keep_going=keep_going, words_first=words_first, plan=plan
            )
            work = chain.next_work(ask, cls.hidden.unique_id, cls.hidden.prompt)
        if work is None:
            return io.NodeOutput(*[ExecutionBlocker(None)] * 8)
        at, image = work.item, work.image
        assert image is not None  # items of rounds start from pictures
        used = queue.is_used(cls.hidden.dynprompt, cls.hidden.unique_id, FIRST)
        first = chain.first_picture(work) if used else None
        aspect = sizes.aspect_of(image.shape[2], image.shape[1])
        return io.NodeOutput(image, at, at.lineage, at.round, at.index, at.seed, aspect, first)


class RoundWords(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceRoundWords",
            display_name="Round Words",
            category=CATEGORY,
            description="Stores what tagger and language model said about the picture, and hands stored words back without asking"
            " them again: a crash while painting does not pay for the caption twice.",
            search_aliases=["cache caption", "remember tags"],
            inputs=[
                types.Item.Input("item", tooltip="From Round Input."),
                io.String.Input(
                    "tags",
                    optional=True,
                    lazy=True,
                    force_input=True,
                    tooltip="From Tag Images. Asked for only once per item.",
                ),
                io.String.Input(
                    "caption",
                    optional=True,
                    lazy=True,
                    force_input=True,
                    tooltip="From Caption Images. Asked for only once per item.",
                ),
            ],
            outputs=[
                io.String.Output("tags", is_output_list=True, tooltip="The same tags, or the stored ones."),
                io.String.Output("caption", is_output_list=True, tooltip="The same caption, or the stored one."),
            ],
            is_input_list=True,
            has_intermediate_output=True,
        )

    @classmethod
    def check_lazy_status(cls, item: list[object], **words: Sequence[str | None]) -> list[str]:
        asked = any(isinstance(one, Item) and one.words is None for one in item)
        return [name for name, texts in words.items() if asked and None in texts]

    @classmethod
    def execute(cls, item: list[Item], **words: list[str]) -> io.NodeOutput:
        from ..resonance.host.sessions import chain

        tags, captions, pasted, shown = list[Any](), list[Any](), list[dict[str, str]](), list[str]()
        for one, said in by_item(item, words):
            stored = one.words
            if stored is None:
                stored = Words(
                    **{name: sound(GLUE[name].join(filter(None, dict.fromkeys(said[name])))) for name in said}
                )
                chain.store_words(one, stored)
            shown.append("\n\n".join(filter(None, (stored.tags, stored.caption))))
            painting = one.phase == "paint"
            tags.append(stored.tags if painting else ExecutionBlocker(None))
            captions.append(stored.caption if painting else ExecutionBlocker(None))
            if painting and not one.token:
                pasted.append(vars(stored))
        ui: dict[str, Any] = {"resonance_text": shown}
        return io.NodeOutput(tags, captions, ui={**ui, "resonance_words": pasted} if pasted else ui)


class RoundOutput(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceRoundOutput",
            display_name="Round Output",
            category=CATEGORY,
            description="Saves the pictures under their lineage in the session's folder and marks the item as done. They are the next"
            " round's input.",
            search_aliases=["save image", "loopback", "lineage"],
            inputs=[
                io.Image.Input(
                    "images", tooltip="What was made of the item: a batch, or a list of pictures of any sizes."
                ),
                types.Item.Input("item", tooltip="From Round Input, Explore or Prompt Lines."),
                io.String.Input(
                    "words",
                    optional=True,
                    force_input=True,
                    tooltip="The prompt that made the pictures, for the ledger.",
                ),
                io.Image.Input(
                    "before",
                    optional=True,
                    tooltip="A second picture to save beside it, such as before face repair. No round takes it.",
                ),
                io.Combo.Input(
                    "next_round_takes",
                    options=["first", "all", "none"],
                    default="first",
                    tooltip="Which of a batch enter the next round. With all, each gets a lineage of its own: X0001.1, X0001.2, …",
                ),
                io.Combo.Input(
                    "folder_rule",
                    options=list(FOLDER_RULES),
                    default="round",
                    optional=True,
                    advanced=True,
                    tooltip="Folder of the pictures in the session's folder. round: round-0001. prompt hash: one for each prompt, named"
                    " by its MD5, with the prompt in prompt.txt; connect words. scratch: one for tries.",
                ),
                io.Combo.Input(
                    "name_rule",
                    options=list(NAME_RULES),
                    default="lineage",
                    optional=True,
                    advanced=True,
                    tooltip="lineage: X0001_r0001_seed. variation: time, scale, steps, strength and seed; what is not known is left out."
                    " The next is spelled as the batch CLI spelled it. gen_img: im_, time, place in the batch and seed. sequential: im_000001,"
                    " im_000002, …, all through the session. original: the name of the source.",
                ),
                io.Float.Input(
                    "scale",
                    optional=True,
                    force_input=True,
                    tooltip="Guidance that made the pictures, for their names.",
                ),
                io.Int.Input(
                    "steps", optional=True, force_input=True, tooltip="Steps that made the pictures, for their names."
                ),
                io.Float.Input(
                    "strength", optional=True, force_input=True, tooltip="Strength that made them, for their names."
                ),
                input_of(FORMAT, optional=True),
                input_of(QUALITY, optional=True),
                input_of(NAME_PATTERN, optional=True),
                input_of(PARAMETERS, optional=True),
                input_of(CAPTIONS, optional=True),
                input_of(MODEL_HASH, optional=True),
            ],
            outputs=[io.Image.Output("images", is_output_list=True, tooltip="The same pictures.")],
            is_output_node=True,
            is_input_list=True,
        )

    @classmethod
    def validate_inputs(cls, name_pattern: Sequence[str | None] = ()) -> bool | str:
        try:
            for pattern in filter(None, name_pattern):
                check_pattern(pattern)
        except Told as error:
            return str(error)
        return True

    @classmethod
    def execute(cls, images: list[torch.Tensor], item: list[Item], **given: list[Any]) -> io.NodeOutput:
        from ..resonance.host.sessions import results

        hidden, saved, made, notes = cls.hidden, list[dict[str, str]](), list[dict[str, Any]](), list[str]()
        for one, its in by_item(item, {"images": images, **given}):
            facts = dict[str, Any]()
            if not isinstance(one.payload, PromptLine):  # which knows its own, from which it is made again
                facts = {name: its[name][0] for name in FACTS if len(set(its.get(name, ()))) == 1}
                one = replace(one, payload=replace(one.payload, **facts))
            naming = Naming.of({name: its[key][0] for name, key in NAMING.items() if key in its})
            takes, words = its["next_round_takes"][0], "\n".join(dict.fromkeys(its.get("words", ())))
            saved += results.save(
                one,
                its["images"],
                its.get("before", ()),
                words,
                takes,
                hidden.prompt,
                hidden.extra_pnginfo,
                naming,
                notes.append,
            )
            if not one.token:  # for a driver, which pasted the item and commits it itself
                count = sum(map(len, its["images"])) // len(one.batch)
                naming = replace(naming, metadata=results.writes_metadata())
                said = {"results": count, "words": words, "takes": takes, **vars(naming), "facts": facts}
                made += [{**said, "hashes": results.hashes(each, hidden.prompt, naming)} for each in one.batch]
        if notes:
            progress.say("\n".join(notes), hidden.unique_id)
        ui: dict[str, list[Any]] = {"images": saved}
        return io.NodeOutput(images, ui={**ui, "resonance_made": made} if made else ui)


def by_item(items: Sequence[Item], given: Mapping[str, Sequence[Any]]) -> Iterator[tuple[Item, dict[str, list[Any]]]]:
    """What came for each item, by name: the last value of a shorter list goes with all that follows in longer ones."""
    length = max(map(len, (items, *given.values())))
    whose = [items[min(row, len(items) - 1)] for row in range(length)]
    for n, item in enumerate(items):
        if item in items[:n]:
            continue
        rows = [row for row in range(length) if whose[row] == item]
        places = {name: sorted({min(row, len(values) - 1) for row in rows}) for name, values in given.items()}
        yield item, {name: [given[name][place] for place in found] for name, found in places.items()}


NODES = [RoundInput, RoundWords, RoundOutput]
