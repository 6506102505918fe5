"""Nodes that only tests need: they record what a sampler and a VAE are asked for."""

import copy
import hashlib
import time

import comfy.patcher_extension
import comfy.samplers
import torch
from aiohttp import web
from comfy_api.latest import ComfyExtension, io
from server import PromptServer

records = []
"""Events in order, as ``GET /calls`` shows them until ``POST /calls/forget``."""


def digest(tensor):
    return hashlib.sha256(tensor.detach().cpu().contiguous().numpy().tobytes()).hexdigest()


def pixels(picture):
    return digest((picture.clamp(0, 1) * 255).round().to(torch.uint8))


class RecordCalls(io.ComfyNode):
    """The model and the VAE, recorded. Each step takes ``seconds`` longer; ``quick``: the model is not asked and
    takes its input for the picture: the noise stays in it, and only the sampler's own steps take time."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="RecordCalls",
            category="probe",
            inputs=[
                io.Model.Input("model"),
                io.Vae.Input("vae"),
                io.Float.Input("seconds", default=0.0, min=0, max=60),
                io.Boolean.Input("quick", default=False),
            ],
            outputs=[io.Model.Output(), io.Vae.Output()],
        )

    @classmethod
    def execute(cls, model, vae, seconds, quick):
        sampling = model.get_model_object("model_sampling")
        schedule = comfy.samplers.calculate_sigmas(sampling, "ddim_uniform", 50).tolist()

        def sample(executor, noise, latent, sampler, sigmas, mask, callback, *args, **kwargs):
            def slow(*about):
                time.sleep(seconds)
                records[-1]["done"] += 1
                callback(*about)

            asked = {"what": "sample", "cfg": executor.class_obj.cfg, "noise": digest(noise), "done": 0}
            entry = executor.class_obj.conds["positive"][0]
            seed = kwargs.get("seed", args[1] if len(args) > 1 else None)
            records.append(
                {
                    **asked,
                    "seed": seed,
                    "guidance": entry.get("guidance"),
                    "shape": list(noise.shape),
                    "sigmas": sigmas.tolist(),
                    "schedule": schedule,
                }
            )
            return executor(noise, latent, sampler, sigmas, mask, slow, *args, **kwargs)

        model, vae = model.clone(), copy.copy(vae)
        model.add_wrapper(comfy.patcher_extension.WrappersMP.OUTER_SAMPLE, sample)
        if quick:
            model.set_model_unet_function_wrapper(lambda _, asked: asked["input"])
        encode, decode = vae.encode, vae.decode

        def recorded_encode(picture, *args, **kwargs):
            records.append({"what": "encode", "pixels": pixels(picture)})
            return encode(picture, *args, **kwargs)

        def recorded_decode(*args, **kwargs):
            picture = decode(*args, **kwargs)
            records.append({"what": "decode", "pixels": pixels(picture)})
            return picture

        vae.encode, vae.decode = recorded_encode, recorded_decode
        return io.NodeOutput(model, vae)


class BreakModel(io.ComfyNode):
    """A model whose pictures are NaN, as too low a precision makes them."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="BreakModel", category="probe", inputs=[io.Model.Input("model")], outputs=[io.Model.Output()]
        )

    @classmethod
    def execute(cls, model):
        model = model.clone()
        model.set_model_sampler_post_cfg_function(lambda asked: asked["denoised"] * torch.nan)
        return io.NodeOutput(model)


class OddImage(io.ComfyNode):
    """Pictures that no loader makes."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="OddImage",
            category="probe",
            inputs=[io.Combo.Input("kind", options=list(ODD))],
            outputs=[io.Image.Output()],
        )

    @classmethod
    def execute(cls, kind):
        return io.NodeOutput(ODD[kind])


ODD = {
    "grey": torch.full((1, 32, 32, 1), 0.5),
    "transparent": torch.zeros(1, 32, 32, 4),
    "nan": torch.full((1, 32, 32, 3), torch.nan),
    "empty": torch.zeros(0, 32, 32, 3),
    "5 channels": torch.zeros(1, 32, 32, 5),
}


class CallsExtension(ComfyExtension):
    async def on_load(self):
        @PromptServer.instance.routes.get("/calls")
        async def show(_):
            return web.json_response(records)

        @PromptServer.instance.routes.post("/calls/forget")
        async def forget(_):
            records.clear()
            return web.json_response({})

    async def get_node_list(self):
        return [RecordCalls, BreakModel, OddImage]


async def comfy_entrypoint():
    return CallsExtension()
