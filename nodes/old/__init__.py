"""Nodes of ComfyUI_omost and ComfyUI_densediffusion under their own ids, so that workflows made with these packs run.

They are thin: names and numbers are the old ones, what they do is done by the library. New graphs need none of them.
"""

from . import canvas, dense, llm

NODES = [*llm.NODES, *canvas.NODES, *dense.NODES]
