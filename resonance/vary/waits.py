"""Pauses between pictures, so that a graphics card can cool down."""

import math
from dataclasses import dataclass

from ..told import Told
from ..typed import narrow


@dataclass(frozen=True)
class Waits:
    """Seconds to wait: after every picture, after every third, after every ninth."""

    each: float
    third: float
    ninth: float

    def before(self, made: int) -> float:
        """Seconds to wait before the next picture when ``made`` are there already; none before the first."""
        if made == 0:
            return 0.0
        if made % 9 == 0:
            return self.ninth
        return self.third if made % 3 == 0 else self.each


NO_WAITS = Waits(0.0, 0.0, 0.0)


def read_waits(text: str) -> Waits:
    """Reads ``a,b,c``, or one number for all three.

    Raises:
        Told: that is no wait; the text says what is expected.
    """
    try:
        seconds = [float(part) for part in narrow(text).split(",")]
    except ValueError:
        seconds = []
    if len(seconds) not in (1, 3) or not all(math.isfinite(s) and s >= 0 for s in seconds):
        raise Told(
            f"Expected seconds to wait as one number or three, such as 3 or 1,2,4 (after each picture, each third, each"
            f" ninth), got {text!r}."
        )
    return Waits(*seconds) if len(seconds) == 3 else Waits(*seconds * 3)
