"""What can be set of the pictures that a session begins with."""

from typing import Literal

from ..settings import Setting

Order = Literal["name", "date", "shuffled"]

ORDER = Setting[Order](
    name="order",
    default="name",
    choices=("name", "date", "shuffled"),
    tip="Order of the first round's pictures: name (2 before 10), date of the file, the oldest first, or shuffled by the session's seed."
    " Order, start and count are stored when the session opens; later changes have no effect on it.",
    advanced=True,
)
START = Setting(
    name="start",
    default=0,
    low=0,
    high=1_000_000,
    step=1,
    tip="So many pictures of the first folder are skipped, in that order.",
    advanced=True,
)
COUNT = Setting(
    name="count",
    default=0,
    low=0,
    high=1_000_000,
    step=1,
    tip="At most so many pictures of the first folder are taken; 0: all. With a start or a count, pictures that come into the folder later"
    " do not join.",
    advanced=True,
)
