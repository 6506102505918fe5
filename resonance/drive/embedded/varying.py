"""Vary without ComfyUI."""

from collections.abc import Callable
from dataclasses import replace

import torch

from ... import images
from ...files.store import encode_png
from ...paint.how import painted_texts
from ...paint.request import PictureFile, Request, of_call
from ...prompt import plain
from ...session.made import Made
from ...vary.grid import split
from ...vary.leg import follow
from ...vary.modes import colors
from ...vary.transform import Call
from ..varying import SAMPLER, LegJob
from .painter import Painter


def vary(painter: Painter, job: LegJob, stopped: Callable[[], bool]) -> Made:
    """Makes one kept picture. Raises like :meth:`.painter.Painter.paint`."""
    vary, leg = job.vary, job.vary.leg_of(job.item)
    assert job.picture is not None
    prompt, negative = map(plain, split(vary.words))
    start, sampler = PictureFile(job.name), painter.how.sampler or SAMPLER
    asked = Request(prompt=prompt, negative=negative, seed=vary.seed, sampler=sampler, start=start, mask=job.mask)

    def paint(call: Call, picture: torch.Tensor) -> torch.Tensor:
        return painter.again(of_call(asked, call, start), picture, stopped)

    def read(data: bytes) -> torch.Tensor:
        return images.to_tensor(images.decode(data, job.name))

    how = colors(vary.color)
    if how and job.mask:
        how = replace(how, mask=read(job.mask.data)[0, ..., 0])
    if how and vary.through_vae:
        how = replace(how, reference=painter.through_vae)
    made = follow(leg.calls, read(job.picture), paint, how, read(job.reference), map(read, job.heard))
    [picture] = images.from_tensor(made)
    said = of_call(asked, leg.call, start)
    return Made(
        pictures=(encode_png(picture, {}),),
        model=painter.how.model,
        texts=painted_texts(replace(said, size=picture.size, checkpoint=painter.how.model)),
    )
