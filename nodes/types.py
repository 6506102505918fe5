"""Socket types of our own. Everything else that our nodes exchange is a core type."""

from comfy_api.latest import io

Tagger = io.Custom("RESONANCE_TAGGER")
LLM = io.Custom("RESONANCE_LLM")
Plan = io.Custom("RESONANCE_PLAN")
Item = io.Custom("RESONANCE_ITEM")
Canvas = io.Custom("RESONANCE_CANVAS")
Conversation = io.Custom("RESONANCE_CONVERSATION")
Regions = io.Custom("RESONANCE_REGIONS")
Transform = io.Custom("RESONANCE_TRANSFORM")
