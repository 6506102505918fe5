"""Engine 2: taggers, language models and diffusers in this process. Needs no ComfyUI."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

from PIL import Image

from ... import images
from ...files.store import encode_png
from ...llm.chat import Interrupted
from ...paint.how import painted_texts
from ...paint.request import STRENGTH, PictureFile, Request
from ...paint.weights import ONLY_COMFYUI, check_one
from ...prompt import ORDERS, Counted, Duplicates, compose, compose_negative, plain
from ...roulette import Draw
from ...session.item import Item, Words
from ...session.made import Made
from ...session.payloads import Exploration, PromptLine
from ...told import Told
from ...vary.grid import split
from ..job import EngineLost, Job, JobFailed
from ..varying import LegJob
from .describer import Captioning, Describer, Tagging
from .painter import Painter, Painting, Stopped
from .varying import vary

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Composing:
    """How words become a prompt, see :func:`resonance.prompt.compose`."""

    preamble: str = ""
    suffix: str = ""
    negative: str = ""
    banned: str = ""
    delimiter: str = ", "
    order: str = ORDERS[0]
    duplicates: Duplicates = "keep"
    limit: int = 0
    limit_counts: Counted = "tags"

    def request(self, words: Words, draw: Draw | None, seed: int) -> Request:
        """What is to be painted. Escaped parentheses, which ComfyUI wants, are plain ones here."""
        prompt = compose(
            preamble=self.preamble,
            tags=words.tags,
            caption=words.caption,
            triggers=draw.triggers if draw else "",
            suffix=self.suffix,
            banned=self.banned,
            delimiter=self.delimiter,
            order=self.order,
            duplicates=self.duplicates,
            limit=self.limit,
            limit_counts=self.limit_counts,
        )
        negative = compose_negative(self.negative, draw.neg_triggers if draw else "", self.duplicates)
        return Request(
            prompt=plain(prompt),
            negative=plain(negative),
            seed=seed,
            checkpoint=draw.checkpoint if draw else None,
            loras=draw.loras if draw else (),
        )


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Everything the engine needs. Can be pickled: it travels to other machines, the models do not."""

    painting: Painting
    tagging: Tagging | None = None
    captioning: Captioning | None = None
    composing: Composing = Composing()


class Embedded:
    """Makes pictures in a thread of its own, one at a time. Models are loaded by :meth:`ready` and kept.

    Weights such as ``(red:1.2)`` mean nothing to diffusers, but in prompt lines. Pictures are not checked for safety: that is the
    business of who chooses the model.
    """

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self._thread = ThreadPoolExecutor(1, "embedded")
        self._painter: Painter | None = None
        self._describer: Describer | None = None

    @property
    def name(self) -> str:
        model = self.setup.painting.model or "the drawn models"
        return f"{model} on {self._painter.device}" if self._painter else model

    async def ready(self) -> None:
        if self._describer is None:
            await self._run(self._load)

    async def make(self, job: Job, run: str) -> Made:
        return await self._run(lambda stopped: self._make(job, stopped))

    async def forget(self, run: str) -> None:
        """A run ends with its process."""

    async def close(self) -> None:
        if self._describer:
            self._describer.close()
        self._painter = self._describer = None
        self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[[Callable[[], bool]], T]) -> T:
        """Runs ``work`` in the thread. When this is cancelled it waits until ``work`` has noticed."""
        stop = threading.Event()
        running = asyncio.get_running_loop().run_in_executor(self._thread, work, stop.is_set)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait([running])
            running.exception()
            raise

    def _load(self, stopped: Callable[[], bool]) -> None:
        setup = self.setup
        try:
            painter = Painter(setup.painting)
            if setup.painting.model:
                painter.load()
            self._describer = Describer(setup.tagging, setup.captioning, str(painter.device), stopped)
            self._painter = painter
        except Told as error:
            raise EngineLost(str(error)) from error

    def _make(self, job: Job, stopped: Callable[[], bool]) -> Made:
        if not (self._painter and self._describer):
            raise EngineLost("The models are not loaded.")
        if job.graph is not None:
            raise JobFailed("This item is a workflow of ComfyUI, which needs one: pass --server, or set COMFYUI_PATH.")
        item = job.item
        try:
            if isinstance(job, LegJob):
                return vary(self._painter, job, stopped)
            if isinstance(item.payload, PromptLine):
                return self._lines(self._painter, job, stopped)
            draw = Draw.from_dict(item.draw) if item.draw else None
            picture = images.decode(job.picture, job.name) if job.picture else None
            if isinstance(item.payload, Exploration):
                words, request = None, _explored(item.payload, draw)
            else:
                words = item.words or self._describe(self._describer, item, picture, stopped)
                if item.phase == "describe":
                    return Made(words=words)
                request = self.setup.composing.request(words, draw, item.seed)
            if stopped():
                raise Stopped
            painted = self._painter.paint(request, stopped, follows=picture.size if picture else None)
        except Told as error:
            raise JobFailed(str(error)) from error
        return Made(
            pictures=tuple(encode_png(each, {}) for each in painted.pictures),
            words=words,
            prompt=item.payload.words or request.prompt,
            facts=painted.facts,
            model=self.setup.painting.model,
            texts=painted_texts(painted.request, item.payload),
        )

    def _lines(self, painter: Painter, job: Job, stopped: Callable[[], bool]) -> Made:
        """Paints the line of a job, and those beside it."""
        asked = [_of_line(each) for each in job.batch]
        first, *beside = [
            Made(
                pictures=tuple(encode_png(picture, {}) for picture in painted.pictures),
                prompt=request.prompt,
                model=self.setup.painting.model,
                place=place,
                texts=painted_texts(painted.request, each.item.payload),
            )
            for place, (each, request, painted) in enumerate(
                zip(job.batch, asked, painter.paint_lines(asked, stopped), strict=False)
            )
        ]
        return replace(first, beside=tuple(beside))

    def _describe(
        self, describer: Describer, item: Item, picture: Image.Image | None, stopped: Callable[[], bool]
    ) -> Words:
        if picture is None:
            raise Told("This item has neither words nor a picture that could be put into words.")
        try:
            return describer.words(picture, item.seed, stopped)
        except Interrupted:
            raise Stopped from None


def _explored(payload: Exploration, draw: Draw | None) -> Request:
    """What Explore hands out as something to paint."""
    made = payload.combination
    prompt, negative = split(payload.words)
    return Request(
        prompt=plain(prompt),
        negative=plain(negative),
        seed=payload.seed,
        size=(made.width, made.height),
        steps=made.steps,
        cfg=made.scale,
        checkpoint=draw.checkpoint if draw else None,
        loras=draw.loras if draw else (),
    )


def _of_line(job: Job) -> Request:
    """What a prompt line asks for. As with the node at least one step is run of what a start picture leaves to be made.

    Raises:
        Told: only ComfyUI paints it.
    """
    line = job.item.payload
    assert isinstance(line, PromptLine)
    check_one(line.prompt, ONLY_COMFYUI)  # which a wildcard may have brought
    draw = Draw.from_dict(job.item.draw) if job.item.draw else None
    start = PictureFile(job.name, job.picture) if job.picture else None
    return Request(
        prompt=line.prompt,
        negative=line.negative or "",
        seed=line.seed,
        size=(line.width, line.height),
        steps=line.steps,
        cfg=line.scale,
        start=start,
        strength=max(line.strength or STRENGTH, 1 / line.steps) if start else None,
        mask=job.mask,
        checkpoint=draw.checkpoint if draw else None,
        loras=draw.loras if draw else (),
    )
