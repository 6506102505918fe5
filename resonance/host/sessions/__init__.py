"""Sessions over ComfyUI's queue."""
