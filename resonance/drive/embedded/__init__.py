"""Engine 2: taggers, language models and diffusers in this process. Needs no ComfyUI."""
