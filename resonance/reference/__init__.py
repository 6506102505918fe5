"""Pictures as a condition, without ComfyUI."""
