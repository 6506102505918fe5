"""Socket types of our own. Everything else that our nodes exchange is a core type."""

from comfy_api.v0_0_2 import io

Tagger = io.Custom("RESONANCE_TAGGER")
LLM = io.Custom("RESONANCE_LLM")
Plan = io.Custom("RESONANCE_PLAN")
Item = io.Custom("RESONANCE_ITEM")
Canvas = io.Custom("RESONANCE_CANVAS")
Conversation = io.Custom("RESONANCE_CONVERSATION")
Regions = io.Custom("RESONANCE_REGIONS")
Loras = io.Custom("RESONANCE_LORAS")
Reference = io.Custom("RESONANCE_REFERENCE")
Transform = io.Custom("RESONANCE_TRANSFORM")

TEXT_SOCKET = [io.String, io.Combo]
"""Types of an input that takes text and has no widget, on a node with a dynamic combo.

``io.String`` with ``force_input`` would be mistaken there: front end 1.58 counts it among the saved values, as those of 2023
had it, and drops another one.
"""
