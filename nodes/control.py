"""ControlNets that ComfyUI has no nodes for."""

import torch
from comfy_api.v0_0_2 import io

from ..resonance.attention.parts import Conditioning
from ..resonance.graph import TURNS
from ..resonance.host import folders
from ..resonance.told import Told
from .inputs import Choice, Files, chosen

CATEGORY = "Resonance/Prompt lines"


class ControlNetLLLite(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceControlNetLLLite",
            display_name="ControlNet LLLite",
            category=CATEGORY,
            description="kohya's small ControlNets, for SDXL and SD1.5. For several, chain several: their order does not matter, and they act"
            " beside Regions and other ControlNets.",
            search_aliases=[
                "lllite",
                "controllllite",
                "controlnet lite",
                "kohya",
                "control_net_lllite_models",
                "gen_img",
            ],
            inputs=[
                io.Model.Input(
                    "model", tooltip="SDXL or SD1.5, as the file is. It is not changed: take the one that comes out."
                ),
                io.Combo.Input(
                    "lllite",
                    options=Files(folders.lllite_files() or ["none"]),
                    tooltip="A file of models/controlnet. Only those are listed that are ControlNet-LLLite.",
                ),
                io.Image.Input(
                    "image",
                    tooltip="What it sees, such as lines or a depth map, stretched over the picture that is made: any size will do. Several are"
                    " taken in turn by the pictures of a batch.",
                ),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=0.0,
                    max=10.0,
                    step=0.05,
                    tooltip="How strongly it acts. 0: not at all.",
                ),
                io.Float.Input(
                    "start",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Share of the sampling at which it begins.",
                ),
                io.Float.Input(
                    "end", default=1.0, min=0.0, max=1.0, step=0.01, tooltip="Share of the sampling at which it ends."
                ),
            ],
            outputs=[io.Model.Output(tooltip="The model, to the sampler or the next ControlNet-LLLite.")],
        )

    @classmethod
    def validate_inputs(cls, lllite: str | None = None) -> bool | str:
        from ..resonance.host.lllite import load

        try:
            if lllite is not None:
                load(lllite)
        except Told as error:
            return str(error)
        return True

    @classmethod
    def fingerprint_inputs(cls, lllite: str | None = None, **_: object) -> str:
        """Another file may lie under the name tomorrow."""
        from ..resonance.host.lllite import stamp

        return stamp(lllite) if lllite else ""

    @classmethod
    def execute(
        cls, model: io.Model.Type, lllite: str, image: torch.Tensor, strength: float, start: float, end: float
    ) -> io.NodeOutput:
        from ..resonance.host.lllite import controlled

        return io.NodeOutput(controlled(model, lllite, image, strength=strength, start=start, end=end))


def _turns(count: int) -> list[io.Input]:
    """The inputs of so many ControlNets. Translators, and with them the page, know an input by its name alone."""
    inputs: list[io.Input] = []
    for n in range(1, count + 1):
        inputs += [
            io.ControlNet.Input(
                f"control_net_{n}", tooltip=f"From Load ControlNet Model: acts in step {n}, {n} + the count, and so on."
            ),
            io.Image.Input(f"image_{n}", tooltip="What it sees."),
            io.Float.Input(
                f"strength_{n}",
                default=1.0,
                min=0.0,
                max=10.0,
                step=0.05,
                tooltip="How strongly it acts. 0: its steps go without one.",
            ),
            io.Float.Input(
                f"end_{n}",
                default=1.0,
                tooltip="Share of the sampling up to which it acts; then its steps go without one.",
                min=0.0,
                max=1.0,
                step=0.01,
            ),
        ]
    return inputs


class AlternateControlNets(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceAlternateControlNets",
            display_name="Alternate ControlNets",
            category=CATEGORY,
            description="Two to eight ControlNets that take turns, one in each step, as in kohya's gen_img. Several Apply ControlNet in a row act"
            " together in every step instead. A step takes as long as with one.",
            search_aliases=["alternating controlnet", "multi controlnet", "controlnet schedule", "kohya", "gen_img"],
            inputs=[
                io.Conditioning.Input(
                    "positive", tooltip="The words. ControlNets that are already on them go on acting in every step."
                ),
                io.Conditioning.Input("negative", tooltip="The negative words."),
                io.DynamicCombo.Input(
                    "count",
                    options=[io.DynamicCombo.Option(str(count), _turns(count)) for count in TURNS],
                    tooltip="How many there are.",
                ),
                io.Vae.Input(
                    "vae",
                    optional=True,
                    tooltip="The VAE of the model, for ControlNets that see latents, as those of Flux and SD3 do.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(
                    display_name="positive", tooltip="The words with the ControlNets, to the sampler."
                ),
                io.Conditioning.Output(
                    display_name="negative", tooltip="The negative words with the same ControlNets."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        positive: Conditioning,
        negative: Conditioning,
        count: Choice | None = None,
        vae: io.Vae.Type | None = None,
    ) -> io.NodeOutput:
        from ..resonance.host.alternate import Turn, alternating

        asked = chosen(count, "count", map(str, TURNS))
        turns = [
            Turn(*(asked[f"{name}_{n}"] for name in ("control_net", "image", "strength", "end")))
            for n in range(1, int(asked["count"]) + 1)
        ]
        return io.NodeOutput(*alternating(positive, negative, turns, vae))


NODES = [ControlNetLLLite, AlternateControlNets]
