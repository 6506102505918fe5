"""A layout: one global region and more, on a grid of 90 x 90. ``x`` goes to the right, ``y`` down."""

from dataclasses import dataclass

from ..told import Told

GRID = 90
"""Cells in each direction, whatever the picture's format."""

Rect = tuple[int, int, int, int]
"""top, bottom, left, right in cells, as Omost has it; 0 <= top < bottom <= 90."""

WHOLE: Rect = (0, GRID, 0, GRID)
STRONGEST = 100.0
"""Largest weight, and strength of a LoRA."""
STRONGEST_PICTURE = 2.0
"""Largest strength of a picture."""
LABEL = 40
"""Letters of a region's words that stand for its name."""


class CanvasError(Told):
    """Something is not a canvas; the text is for the user and says where."""


@dataclass(frozen=True)
class Lora:
    """A LoRA that acts in a region only."""

    file: str
    strength: float = 1.0


@dataclass(frozen=True)
class RegionPicture:
    """A picture that a region shall look like.

    Attributes:
        file: its name in ComfyUI's input folder, as Load Image has it, with forward slashes.
        strength: how strongly it acts, 0 to 2; 0 takes it out.
    """

    file: str
    strength: float = 1.0


@dataclass(frozen=True)
class Region:
    """A place and its words.

    Attributes:
        rect: where it is.
        prefixes: what every bag of its words begins with: the global prefixes, then its own description.
        suffixes: the other sentences and tags; they are dealt out to bags and never cut where they fit.
        color: red, green, blue, 0 to 255, for the sketch.
        tags: which of the suffixes is the line of tags; None if there is none.
        negative: what shall not be there.
        weight: how strongly its words act; 0 takes it out.
        start, end: share of the sampling during which it acts, 0 to 1.
        loras: what acts there only.
        mask: its shape inside ``rect``, which it is stretched over: an 8-bit grey PNG of at most 256 x 256, base64.
            Empty: all of it.
        extra: keys of its JSON that are not ours, each with its value as JSON text.
        picture: what it shall look like, beside its words.
    """

    rect: Rect = WHOLE
    prefixes: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    color: tuple[int, int, int] = (128, 128, 128)
    tags: int | None = None
    name: str = ""
    negative: str = ""
    weight: float = 1.0
    start: float = 0.0
    end: float = 1.0
    mask: str = ""
    loras: tuple[Lora, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()
    picture: RegionPicture | None = None


@dataclass(frozen=True)
class Canvas:
    """A layout. The first region is the global one, the others go from far to near: later ones cover earlier ones.

    Attributes:
        origin: digest of the value this one was edited from, empty if from none. ``from`` in JSON, on the first region.
    """

    regions: tuple[Region, ...]
    origin: str = ""

    @property
    def whole(self) -> Region:
        """The global region."""
        return self.regions[0]

    @property
    def locals(self) -> tuple[Region, ...]:
        """The other regions, far to near."""
        return self.regions[1:]

    def label(self, number: int) -> str:
        """What a person calls the region with that number, 0 being the global one: its name, else how its words begin."""
        region = self.regions[number]
        if region.name or number == 0:
            return region.name or "global"
        description = "".join(self.own_prefixes(region)[-1:])
        return description.split(",")[0].strip(" .")[:LABEL] or f"region {number}"

    @property
    def pictured(self) -> dict[int, RegionPicture]:
        """The pictures that act, by the number of their region."""
        acting = {number: region.picture for number, region in enumerate(self.regions) if region.weight > 0}
        return {number: picture for number, picture in acting.items() if picture and picture.strength}

    def own_prefixes(self, region: Region) -> tuple[str, ...]:
        """The prefixes of a local region without the global ones that they begin with."""
        shared = self.whole.prefixes
        return region.prefixes[len(shared) :] if region.prefixes[: len(shared)] == shared else region.prefixes
