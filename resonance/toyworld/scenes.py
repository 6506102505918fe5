"""The scenes of the toy world: one shape on a ground of one colour, how they are drawn and how they are put into words."""

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIDE = 64
"""Pixels. Lengths below are in halves of it: a picture reaches from -1 to 1."""

SIZES = {"small": 0.26, "large": 0.46}
COLORS = {
    "red": (220, 40, 40),
    "green": (40, 170, 60),
    "blue": (40, 80, 220),
    "yellow": (245, 215, 50),
    "purple": (150, 60, 190),
    "orange": (245, 140, 30),
    "white": (245, 245, 245),
    "black": (20, 20, 20),
}
SHAPES = ("circle", "square", "triangle", "star", "cross")
PLACES = {"left": (-0.45, 0.0), "right": (0.45, 0.0), "top": (0.0, -0.45), "bottom": (0.0, 0.45), "center": (0.0, 0.0)}
PREPOSITIONS = {"top": "at", "bottom": "at", "center": "in"}

TAGS = {
    "size": tuple(SIZES),
    "color": tuple(COLORS),
    "shape": SHAPES,
    "place": tuple(PLACES),
    "background": tuple(f"{color} background" for color in COLORS),
}
"""The tags by what they say. A scene has one of each; they are written in this order."""

KINDS = tuple(TAGS)

Tags = tuple[str, str, str, str, str]
"""What a prompt says of a scene, one tag of each kind; empty where it says nothing."""


@dataclass(frozen=True)
class Scene:
    size: str
    color: str
    shape: str
    place: str
    background: str
    """A colour, without the word background."""

    @property
    def tags(self) -> Tags:
        return self.size, self.color, self.shape, self.place, f"{self.background} background"


def tag_line(tags: Tags) -> str:
    """As a tagger writes them: ``large, red, circle, left, blue background``."""
    return ", ".join(filter(None, tags))


def caption(tags: Tags) -> str:
    """As a person would: ``a large red circle on the left, blue background``."""
    size, color, shape, place, background = tags
    where = place and f"{PREPOSITIONS.get(place, 'on')} the {place}"
    return ", ".join(filter(None, (" ".join(filter(None, ("a", size, color, shape or "shape", where))), background)))


def agreement(scene: Scene, said: Collection[str]) -> dict[str, bool]:
    """For each kind of tag, whether just the scene's one is among those that were said."""
    return {kind: set(said) & set(TAGS[kind]) == {tag} for kind, tag in zip(KINDS, scene.tags, strict=True)}


def random_scene(rng: np.random.Generator) -> Scene:
    """Any scene, every one as likely as the other; shape and ground differ in colour."""
    color, background = rng.choice(tuple(COLORS), 2, replace=False)
    size, shape, place = (rng.choice(TAGS[kind]) for kind in ("size", "shape", "place"))
    return Scene(str(size), str(color), str(shape), str(place), str(background))


def draw(scene: Scene, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A picture ``[SIDE, SIDE, 3]`` of the scene. Place, size and colours vary a little."""
    x, y = _GRID - np.add(PLACES[scene.place], rng.uniform(-0.05, 0.05, 2))[:, None, None]
    distance = _distance(scene.shape, x, y, SIZES[scene.size] * rng.uniform(0.95, 1.05))
    inside = np.clip(0.5 - distance * SIDE / 2, 0, 1)[..., None]
    shape, ground = (np.add(COLORS[color], rng.uniform(-6, 6, 3)) for color in (scene.color, scene.background))
    return np.clip(ground + inside * (shape - ground) + 0.5, 0, 255).astype(np.uint8)


_LINE = (np.arange(SIDE) + 0.5) * 2 / SIDE - 1
_GRID = np.stack(np.meshgrid(_LINE, _LINE))

Plane = NDArray[np.float64]


def _distance(shape: str, x: Plane, y: Plane, radius: float) -> Plane:
    """Signed distance from the edge of a shape around the origin, negative inside; y points down."""
    across, up = np.abs(x), np.abs(y)
    if shape == "circle":
        return np.hypot(x, y) - radius
    if shape == "square":
        return np.maximum(across, up) - radius * 0.85
    if shape == "triangle":
        return np.maximum(across * math.sqrt(0.75) - y / 2, y) - radius * 0.55
    if shape == "cross":
        arm = radius * 0.32
        return np.minimum(np.maximum(across - radius, up - arm), np.maximum(up - radius, across - arm))
    # A star: all ten edges are folded onto one, from a tip to the notch beside it.
    tenth = math.pi / 5
    angle = np.abs(np.remainder(np.arctan2(x, -y) + tenth, 2 * tenth) - tenth)
    along, aside = np.hypot(x, y) * np.cos(angle), np.hypot(x, y) * np.sin(angle)
    tip, notch = radius * 1.1, radius * 0.45
    to_notch = (notch * math.cos(tenth) - tip, notch * math.sin(tenth))
    return ((along - tip) * to_notch[1] - aside * to_notch[0]) / math.hypot(*to_notch)
