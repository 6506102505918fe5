"""Which checkpoint and which LoRAs the next picture gets.

A plan is written as img2tag2img's TOML; a draw is a function of the plan and one integer.
"""

from .draw import Draw, DrawnLora, draw
from .plan import Checkpoint, Lora, Plan, PlanError
from .text import parse

__all__ = ["Checkpoint", "Draw", "DrawnLora", "Lora", "Plan", "PlanError", "draw", "parse"]
