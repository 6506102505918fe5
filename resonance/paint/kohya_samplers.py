"""gen_img's names of samplers, and what ComfyUI has for them."""

from collections.abc import Mapping
from typing import NamedTuple

from .per_picture import NOISES


class Sampler(NamedTuple):
    """ComfyUI's names. ``eta`` is how much noise is added on the way, where ComfyUI's own amount is another."""

    name: str
    scheduler: str = "normal"
    eta: float | None = None


_OWN = {
    "ddim": Sampler("ddim", "ddim_uniform"),
    "pndm": Sampler("ipndm", "ddim_uniform"),
    "lms": Sampler("lms"),
    "euler": Sampler("euler"),
    "euler_a": Sampler("euler_ancestral"),
    "heun": Sampler("heun"),
    "dpm_2": Sampler("dpm_2"),
    "dpm_2_a": Sampler("dpm_2_ancestral"),
    "dpmsolver": Sampler("dpmpp_2m"),
    "dpmsolver++": Sampler("dpmpp_2m"),
    "dpmsingle": Sampler("dpmpp_2s_ancestral", eta=0.0),
}
SAMPLERS: Mapping[str, Sampler] = {
    **_OWN,
    **{f"k_{name}": _OWN[name] for name in ("lms", "euler", "euler_a", "dpm_2", "dpm_2_a")},
    "dpmsolver+++": _OWN["dpmsolver++"],
}
"""By gen_img's names, and one that is only in its README. None draws kohya's noise; pndm and dpmsolver are the nearest."""

COMFYUI = frozenset({*NOISES, "ddim", "uni_pc", "uni_pc_bh2"} - {"unipc", "unipc_bh2", "cfgpp_ud10_ab"})
"""Names of ComfyUI's own, which are taken too."""


def kohya_name(name: str) -> str:
    """gen_img's name of a sampler of ComfyUI's that it calls otherwise; of any other its own."""
    return {"euler_ancestral": "euler_a", "dpm_2_ancestral": "dpm_2_a"}.get(name, name)


def sampler(name: str) -> Sampler:
    """By gen_img's name, or ComfyUI's."""
    return SAMPLERS.get(name) or Sampler(name)
