"""Vary for a driver, which owns the session: what there is to make, and one picture of it, see :mod:`resonance.drive.varying`."""

from collections.abc import Mapping
from functools import partial
from typing import Any, cast

import torch
from comfy_api.v0_0_2 import io

from .. import images
from ..files import store
from ..files.pictures import locate
from ..graph import DRIVEN, MAKE, PLAN
from ..session.fill import transforms
from ..session.fill.transforms import VaryJob
from ..session.item import Item
from ..session.payloads import Variation
from ..told import Told
from ..vary.walk import Picture
from . import folders, vary
from .sessions import queue, results
from .sessions.variations import Around, SaveAs


def asked() -> dict[str, Any] | None:
    """What a driver asks in the run that is on; None: this run is nobody's but its own."""
    return queue.current().extra.get(DRIVEN)


def answer(
    question: Mapping[str, Any],
    task: vary.Task,
    image: torch.Tensor,
    mask: torch.Tensor | None,
    color: Mapping[str, Any],
    save: SaveAs,
    around: Around,
) -> io.NodeOutput:
    """Does what a driver asks. Raises Told like :func:`resonance.host.vary.vary`."""
    if question["kind"] == PLAN:
        planned = vary.plan(task, image, mask, partial(_job, task, color, save, around))
        files = [(job.start, store.encode_png(images.from_tensor(start)[0], {})) for job, start in planned]
        ui = {"resonance_jobs": [job.to_dict() for job, _ in planned], "images": results.show(files)}
        return io.NodeOutput(image, "", ui=ui)
    if question["kind"] != MAKE:
        raise Told(
            f"Vary cannot do what the command asks, {question['kind']!r}: Resonance is older here than the command."
        )
    item, job = Item.from_json(question["item"]), VaryJob.from_dict(question["job"])
    place = item.round, cast(Variation, item.payload).row
    reference = _picture(question["reference"])
    heard = map(_picture, question["heard"])
    made = vary.make(task, job, place, image, mask, reference, heard, around.node_id)
    shown = results.save(item, [made], (), save.words, "none", around.prompt, around.extra, save.naming)
    return io.NodeOutput(made, "", ui={"images": shown})


def _job(
    task: vary.Task,
    color: Mapping[str, Any],
    save: SaveAs,
    around: Around,
    start: Picture,
    mask: torch.Tensor | None,
    settings: str,
) -> VaryJob:
    content = transforms.content_of(images.from_tensor(start)[0])
    return VaryJob(
        id=save.job_id(content, mask, settings, around),
        start=transforms.start_of(content),
        transform=task.transform,
        seed=task.seed,
        color=color,
        through_vae=task.through_vae,
        words=save.words,
        folder=save.naming.folder,
        name=save.naming.name,
    )


def _picture(name: str) -> Picture:
    """A picture that the driver has sent."""
    return images.to_tensor(images.read(locate(name, {"temp": folders.temp_folder()})[1]))
