"""A batch whose pictures come out as each does alone: a seed for each, and what ComfyUI's samplers need for that."""

from collections.abc import Mapping
from typing import Any, Literal

from ..told import Told
from .options import SEEDS


class Seeds(int):
    """The seed of a batch's first picture, for whoever wants one; in it are those of all.

    ComfyUI hands a NOISE's seed through a sampling run as it is, so that a SAMPLER finds them there.
    """

    given: tuple[int, ...]

    def __new__(cls, *given: int) -> "Seeds":
        seeds = super().__new__(cls, given[0])
        seeds.given = given
        return seeds

    def of(self, count: int) -> tuple[int, ...]:
        """A seed for each of so many pictures. Where only one was given, the others count up from it.

        Raises:
            Told: several were given, for more or fewer pictures.
        """
        if len(self.given) == 1:
            return tuple((self + i) % SEEDS for i in range(count))
        if len(self.given) != count:
            raise Told(
                f"The item has seeds for {len(self.given)} pictures, and {count} are to be painted: take the latent from the node that"
                " gives the item."
            )
        return self.given


# Samplers

Noise = Literal["none", "generator", "tree", "tree on the device"]
"""What a sampler draws on its way: nothing; noise for each step from a generator; noise from a Brownian tree, which is on the CPU or
where the model is."""

_NAMES: dict[Noise, str] = {
    "none": """
        euler euler_cfg_pp cfgpp_ud10_ab heun heunpp2 exp_heun_2_x0 dpm_2 dpm_fast dpmpp_2m dpmpp_2m_cfg_pp lms ipndm ipndm_v deis
        res_multistep res_multistep_cfg_pp gradient_estimation gradient_estimation_cfg_pp unipc unipc_bh2
    """,
    "generator": """
        euler_ancestral euler_ancestral_cfg_pp dpm_2_ancestral dpmpp_2s_ancestral dpmpp_2s_ancestral_cfg_pp res_multistep_ancestral
        res_multistep_ancestral_cfg_pp exp_heun_2_x0_sde ddpm lcm er_sde seeds_2 seeds_3 sa_solver sa_solver_pece
    """,
    "tree": "dpmpp_sde dpmpp_2m_sde dpmpp_2m_sde_heun dpmpp_3m_sde",
    "tree on the device": "dpmpp_sde_gpu dpmpp_2m_sde_gpu dpmpp_2m_sde_heun_gpu dpmpp_3m_sde_gpu",
}
NOISES: dict[str, Noise] = {name: noise for noise, names in _NAMES.items() for name in names.split()}
"""By the name of the function that ComfyUI calls: ddim is euler, uni_pc is unipc."""

TOGETHER = {"dpm_adaptive": "chooses its steps for all pictures of a batch at once"}
"""Samplers whose pictures depend on one another, and why."""

WHERE_ABOVE_0 = {
    "s_churn": "adds noise that no picture can be given by itself",
    "noise_clip_std": "measures the noise of all pictures at once",
}
"""The same for settings of samplers."""


def noise_of(sampler: str, settings: Mapping[str, Any], is_cores: bool = True) -> Noise:
    """What a sampler draws, if it can paint each picture of a batch as it does alone.

    Args:
        sampler: the name of its function.
        settings: that it is called with.
        is_cores: whether it is ComfyUI's own.

    Raises:
        Told: it cannot, or nobody knows.
    """
    if not is_cores or sampler not in {*NOISES, *TOGETHER}:
        reason = "is not among the samplers that are known to paint each picture of a batch as it does alone"
    elif sampler in TOGETHER:
        reason = TOGETHER[sampler]
    elif above := next((name for name in WHERE_ABOVE_0 if settings.get(name, 0) > 0), None):
        reason = f"with {above} above 0 {WHERE_ABOVE_0[above]}"
    elif settings.get("noise_sampler"):
        reason = "has its noise from another node, which gives it to all pictures of a batch at once"
    else:
        return NOISES[sampler]
    raise Told(f"{sampler} {reason}: choose another sampler, or paint one picture a run.")
