"""Pictures as conditions, without ComfyUI: what a picture says, and how it travels in a conditioning."""
