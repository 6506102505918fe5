"""The pictures that a command line of gen_img's names, and what they are for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..files.pictures import listing, locate
from ..told import Told
from .checks import NOT_IN_PARTS, canny
from .command_line import CommandLine
from .graph import Pictures

AND = " AND "


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file or a folder of pictures that a command line names.

    Attributes:
        name: as sources have it.
        path: on disk.
        roots: those that its name needs beside ComfyUI's.
    """

    name: str = ""
    path: Path = Path()
    roots: Mapping[str, Path] = field(default_factory=dict[str, Path])

    def __bool__(self) -> bool:
        return bool(self.name)


@dataclass(frozen=True, kw_only=True)
class Given:
    """
    Attributes:
        start, mask, guide: what goes to the shots in turn.
        graph: what the graph is to be told of them.
    """

    start: Source
    mask: Source
    guide: Source
    graph: Pictures

    @property
    def roots(self) -> dict[str, Path]:
        """Those that their names need beside ComfyUI's."""
        return {**self.start.roots, **self.mask.roots, **self.guide.roots}


def given(line: CommandLine, text: str | None, roots: Mapping[str, Path]) -> Given:
    """
    Args:
        text: the lines; None: they are yet to be typed.
        roots: ComfyUI's folders that pictures may lie in.

    Raises:
        Told: there is no such picture, one is missing, or nothing takes it.
    """
    asked = line.asked
    start, mask = (_source(asked[name], name, roots) for name in ("image_path", "mask_path"))
    guides = [_source(path, "guide_image_path", roots) for path in asked["guide_image_path"]]
    parts = _parts(line, text, start, mask)
    _check(line, start, guides)
    each = tuple(str(guide.path) for guide in guides) if len(guides) > 1 else ()
    return Given(
        start=start,
        mask=Source() if parts else mask,
        guide=guides[0] if len(guides) == 1 else Source(),
        graph=Pictures(
            start=bool(start), mask=bool(mask) and not parts, places=_first_picture(mask) if parts else "", guides=each
        ),
    )


def _source(path: str | None, name: str, roots: Mapping[str, Path]) -> Source:
    if not path:
        return Source()
    there = Path(path).expanduser().resolve()
    if not there.exists():
        raise Told(f"--{name}: there is no {path}.")
    for root, base in roots.items():
        if there.is_relative_to(base.resolve()):
            below = there.relative_to(base.resolve()).as_posix()
            return Source(name=f"{below} [{root}]".removeprefix(". "), path=there)
    root = name.removesuffix("_path")
    return Source(name=f"{there.name} [{root}]", path=there, roots={root: there.parent})


def _parts(line: CommandLine, text: str | None, start: Source, mask: Source) -> bool:
    """Whether the mask gives the parts of lines with AND their places. Raises Told where it cannot."""
    asked = line.asked
    with_parts = AND in text if text is not None else bool(asked["network_weights"] or not start)
    parts = bool(mask) and with_parts
    if mask and not (parts or start):
        raise Told(
            "--mask_path needs a picture to start from (--image_path), or lines with AND, whose parts have their places in it."
        )
    if asked["network_regional_mask_max_color_codes"] and not parts:
        raise Told("--network_regional_mask_max_color_codes is for lines with AND and a --mask_path.")
    lost = [f"--{name}" for name in NOT_IN_PARTS if parts and name in line.given]
    if lost:
        raise Told(f"{', '.join(lost)}: not with lines of AND and a --mask_path, whose parts ComfyUI itself encodes.")
    return parts


def _check(line: CommandLine, start: Source, guides: Sequence[Source]) -> None:
    """Raises Told: pictures are missing, or nothing takes them."""
    asked = line.asked
    nets = asked["control_net_models"] or asked["control_net_lllite_models"]
    name = "control_net_lllite_models" if asked["control_net_lllite_models"] else "control_net_models"
    if asked["control_net_models"] and asked["control_net_lllite_models"]:
        raise Told(
            "--control_net_models and --control_net_lllite_models have the same pictures and multipliers: pass one of them."
        )
    pulls = [f"--{name}" for name in ("clip_image_guidance_scale", "vgg16_guidance_scale") if asked[name]]
    if nets and not guides:
        raise Told(f"--{name} need pictures: pass --guide_image_path.")
    if pulls and not guides:
        raise Told(
            f"{' and '.join(pulls)}: towards which picture? Pass --guide_image_path. gen_img would take the picture that it painted before."
        )
    if guides and not (nets or pulls):
        raise Told(
            "--guide_image_path is for --control_net_models, --control_net_lllite_models, --clip_image_guidance_scale and"
            " --vgg16_guidance_scale: pass one of them, too."
        )
    if len(guides) > 1 and pulls:
        raise Told(f"{' and '.join(pulls)}: pass one file or folder as --guide_image_path, not {len(guides)}.")
    for what in ("preps", "multipliers", "weights", "ratios"):
        if len(asked[f"control_net_{what}"]) > len(nets):
            raise Told(f"--control_net_{what} has more values than there are --{name}.")
    for prep in asked["control_net_preps"]:
        canny(prep)
    if len(guides) > 1 and (len(guides) != len(nets) or not all(guide.path.is_file() for guide in guides)):
        raise Told(f"--guide_image_path takes one file or folder for all --{name}, or a file for each of them.")
    if asked["clip_vision_strength"] is not None and not start:
        raise Told("--clip_vision_strength needs a picture to look at: pass --image_path.")
    if asked["use_original_file_name"] and not start:
        raise Told("--use_original_file_name needs pictures to be named after: pass --image_path.")


def _first_picture(source: Source) -> str:
    """gen_img takes the first picture for all."""
    if source.path.is_file():
        return str(source.path)
    roots = {"mask": source.path.parent}
    [first, *_] = listing(f"{source.path.name} [mask]", roots)
    return str(locate(first, roots)[1])
