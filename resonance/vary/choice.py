"""What the widgets of the Transform node stand for, and what its table shows of it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..told import Told
from .transform import PRESETS, Transform, preset, read_program

OWN = "own program"

SHOWN = 200
"""Most rows of a table."""


def choose(choice: Mapping[str, Any], iterations: int = 0) -> Transform:
    """The transform that was chosen.

    Args:
        choice: under ``transform`` a name of :data:`PRESETS` or :data:`OWN`; with a preset maybe ``era``, with ``OWN`` also
            ``program``, ``save_middle`` and ``loop_to_loop``.
        iterations: how many loops; 0: the transform's own number.

    Raises:
        Told: it is neither, or the program cannot be read.
    """
    name = str(choice.get("transform"))
    if name == OWN:
        pairs, chained = read_program(str(choice.get("program", "")))
        chosen = Transform(pairs, chained, bool(choice.get("save_middle")), bool(choice.get("loop_to_loop")))
    elif name in PRESETS:
        chosen = preset(name, choice.get("era", "S"))
    else:
        raise Told(f"transform must be one of {', '.join((*PRESETS, OWN))}.")
    return replace(chosen, iterations=iterations) if iterations else chosen


def table(transform: Transform) -> dict[str, Any]:
    """The table of a program.

    Returns:
        ``rows``: scale, strength, steps and start step of the first pairs; ``pairs``: how many there are; ``chained``,
        ``save_middle``, ``loop_to_loop`` and ``iterations`` as in the transform; ``kept``: pictures that a loop makes.
    """
    count = len(transform.pairs)
    return {
        "rows": [[pair.scale, pair.strength, pair.steps, pair.start] for pair in transform.pairs[:SHOWN]],
        "pairs": count,
        "chained": transform.chained,
        "save_middle": transform.save_middle,
        "loop_to_loop": transform.loop_to_loop,
        "iterations": transform.iterations,
        "kept": count if transform.save_middle or not transform.chained else 1,
    }
