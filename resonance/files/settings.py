"""What can be set of the files that are saved."""

from typing import Literal, get_args

from ..plugins import is_there
from ..settings import Setting

Format = Literal["png", "webp", "webp lossy", "jpeg", "jxl", "jxl lossy", "avif"]

SUFFIXES: dict[Format, str] = {
    "png": ".png",
    "webp": ".webp",
    "webp lossy": ".webp",
    "jpeg": ".jpg",
    "jxl": ".jxl",
    "jxl lossy": ".jxl",
    "avif": ".avif",
}
ASKED: dict[str, Format] = {
    ".png": "png",
    ".webp": "webp lossy",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".jxl": "jxl",
    ".avif": "avif",
}
"""The format that the name of a file asks for by its suffix."""

FORMAT = Setting[Format](
    name="format",
    default="png",
    choices=tuple(each for each in get_args(Format) if is_there(each)),
    tip="Format of the saved pictures. png, webp and jxl keep every pixel; webp lossy, jpeg, jxl lossy and avif do not, and the next"
    " round goes on from what they keep. jxl needs pip install pillow-jxl-plugin, avif Pillow 11.3 or newer.",
    advanced=True,
)
QUALITY = Setting(
    name="quality",
    default=90,
    low=1,
    high=100,
    step=1,
    tip="Of webp lossy, jpeg, jxl lossy and avif: more is better and larger.",
    advanced=True,
)
NAME_PATTERN = Setting(
    name="name_pattern",
    default="",
    tip="Names of pictures, in place of the name rule's: text in which lineage, source, round, seed, date, time, model, prompt, n (the"
    " number of the picture in the session) and i (that in its batch), each in braces, stand for what they are, and / parts folders inside"
    " the folder rule's. Digits: n:06. Empty: by the name rule.",
    advanced=True,
)
PARAMETERS = Setting(
    name="parameters",
    default=False,
    tip="Also writes into the pictures how they were made: as A1111's web UI does, for Civitai and others that read that, and under the"
    " keys of kohya's gen_img. What is not known is left out.",
    advanced=True,
)
MODEL_HASH = Setting(
    name="model_hash",
    default=False,
    tip="With parameters: also writes the hash by which Civitai finds the checkpoint. Its file is read for that, once while ComfyUI runs,"
    " which takes a while.",
    advanced=True,
)
CAPTIONS = Setting(
    name="captions",
    default=False,
    tip="Also writes what the pictures were made from into a .txt beside each, as trainers read it.",
    advanced=True,
)
