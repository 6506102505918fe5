"""What the old packs called their sockets. On them travel our own values, so the inputs take our sockets as well."""

from comfy_api.v0_0_2 import io

from .. import types

CATEGORY = "Resonance/Old workflows"
LLM = io.Custom("OMOST_LLM")
Conversation = io.Custom("OMOST_CONVERSATION")
Canvas = io.Custom("OMOST_CANVAS_CONDITIONING")


def canvas_conds() -> io.MultiType.Input:
    return io.MultiType.Input("canvas_conds", [Canvas, types.Canvas], tooltip="The layout.")
