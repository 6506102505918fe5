"""Resonance: let pictures speak and answer."""

WEB_DIRECTORY = "./web"


async def comfy_entrypoint():
    from .nodes import ResonanceExtension

    return ResonanceExtension()
