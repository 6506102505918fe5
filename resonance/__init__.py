"""The library behind the nodes. Only ``resonance.host`` knows ComfyUI."""
