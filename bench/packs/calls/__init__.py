"""Counts how often a text encoder is asked, and compares what it said."""

import json
import time

import torch
from comfy_api.latest import ComfyExtension, io


class Counted:
    """A CLIP that counts its calls, their sections and their seconds."""

    def __init__(self, clip):
        self.clip, self.calls, self.sections, self.seconds = clip, 0, 0, 0.0

    def __getattr__(self, name):
        return getattr(self.clip, name)

    def _count(self, ask, tokens, **kwargs):
        start = time.monotonic()
        said = ask(tokens, **kwargs)
        self.calls += 1
        self.sections += len(next(iter(tokens.values())))
        self.seconds += time.monotonic() - start
        return said

    def encode_from_tokens(self, tokens, **kwargs):
        return self._count(self.clip.encode_from_tokens, tokens, **kwargs)

    def encode_from_tokens_scheduled(self, tokens, **kwargs):
        return self._count(self.clip.encode_from_tokens_scheduled, tokens, **kwargs)


class BenchCount(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="BenchCount",
            category="bench",
            inputs=[io.Clip.Input("clip"), io.Int.Input("run", min=0, max=1 << 30)],
            outputs=[io.Clip.Output()],
        )

    @classmethod
    def execute(cls, clip, run):
        return io.NodeOutput(Counted(clip))


class BenchCalls(io.ComfyNode):
    """Calls, sections and seconds, once ``after`` is there; with ``compare`` the largest difference of the tokens."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="BenchCalls",
            category="bench",
            is_output_node=True,
            inputs=[
                io.Clip.Input("clip"),
                io.Conditioning.Input("after"),
                io.Conditioning.Input("compare", optional=True),
            ],
        )

    @classmethod
    def execute(cls, clip, after, compare=None):
        found = {"calls": clip.calls, "sections": clip.sections, "seconds": clip.seconds}
        if compare is not None:
            found["difference"] = torch.max((after[0][0] - compare[0][0]).abs()).item()
        return io.NodeOutput(ui={"found": [json.dumps(found)]})


class CallsExtension(ComfyExtension):
    async def get_node_list(self):
        return [BenchCount, BenchCalls]


async def comfy_entrypoint():
    return CallsExtension()
