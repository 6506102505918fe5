"""Says when it is reached, on the clock and of the processor, and hands on what came."""

import time

from comfy_api.latest import ComfyExtension, io


class BenchClock(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="BenchClock",
            category="bench",
            is_output_node=True,
            not_idempotent=True,
            inputs=[io.AnyType.Input("value"), io.AnyType.Input("after", optional=True)],
            outputs=[io.AnyType.Output()],
        )

    @classmethod
    def fingerprint_inputs(cls, **_):
        return float("nan")

    @classmethod
    def execute(cls, value, after=None):
        return io.NodeOutput(value, ui={"processor": [time.process_time()]})


class ClockExtension(ComfyExtension):
    async def get_node_list(self):
        return [BenchClock]


async def comfy_entrypoint():
    return ClockExtension()
