"""Models of real architectures, wired by hand so that a word paints its colour.

A model of random weights can be loaded and sampled, but says nothing: "red" and "blue" give noise that differs by the
seed. Here the few weights that matter are set, everything else is zero plus a little noise, and what flows is colour:

- **The latent** is the picture: channels 0, 1, 2 are red, green, blue of a block of 8 x 8 pixels (:mod:`.taesd`).
- **A token** carries its colour in dimensions 0 to 3, and in dimension 4 how much it has to say (:mod:`.clip_text`).
- **Attention** reads the tokens that have something to say and adds their mean colour (:mod:`.unet`, :mod:`.flux`).
- **A hint** for a ControlNet adds its own colour (:mod:`.controlnet`).
- **A vision model** tells a picture's colour (:mod:`.vision`); adapters and style models say it as words do
  (:mod:`.ip_adapter`, :mod:`.style`), a UNet that listens takes it from its vector input, and a Flux or Qwen-Image that
  looks takes it from reference latents (:mod:`.flux`, :mod:`.qwen_image`).

So "red" and a red picture paint red, "red blue" purple, "" nothing, and the seed adds grain. Whatever acts on words,
pictures, attention, latents or weights (regions, LoRA, guidance) can be measured in pixels, with the sign known beforehand.

What ComfyUI reads from tensor shapes is minimal. What it fixes (width 320, twelve text layers) stays zero, and zeros
become holes of a sparse file. Never leave a tensor out instead: ComfyUI warns and goes on with uninitialised memory.
"""
