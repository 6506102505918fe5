"""Nodes that only tests need: they show what flows on a link."""

import asyncio
import json
import sys

from aiohttp import web
from comfy_api.latest import ComfyExtension, io
from server import PromptServer

from . import lines, rounds, zeros


class ProbeValue(io.ComfyNode):
    """Returns whatever is connected as JSON (tensors as shape and mean)."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="ProbeValue",
            category="probe",
            inputs=[io.AnyType.Input("value")],
            is_input_list=True,
            is_output_node=True,
        )

    @classmethod
    def execute(cls, value):
        return io.NodeOutput(ui={"value": [json.dumps([plain(v) for v in value])]})


class ProbeNothing(io.ComfyNode):
    """Hands on None, as many nodes do that found nothing."""

    @classmethod
    def define_schema(cls):
        return io.Schema(node_id="ProbeNothing", category="probe", outputs=[io.AnyType.Output()])

    @classmethod
    def execute(cls):
        return io.NodeOutput(None)


class ProbeTokens(io.ComfyNode):
    """The tokens of a text with their weights, as ComfyUI's tokenizer reads it."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="ProbeTokens",
            category="probe",
            inputs=[io.Clip.Input("clip"), io.String.Input("text", force_input=True)],
            outputs=[io.AnyType.Output()],
        )

    @classmethod
    def execute(cls, clip, text):
        return io.NodeOutput([token for rows in clip.tokenize(text).values() for row in rows for token in row])


class ProbeSleep(io.ComfyNode):
    """Passes an image on after a while; a test can interrupt it."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="ProbeSleep",
            category="probe",
            inputs=[io.Image.Input("image"), io.Float.Input("seconds", default=1.0, min=0, max=600)],
            outputs=[io.Image.Output()],
        )

    @classmethod
    async def execute(cls, image, seconds):
        import comfy.model_management

        for _ in range(int(seconds / 0.02)):
            await asyncio.sleep(0.02)
            comfy.model_management.throw_exception_if_processing_interrupted()
        return io.NodeOutput(image)


class ProbeItem(io.ComfyNode):
    """An item of a round, as far as nodes below Round Input look at it, from JSON."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="ProbeItem",
            category="probe",
            inputs=[io.String.Input("text"), io.String.Input("beside", optional=True)],
            outputs=[io.Custom("RESONANCE_ITEM").Output()],
        )

    @classmethod
    def execute(cls, text, beside="[]"):
        item = next(module for name, module in sys.modules.items() if name.endswith(".resonance.session.item"))

        def made(given, **more):
            known = {"session": "probe", "round": 1, "index": 1, "lineage": "X0001", "seed": 0} | given
            if "payload" in known:
                known["payload"] = item.payload_of(known["payload"])
            return item.Item(**known, **more)

        return io.NodeOutput(made(json.loads(text), beside=tuple(map(made, json.loads(beside)))))


def plain(value):
    if hasattr(value, "shape"):
        return {"shape": list(value.shape), "mean": value.float().mean(tuple(range(value.ndim - 1))).tolist()}
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else f"{type(value).__name__}@{id(value)}"


class ProbeExtension(ComfyExtension):
    async def on_load(self):
        zeros.skip_what_is_zero()

        @PromptServer.instance.routes.get("/probe/models")
        async def models(_request):
            """How many models and text encoders are alive."""
            import gc

            from comfy.model_patcher import ModelPatcher

            return web.json_response(sum(issubclass(type(thing), ModelPatcher) for thing in gc.get_objects()))

        @PromptServer.instance.routes.get("/probe/routes")
        async def routes(request):
            """Every route that the server has, such as ``GET /system_stats``."""
            found = {
                f"{route.method} {route.resource.canonical}" for route in request.app.router.routes() if route.resource
            }
            return web.json_response(sorted(found))

    async def get_node_list(self):
        return [ProbeValue, ProbeNothing, ProbeTokens, ProbeSleep, ProbeItem, *lines.NODES, *rounds.NODES]


async def comfy_entrypoint():
    return ProbeExtension()
