"""Quick stand-ins for tagger and sampler: what they do can be seen in the pictures and in a log."""

import time
from pathlib import Path

import folder_paths
import torch
from comfy_api.latest import io
from comfy_execution.graph_utils import GraphBuilder

COLOURS = {"red": (1.0, 0.0, 0.0), "green": (0.0, 1.0, 0.0), "blue": (0.0, 0.0, 1.0), "grey": (0.5, 0.5, 0.5)}


class ProbeDescribe(io.ComfyNode):
    """Names the picture's strongest colour, and writes a line to ``described.log`` in the output folder."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="ProbeDescribe",
            category="probe",
            inputs=[
                io.Image.Input("image"),
                io.String.Input("lineage", default="", force_input=True),
                io.Int.Input("round", default=0, force_input=True),
            ],
            outputs=[io.String.Output()],
        )

    @classmethod
    def execute(cls, image, lineage, round):
        mean = image.mean((0, 1, 2)).tolist()
        strongest = max(range(3), key=lambda c: mean[c])
        word = ("red", "green", "blue")[strongest] if mean[strongest] > 0.4 > min(mean) else "grey"
        with Path(folder_paths.get_output_directory(), "described.log").open("a") as log:
            log.write(f"{lineage} {round} {word}\n")
        return io.NodeOutput(word)


class ProbePaint(io.ComfyNode):
    """Paints the colour that the text names; raises on items whose lineage stands in ``fail``."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="ProbePaint",
            category="probe",
            inputs=[
                io.String.Input("text", force_input=True),
                io.Int.Input("seed", default=0, min=0, max=2**60, force_input=True),
                io.String.Input("lineage", default="", optional=True, force_input=True),
                io.String.Input("fail", default="", optional=True),
                io.Int.Input("batch", default=1, optional=True),
                io.Float.Input("seconds", default=0.0, optional=True),
            ],
            outputs=[io.Image.Output()],
        )

    @classmethod
    def execute(cls, text, seed, lineage="", fail="", batch=1, seconds=0.0):
        import comfy.model_management

        for _ in range(int(seconds / 0.02)):
            time.sleep(0.02)
            comfy.model_management.throw_exception_if_processing_interrupted()
        if lineage in fail.split() or fail == "all":
            raise RuntimeError("the paint is out" if fail == "all" else f"no paint for {lineage}")
        colour = torch.tensor(COLOURS.get(text.split(",")[0].strip(), COLOURS["grey"]))
        grain = torch.rand((batch, 64, 64, 3), generator=torch.Generator().manual_seed(seed)) * 0.1
        return io.NodeOutput((colour * 0.9 + grain).clamp(0, 1))


class ProbeRepeat(io.ComfyNode):
    """Runs Round Input to Round Output ``count`` times inside one run, as a core loop does."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="ProbeRepeat",
            category="probe",
            inputs=[
                io.String.Input("session"),
                io.String.Input("folder"),
                io.Int.Input("count", default=2),
                io.Int.Input("rounds", default=1, optional=True),
            ],
            outputs=[io.Image.Output()],
            is_output_node=True,
            enable_expand=True,
            not_idempotent=True,
        )

    @classmethod
    def fingerprint_inputs(cls, **_):
        return float("nan")

    @classmethod
    def execute(cls, session, folder, count, rounds=1):
        graph = GraphBuilder()
        last = None
        for _ in range(count):
            settings = {"rounds": rounds, "seed": 0, "keep_going": True, "words_first": False}
            start = graph.node("ResonanceRoundInput", session=session, first_folder=folder, **settings)
            if last:
                start.set_input("after", last)
            end = graph.node("ResonanceRoundOutput", images=start.out(0), item=start.out(1), next_round_takes="first")
            last = end.out(0)
        return io.NodeOutput(last, expand=graph.finalize())


class ProbeDots(io.ComfyNode):
    """Dots that are others for every seed, scale and size; raises on scales that stand in ``fail``."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="ProbeDots",
            category="probe",
            inputs=[
                io.Latent.Input("latent"),
                io.Float.Input("scale", force_input=True),
                io.Int.Input("steps", force_input=True),
                io.Int.Input("seed", min=0, max=2**60, force_input=True),
                io.String.Input("fail", default="", optional=True),
                io.Float.Input("seconds", default=0.0, optional=True),
            ],
            outputs=[io.Image.Output()],
        )

    @classmethod
    def execute(cls, latent, scale, steps, seed, fail="", seconds=0.0):
        import comfy.model_management

        for _ in range(int(seconds / 0.02)):
            time.sleep(0.02)
            comfy.model_management.throw_exception_if_processing_interrupted()
        if str(scale) in fail.split():
            raise RuntimeError(f"no dots for {scale} with {seed}")
        _, _, height, width = latent["samples"].shape
        chance = torch.Generator().manual_seed(hash((seed, scale, steps)) % 2**60)
        return io.NodeOutput(torch.rand((1, height, width, 3), generator=chance))


class ProbeLines(io.ComfyNode):
    """A picture for each item of a run, grain from its own noise; raises where one whose prompt stands in ``fail`` is among them.
    Writes the prompts of a run to ``lines.log`` in the output folder."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="ProbeLines",
            category="probe",
            inputs=[
                io.Latent.Input("latent"),
                io.Noise.Input("noise"),
                io.Custom("RESONANCE_ITEM").Input("item"),
                io.String.Input("fail", default="", optional=True),
                io.Float.Input("seconds", default=0.0, optional=True),
            ],
            outputs=[io.Image.Output()],
        )

    @classmethod
    def execute(cls, latent, noise, item, fail="", seconds=0.0):
        time.sleep(seconds)
        prompts = [each.payload.prompt for each in item.batch]
        with Path(folder_paths.get_output_directory(), "lines.log").open("a") as log:
            log.write(" + ".join(prompts) + "\n")
        if fail and fail in prompts:
            raise RuntimeError(f"no picture of {fail}")
        return io.NodeOutput(noise.generate_noise(latent)[:, :3].movedim(1, -1).sigmoid())


class ProbeShape(io.ComfyNode):
    """Passes pictures on; writes size and mean color to ``shapes.log`` in the output folder."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="ProbeShape",
            category="probe",
            inputs=[io.Image.Input("images"), io.String.Input("lineage", force_input=True)],
            outputs=[io.Image.Output()],
        )

    @classmethod
    def execute(cls, images, lineage):
        _, height, width, _ = images.shape
        mean = " ".join(f"{c:g}" for c in images.mean((0, 1, 2)).tolist())
        with Path(folder_paths.get_output_directory(), "shapes.log").open("a") as log:
            log.write(f"{lineage} {width}x{height} {mean}\n")
        return io.NodeOutput(images)


NODES = [ProbeDescribe, ProbePaint, ProbeDots, ProbeLines, ProbeShape, ProbeRepeat]
