"""Samples, and says how long each step took, on the clock and of the processor, and how much of the latter was cross-attention."""

import time
from contextlib import ExitStack

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
        times, processor, cross = [], [], [0.0]
        latent = comfy.sample.fix_empty_latent_channels(model, latent["samples"])
        noise = comfy.sample.prepare_noise(latent, seed)

        def stepped(*_):
            times.append(time.monotonic())
            processor.append(time.process_time())
            cross.append(cross[-1])

        def begin(*_):
            cross[-1] -= time.process_time()

        def end(*_):
            cross[-1] += time.process_time()

        with ExitStack() as stack:
            for name, module in model.model.diffusion_model.named_modules():
                if name.endswith(".attn2"):
                    stack.callback(module.to_q.register_forward_pre_hook(begin).remove)
                    stack.callback(module.to_out.register_forward_pre_hook(end).remove)
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
                callback=stepped,
                disable_pbar=True,
                seed=seed,
            )
        spent = {"seconds": times, "processor": processor, "cross": cross[:-1]}
        return io.NodeOutput(ui={name: between(each) for name, each in spent.items()})


def between(times):
    return [after - before for before, after in zip(times, times[1:], strict=False)]


class StepsExtension(ComfyExtension):
    async def get_node_list(self):
        return [BenchSample]


async def comfy_entrypoint():
    return StepsExtension()
