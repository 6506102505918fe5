"""Prompt lines: a text of which each line is a picture, or many."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import torch
from comfy_api.v0_0_2 import io
from comfy_execution.graph_utils import ExecutionBlocker

from ..resonance import graph, images
from ..resonance.host import core, folders, latents, progress
from ..resonance.roulette import Plan
from ..resonance.session.item import BATCH, Item, together
from ..resonance.session.payloads import PromptLine
from ..resonance.sizes import Size
from ..resonance.told import Told
from . import types
from .inputs import pasted_item, plan_and_after

if TYPE_CHECKING:
    from ..resonance.host.lines import Workflow
    from ..resonance.host.sessions.chain import Work

OUTPUTS = 17
IMAGE, MASK, GUIDE = 10, 11, 12
FOLDERS = {IMAGE: ("image", "start_pictures"), MASK: ("mask", "masks"), GUIDE: ("guide", "guides")}
"""Outputs that hand out pictures, and the inputs that name their folders."""


class PromptLines(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonancePromptLines",
            display_name="Prompt Lines",
            category="Resonance/Prompt lines",
            description="Each line of a text is a picture, or many, with options of its own behind --: size, seed, steps, negative"
            " prompt. Hands them out, and queues the next run itself. Press Run once; after a crash, or with other lines, press it"
            " again. Round Output saves what is made.",
            search_aliases=[
                "gen_img",
                "prompts from file",
                "prompt list",
                "batch prompts",
                "text file",
                "wildcards",
                "dynamic prompts",
                "queue prompts",
            ],
            inputs=[
                io.String.Input(
                    "session",
                    default="lines",
                    tooltip="Name of this chain of pictures and of its folder in ComfyUI's output folder. The same name goes on where"
                    " it stopped, with the lines as they are now; a new name starts anew.",
                ),
                io.String.Input(
                    "lines",
                    default="a red barn in the snow\na boat at night --w 768 --h 512 --n blurry",
                    multiline=True,
                    tooltip="A picture a line, with options behind it: --n negative prompt, --w and --h size, --s steps, --l scale,"
                    " --d seeds, --t strength; the help has all of them. Braces choose from entries, __name__ takes a line of"
                    " wildcards/name.txt. Lines that begin with # are passed over.",
                ),
                io.Int.Input(
                    "width", default=512, min=16, max=16384, step=8, tooltip="Width of lines without --w, in pixels."
                ),
                io.Int.Input(
                    "height", default=512, min=16, max=16384, step=8, tooltip="Height of lines without --h, in pixels."
                ),
                io.Int.Input(
                    "steps",
                    default=20,
                    min=1,
                    max=1000,
                    tooltip="Length of the schedule of lines without --s, in steps.",
                ),
                io.Float.Input(
                    "scale",
                    default=7.0,
                    min=0.0,
                    max=100.0,
                    step=0.1,
                    tooltip="Classifier-free guidance of lines without --l.",
                ),
                io.Int.Input(
                    "images_per_prompt",
                    default=1,
                    min=1,
                    max=100_000,
                    tooltip="Pictures of each line. A line that enumerates (e$$) makes one of each of its texts instead.",
                ),
                io.Int.Input(
                    "iterations",
                    default=1,
                    min=1,
                    max=100_000,
                    tooltip="How often all lines are gone through, each time with other seeds and choices.",
                ),
                io.Boolean.Input(
                    "same_seed",
                    default=False,
                    tooltip="On: in an iteration all lines without --d have the same seed, so that they can be compared.",
                ),
                io.Boolean.Input(
                    "shuffle",
                    default=False,
                    tooltip="On: the pictures of an iteration are made in an order drawn by lot.",
                ),
                io.Int.Input(
                    "batch_size",
                    default=1,
                    min=1,
                    max=BATCH,
                    tooltip="How many pictures are painted at once, of neighbouring lines whose options agree; words, seeds and names"
                    " may differ. Needs item at Encode Line and at Per Picture Noise.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=2**50 - 1,
                    control_after_generate=False,
                    tooltip="Seed of the session, from which those of lines without --d follow. It is stored when the session opens;"
                    " later changes have no effect on it.",
                ),
                io.Boolean.Input(
                    "keep_going",
                    default=True,
                    tooltip="On: each run queues the next one until all is done. Off: one run per press of Run.",
                ),
                *plan_and_after(),
                io.String.Input(
                    "file",
                    default="",
                    optional=True,
                    tooltip="A text file in place of the box, such as night.txt, of up to 16 MB: in ComfyUI's input folder, or in the"
                    " folder lines of user/__resonance. It is read when Run is pressed, and the session keeps a copy.",
                ),
                io.String.Input(
                    "start_pictures",
                    default="",
                    optional=True,
                    tooltip="Folder of pictures to start from, inside ComfyUI's input folder or as `name [output]`. One after the other"
                    " goes to the lines, and the first follows on the last. Where lines and file are empty, each is painted by the"
                    " prompt that it carries itself.",
                ),
                io.String.Input(
                    "masks",
                    default="",
                    optional=True,
                    advanced=True,
                    tooltip="Folder of masks, white where the picture is made anew. They are dealt out like start_pictures.",
                ),
                io.String.Input(
                    "guides",
                    default="",
                    optional=True,
                    advanced=True,
                    tooltip="Folder of guide pictures, such as for ControlNet. They are dealt out like start_pictures.",
                ),
                io.Float.Input(
                    "strength",
                    default=0.8,
                    min=0.01,
                    max=1.0,
                    step=0.01,
                    optional=True,
                    tooltip="How much of a start picture is made anew, for lines without --t.",
                ),
                io.Float.Input(
                    "highres_scale",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    optional=True,
                    advanced=True,
                    tooltip="Above 0: pictures are painted in two passes, the first with sides of this share (0.5: half as wide and"
                    " high). first_width, first_height and first_steps are for it; strength and steps for the second pass.",
                ),
                pasted_item(" Several that agree, as a list [ , ], are painted together."),
            ],
            outputs=[
                types.Item.Output(
                    "item",
                    tooltip="What this run works on. Connect it to Round Output and to nodes that take options of lines.",
                ),
                io.String.Output("positive", tooltip="The words of the line."),
                io.String.Output("negative", tooltip="The negative prompt: what stands behind --n."),
                io.Latent.Output(
                    "latent",
                    tooltip="Empty latents of the size, one for each picture; with highres_scale those of the first pass.",
                ),
                io.Int.Output("width", tooltip="Width in pixels."),
                io.Int.Output("height", tooltip="Height in pixels."),
                io.Float.Output("scale", tooltip="Classifier-free guidance: connect it to the sampler's cfg."),
                io.Int.Output(
                    "steps",
                    tooltip="Steps that are run: the schedule times the strength, at least 1. Connect it to the sampler, with strength at its denoise.",
                ),
                io.Int.Output("seed", tooltip="The picture's own seed."),
                io.Float.Output("strength", tooltip="For the sampler's denoise; 1 where nothing is started from."),
                io.Image.Output(
                    "image",
                    tooltip="The picture to start from, scaled to width and height; with highres_scale to those of the first pass.",
                ),
                io.Mask.Output("mask", tooltip="The mask, scaled like image."),
                io.Image.Output("guide", tooltip="The guide picture, scaled to width and height."),
                io.Noise.Output(
                    "noise",
                    tooltip="The noise that each picture begins with, by its own seed, for SamplerCustomAdvanced.",
                ),
                io.Int.Output(
                    "first_width", tooltip="Width of the first pass; without highres_scale that of the picture."
                ),
                io.Int.Output(
                    "first_height", tooltip="Height of the first pass; without highres_scale that of the picture."
                ),
                io.Int.Output(
                    "first_steps", tooltip="Steps that the first pass runs; without highres_scale the same as steps."
                ),
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt, io.Hidden.dynprompt],
            not_idempotent=True,
        )

    @classmethod
    def validate_inputs(cls, lines: str | None) -> bool | str:
        others = (core.other_input(cls.hidden.unique_id, name) for name in ("file", "item"))
        if lines and lines.strip() and not any(str(other or "").strip() for other in others):
            try:
                _check(lines)
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
        lines: str,
        width: int,
        height: int,
        steps: int,
        scale: float,
        images_per_prompt: int,
        iterations: int,
        same_seed: bool,
        shuffle: bool,
        batch_size: int,
        seed: int,
        keep_going: bool,
        plan: Plan | None = None,
        after: object = None,
        file: str = "",
        start_pictures: str = "",
        masks: str = "",
        guides: str = "",
        strength: float = 0.8,
        highres_scale: float = 0.0,
        item: str = "",
    ) -> io.NodeOutput:
        from ..resonance.host.lines import Workflow
        from ..resonance.host.sessions import chain, owned
        from ..resonance.paint.shots import Widgets
        from ..resonance.session.fill.asked_lines import AskedLines
        from ..resonance.session.fill.lines import alike

        live, own = core.live_graph(cls.hidden.dynprompt), cls.hidden.unique_id
        used = partial(graph.is_used, live, own)
        if item.strip():
            work = _fitting(chain.pasted_lines(item), Workflow(live, own), own)
        elif chain.has_item(session, own, cls.hidden.prompt):
            return io.NodeOutput()
        else:
            for output, folder in ((IMAGE, start_pictures), (MASK, masks), (GUIDE, guides)):
                if used(output) and not folder.strip():
                    raise _missing(output)
            workflow = Workflow(live, own)
            alone = workflow.alone()
            notes = list[str]()
            fill = AskedLines(
                text=lines,
                file=file,
                folder=owned.folder(session),
                widgets=Widgets(
                    width=width // 8 * 8,
                    height=height // 8 * 8,
                    steps=steps,
                    scale=scale,
                    strength=strength if start_pictures.strip() or highres_scale else None,
                ),
                per_line=images_per_prompt,
                iterations=iterations,
                same_seed=same_seed,
                shuffle=shuffle,
                pictures=start_pictures,
                masks=masks,
                guides=guides,
                roots=folders.picture_roots(),
                text_roots=folders.lines_roots(),
                wildcard_roots=folders.wildcard_roots(),
                nodes=workflow.takers(),
                remark=alone if batch_size > 1 else "",
                note=notes.append,
            )
            ask = chain.Ask(
                session=session,
                fill=fill,
                seed=seed,
                keep_going=keep_going,
                words_first=False,
                plan=plan,
                most=1 if alone else batch_size,
                alike=alike,
                fits=workflow.can_encode,
                notes=notes,
            )
            work = chain.next_work(ask, own, cls.hidden.prompt)
        if work is None:
            return io.NodeOutput(*[ExecutionBlocker(None)] * OUTPUTS)
        return _outputs(work, highres_scale, used)


def _outputs(work: "Work", highres_scale: float, used: Callable[[int], bool]) -> io.NodeOutput:
    from ..resonance.host.core_noise import PerPictureNoise
    from ..resonance.paint.passes import passes
    from ..resonance.paint.per_picture import Seeds

    payloads = [_line(each) for each in work.item.batch]
    line = payloads[0]  # what is not told of each agrees
    size = line.width, line.height
    how = passes(size, line.steps, line.strength, work.image is not None, highres_scale)
    pictures = [] if work.image is None else [work.image, *work.beside]
    masks, guides = [each.mask for each in payloads], [each.guide for each in payloads]
    image = _together(pictures, how.first, IMAGE) if used(IMAGE) else None
    mask = _together(_read(work.item, masks), how.first, MASK).mean(-1) if used(MASK) else None
    guide = _together(_read(work.item, guides), size, GUIDE) if used(GUIDE) else None
    return io.NodeOutput(
        work.item,
        line.prompt,
        line.negative or "",
        latents.empty(*how.first, len(payloads)),
        *size,
        line.scale,
        how.steps,
        line.seed,
        how.strength,
        image,
        mask,
        guide,
        PerPictureNoise(Seeds(*(each.seed for each in payloads))),
        *how.first,
        how.first_steps,
    )


def _fitting(work: "Work", workflow: "Workflow", own: str) -> "Work":
    """The first ones of pasted items, as many as the workflow can paint together: who has pasted them asks for the others again."""
    items = work.item.batch
    count = 1 if workflow.alone() else len(items)
    while count > 1 and not workflow.can_encode(items[:count]):
        count -= 1
    if count < len(items):
        why = workflow.alone() or "The others have prompts of too different lengths."
        progress.say(f"{count} of {len(items)} items {'is' if count == 1 else 'are'} painted. {why}", own)
    return replace(work, item=together(items[:count]), beside=work.beside[: count - 1])


def _line(item: Item) -> PromptLine:
    assert isinstance(item.payload, PromptLine)
    return item.payload


def _read(item: Item, names: Sequence[str | None]) -> list[torch.Tensor]:
    from ..resonance.host.sessions import chain

    return [chain.picture(item, name) for name in names if name]


def _together(pictures: Sequence[torch.Tensor], size: Size, output: int) -> torch.Tensor:
    """A batch (IMAGE) of one size."""
    if not pictures:
        raise _missing(output)
    return torch.cat([images.scaled(each, size) for each in pictures])


def _missing(output: int) -> Told:
    name, folder = FOLDERS[output]
    return Told(f"Something is connected to {name}, but there is none: name a folder in {folder}, or disconnect it.")


@lru_cache(4)
def _check(lines: str) -> None:
    """Raises Told: the lines cannot be read. Those that can are known: ComfyUI asks before each run."""
    from ..resonance.paint.wildcards import WildcardFiles
    from ..resonance.session.fill.asked_lines import read_box

    read_box(lines, WildcardFiles(folders.wildcard_roots()))


NODES = [PromptLines]
