from . import _io as io
from . import _ui as ui

__all__ = ["ComfyExtension", "io", "ui"]

class ComfyExtension:
    async def on_load(self) -> None: ...
    async def get_node_list(self) -> list[type[io.ComfyNode]]: ...
