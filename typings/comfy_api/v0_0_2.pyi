from .latest import ComfyExtension, io, ui

__all__ = ["ComfyExtension", "io", "ui"]
