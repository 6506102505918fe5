"""Between two passes: a small picture becomes what a larger one is painted from."""

from typing import Any

import folder_paths
from comfy_api.v0_0_2 import io

from ..resonance.host import core
from ..resonance.session.item import Item
from ..resonance.told import Told
from . import types
from .inputs import Files

NONE = "none"
NETWORK = "latent upscaler"
METHODS = ("lanczos", "latent bicubic", "latent bilinear", NETWORK)
NO_FILE = f"{NETWORK} needs a file of models/latent_upscale_models: choose one, or another method."


class HighresFix(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResonanceHighresFix",
            display_name="Highres Fix",
            category="Resonance/Prompt lines",
            description="Goes between two samplers. Scales up what the first one made in a small size, and gives the second one latents,"
            " steps, denoise and seeds to paint it again in full size, as kohya's gen_img does.",
            search_aliases=[
                "hires fix",
                "hires. fix",
                "high resolution",
                "two pass",
                "second pass",
                "upscale latent",
                "latent upscaler",
                "img2img upscale",
                "gen_img",
            ],
            inputs=[
                io.Latent.Input("samples", tooltip="What the first sampler made."),
                io.Vae.Input("vae", tooltip="The VAE of the model that paints."),
                io.Combo.Input(
                    "method",
                    options=list(METHODS),
                    default="lanczos",
                    tooltip="What is scaled. lanczos: the picture, which is then encoded again. latent bicubic, latent bilinear: the latents"
                    " themselves. latent upscaler: as lanczos, and a network of sd-scripts then refines the latents (SD1.5 and SD2 only).",
                ),
                io.Int.Input(
                    "width",
                    default=1024,
                    min=16,
                    max=16384,
                    step=8,
                    tooltip="Width to scale to, in pixels. A line of item says it itself.",
                ),
                io.Int.Input(
                    "height",
                    default=1024,
                    min=16,
                    max=16384,
                    step=8,
                    tooltip="Height to scale to, in pixels. A line of item says it itself.",
                ),
                io.Int.Input(
                    "steps",
                    default=20,
                    min=1,
                    max=1000,
                    tooltip="Length of the second pass's schedule. Of its steps the share that strength says is run. A line of item says"
                    " it itself.",
                ),
                io.Float.Input(
                    "strength",
                    default=0.5,
                    min=0.01,
                    max=1.0,
                    step=0.01,
                    tooltip="How much of the picture the second pass makes anew. A line of item says it itself.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=2**64 - 1,
                    control_after_generate=False,
                    tooltip="The seed of the first pass; the second has the one after it. It does not count where item is connected.",
                ),
                io.Combo.Input(
                    "upscaler",
                    options=Files([NONE, *folder_paths.get_filename_list("latent_upscale_models")]),
                    default=NONE,
                    optional=True,
                    tooltip="For latent upscaler: a file for sd-scripts' tools.latent_upscaler, in models/latent_upscale_models.",
                ),
                io.Model.Input(
                    "model",
                    optional=True,
                    tooltip="For latent upscaler: the model that paints, to see that it is SD1.5 or SD2.",
                ),
                types.Item.Input(
                    "item",
                    optional=True,
                    tooltip="From Prompt Lines. Its lines say size, steps, strength and seeds, for each picture of a batch; items of other"
                    " nodes only say the seed.",
                ),
            ],
            outputs=[
                io.Latent.Output(display_name="latent", tooltip="To the second sampler: what it starts from."),
                io.Image.Output(
                    display_name="first", tooltip="The picture of the first pass. To keep it: before of Round Output."
                ),
                io.Int.Output(
                    display_name="steps", tooltip="Steps that the second pass runs: steps x strength, at least 1."
                ),
                io.Float.Output(
                    display_name="denoise", tooltip="For the second sampler or its scheduler: the strength."
                ),
                io.Int.Output(display_name="seed", tooltip="Seed of the second pass, the one after that of the first."),
                io.Noise.Output(
                    display_name="noise",
                    tooltip="The same for each picture of a batch, for SamplerCustomAdvanced. Its sampler comes from the Per Picture Noise"
                    " of the first pass.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def validate_inputs(cls, upscaler: str | None = None) -> bool | str:
        own = cls.hidden.unique_id
        if upscaler is None or core.other_input(own, "method") != NETWORK:
            return True
        if upscaler == NONE:
            return NO_FILE
        from ..resonance.host import highres

        try:
            highres.find(upscaler)
            if not core.is_connected(own, "model"):
                highres.check_model(None)
        except Told as error:
            return str(error)
        return True

    @classmethod
    def execute(
        cls,
        samples: dict[str, Any],
        vae: io.Vae.Type,
        method: str,
        width: int,
        height: int,
        steps: int,
        strength: float,
        seed: int,
        upscaler: str = NONE,
        model: io.Model.Type | None = None,
        item: Item | None = None,
    ) -> io.NodeOutput:
        from ..resonance.host import highres
        from ..resonance.host.core_noise import PerPictureNoise
        from ..resonance.paint.passes import Second, second_of
        from ..resonance.paint.per_picture import Seeds

        if method == NETWORK:
            if upscaler == NONE:
                raise Told(NO_FILE)
            highres.check_model(model)
        second = second_of(item, Second((width, height), steps, strength, [seed]))
        made = highres.scaled_up(samples, vae, method, second.size, upscaler)
        seeds = Seeds(*second.own_seeds)
        return io.NodeOutput(made.latent, made.first, second.run, second.strength, int(seeds), PerPictureNoise(seeds))


NODES = [HighresFix]
