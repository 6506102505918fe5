"""What can be set about painting with diffusers."""

from ...settings import Setting

STEPS = Setting[int | None](
    name="steps",
    default=None,
    low=1,
    high=10000,
    tip="Sampling steps of every picture. Default: the model's usual number; to explore what --steps-rule says.",
)
CFG = Setting[float | None](
    name="cfg", default=None, low=0.0, high=100.0, tip="CFG scale. Default: the model's usual one."
)
SAMPLER = Setting(
    name="sampler",
    default="",
    tip="euler, euler_ancestral, dpmpp_2m, ddim, ... Default: the model's own; to explore with --server ddim.",
)
SIZE = Setting(
    name="size",
    default="",
    tip="Width and height in pixels, such as 768x512. Default: the picture's aspect at about the model's own size.",
)
DEVICE = Setting(name="device", default="auto", tip="auto, cuda, cuda:1, mps, xpu or cpu.")
DTYPE = Setting(name="dtype", default="auto", tip="auto, float32, float16 or bfloat16.")
