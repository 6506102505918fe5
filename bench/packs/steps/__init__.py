"""Samples, and says how long each step took, on the clock and of the processor."""

import time

import comfy.sample
from comfy_api.latest import ComfyExtension, io


class BenchSample(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="BenchSample",
            category="bench",
            is_output_node=True,
            inputs=[
                io.Model.Input("model"),
                io.Conditioning.Input("positive"),
                io.Conditioning.Input("negative"),
                io.Latent.Input("latent"),
                io.Int.Input("steps", min=2, max=100),
                io.Int.Input("seed", min=0, max=1 << 30),
            ],
        )

    @classmethod
    def execute(cls, model, positive, negative, latent, steps, seed):
        times, processor = [], []
        latent = comfy.sample.fix_empty_latent_channels(model, latent["samples"])
        noise = comfy.sample.prepare_noise(latent, seed)
        comfy.sample.sample(
            model,
            noise,
            steps,
            5.0,
            "euler",
            "normal",
            positive,
            negative,
            latent,
            callback=lambda *_: (times.append(time.monotonic()), processor.append(time.process_time())),
            disable_pbar=True,
            seed=seed,
        )
        return io.NodeOutput(ui={"seconds": between(times), "processor": between(processor)})


def between(times):
    return [after - before for before, after in zip(times, times[1:], strict=False)]


class StepsExtension(ComfyExtension):
    async def get_node_list(self):
        return [BenchSample]


async def comfy_entrypoint():
    return StepsExtension()
