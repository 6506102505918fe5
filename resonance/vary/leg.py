"""A transform one kept picture at a time: for those who have nothing but the pictures that were kept before it.

:func:`resonance.vary.walk.walk` goes through a transform in one process. Here each kept picture is made by itself, from files, on
whatever machine; both make the same pictures.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from .color import Anchored
from .transform import Call, Transform, calls
from .walk import Colors, Picture, as_saved


@dataclass(frozen=True, kw_only=True)
class Leg:
    """The way to a kept picture. Where it names a call, that call's kept picture is meant; None is the start.

    Attributes:
        call: keeps it.
        parent: made the picture that it comes from, see :class:`.walk.KeptPicture`.
        calls: the runs of the sampler that lead to it, ``call`` the last of them.
        begin: the picture that the first of them starts from. It is the parent's, unless only copies are corrected: then what
            a chain goes on with is in no file, and is made again.
        reference: the picture that the chain of colours begins with.
        heard: the kept pictures that this chain was told of before.
    """

    call: Call
    parent: Call | None
    calls: tuple[Call, ...]
    begin: Call | None
    reference: Call | None
    heard: tuple[Call, ...]


def legs(transform: Transform, seed: int, colors: Colors | None = None) -> Iterator[Leg]:
    """The legs of a transform, in the order of :func:`.walk.walk`."""
    anchored = colors is not None and isinstance(colors.how, Anchored)
    first = end = begin = parent = reference = None
    waiting, heard = list[Call](), list[Call]()
    for call in calls(transform, seed):
        if call.number == 1:
            first = end if transform.loop_to_loop else None
            if not (anchored and transform.loop_to_loop and call.loop > 1):
                reference, heard = first, []
        if call.fresh:
            begin, parent, waiting = first, first, []
        waiting.append(call)
        if not call.kept:
            continue
        yield Leg(
            call=call,
            parent=parent,
            calls=tuple(waiting),
            begin=begin,
            reference=reference,
            heard=tuple(heard) if anchored else (),
        )
        if not (colors and colors.copies_only):
            begin, waiting = call, []
        if transform.chained or call.number == len(transform.pairs):
            heard.append(call)
        end = parent = call


def follow(
    steps: tuple[Call, ...],
    begin: Picture,
    paint: Callable[[Call, Picture], Picture],
    colors: Colors | None = None,
    reference: Picture | None = None,
    heard: Iterable[Picture] = (),
) -> Picture:
    """Makes a kept picture, as its file will have it.

    Args:
        steps: the calls of a leg.
        begin, reference, heard: the pictures that the leg names. Without a reference it is ``begin``.
        paint: runs the sampler.
    """
    chain = colors.chain(begin if reference is None else reference) if colors else None
    if chain:
        for picture in heard:
            chain.kept(picture)
    state, kept = begin, steps[-1]
    for call in steps:
        state = paint(call, state)
        if chain and colors and colors.each and not colors.copies_only:
            state = chain.correct(state, 1, call.pair.strength)
    if chain and colors and (colors.copies_only or not colors.each):
        state = chain.correct(state, kept.transforms, kept.pair.strength)
    return as_saved(state)
