"""Resonance: let pictures speak and answer."""

WEB_DIRECTORY = "./web"

if __name__ == "resonance":  # python -m resonance.cli in the folder above a checkout of that name
    __path__.insert(0, f"{__path__[0]}/resonance")


async def comfy_entrypoint():
    from .nodes import ResonanceExtension

    return ResonanceExtension()
