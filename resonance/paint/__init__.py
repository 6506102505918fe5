"""What to paint as one value, and what ComfyUI is to do for it."""
