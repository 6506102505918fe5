"""Samples with a SAMPLER, and says what the whole run took of the processor."""

import time

import comfy.sample
from comfy_api.latest import ComfyExtension, io


class BenchRun(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="BenchRun",
            category="bench",
            is_output_node=True,
            inputs=[
                io.Model.Input("model"),
                io.Conditioning.Input("positive"),
                io.Conditioning.Input("negative"),
                io.Latent.Input("latent"),
                io.Sampler.Input("sampler"),
                io.Sigmas.Input("sigmas"),
                io.Int.Input("seed", min=0, max=1 << 30),
            ],
        )

    @classmethod
    def execute(cls, model, positive, negative, latent, sampler, sigmas, seed):
        latent = comfy.sample.fix_empty_latent_channels(model, latent["samples"])
        noise = comfy.sample.prepare_noise(latent, seed)
        begin = []

        def stepped(step, *_):
            # What is loaded and made once comes before the end of the first step, which does not count.
            if not begin:
                begin.append(time.process_time())

        words = {"positive": positive, "negative": negative, "latent_image": latent, "seed": seed}
        comfy.sample.sample_custom(model, noise, 5.0, sampler, sigmas, callback=stepped, disable_pbar=True, **words)
        return io.NodeOutput(ui={"processor": [time.process_time() - begin[0]]})


class SamplersExtension(ComfyExtension):
    async def get_node_list(self):
        return [BenchRun]


async def comfy_entrypoint():
    return SamplersExtension()
