"""What can be set about taggers."""

from ...settings import Setting
from .labels import CATEGORIES
from .models import EngineChoice
from .select import ORDERS, Order

ENGINE = Setting[EngineChoice](
    name="engine",
    default="auto",
    choices=("auto", "torch", "onnx"),
    tip="torch reads safetensors and needs timm. onnx needs onnxruntime. auto: torch where its files are there, else onnx.",
)
DOWNLOAD = Setting(
    name="download",
    default=False,
    tip="Fetch missing files from the Hugging Face hub (a tagger: 0.3 to 1.4 GB). Can be interrupted; the next run goes on"
    " where it stopped.",
)
GENERAL_THRESHOLD = Setting(
    name="general_threshold",
    default=-1.0,
    low=-1.0,
    high=1.0,
    step=0.01,
    tip="Score from 0 to 1 that a tag must exceed. Negative: the model's own threshold, for WD 0.35. Also for categories"
    " other than character.",
)
CHARACTER_THRESHOLD = Setting(
    name="character_threshold",
    default=-1.0,
    low=-1.0,
    high=1.0,
    step=0.01,
    tip="Score from 0 to 1 that the name of a character must exceed. Negative: the model's own threshold, for WD 0.85.",
)
GENERAL_MCUT = Setting(
    name="general_mcut",
    default=False,
    tip="Find the threshold of general tags per picture: the middle of the widest gap between scores.",
)
CHARACTER_MCUT = Setting(
    name="character_mcut",
    default=False,
    tip="Find the threshold of characters per picture in the same way, but never below 0.15.",
)
EXCLUDE = Setting(
    name="exclude",
    default="",
    tip="Tags to leave out, separated by commas or lines. Case, underscores and escapes do not matter. * stands for"
    " any letters: *_eyes.",
)
REPLACE = Setting(
    name="replace",
    default="",
    tip="What to write for some tags: grey_hair -> silver hair, separated by commas or lines. * stands for any letters. What"
    " is written twice then is written once.",
)
ORDER = Setting[Order](
    name="order",
    default=ORDERS[0],
    choices=ORDERS,
    tip="by category: characters, then general tags, each in the order of the model's list. best first: by score.",
)
MAXIMUM = Setting(
    name="maximum", default=0, low=0, high=1000, tip="Keep at most this many tags, the best. 0 keeps all."
)
WRITTEN = Setting(
    name="categories",
    default="character, general",
    tip=f"Categories to write, in this order. Known: {', '.join(CATEGORIES)}.",
)
SPACES = Setting(
    name="underscores_to_blanks",
    default=True,
    tip="Write long_hair as long hair. Kaomoji such as ^_^ stay as they are.",
)
ESCAPE = Setting(
    name="escape_parentheses",
    default=True,
    tip="Write \\( and \\), so that ComfyUI does not read parentheses as emphasis.",
)
SEPARATOR = Setting(name="separator", default=", ", tip="Stands between tags.")
