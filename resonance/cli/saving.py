"""As what, and under which names, the commands save pictures."""

from dataclasses import dataclass, replace
from typing import Annotated, Any

from ..files import settings
from ..files.settings import Format
from ..session.naming import Naming
from .options import FILES, option


@dataclass(frozen=True, kw_only=True)
class Saving:
    """What the options say; None: as the workflow says, else what Round Output has unless it is told otherwise."""

    format: Annotated[Format | None, option(settings.FORMAT, panel=FILES)] = None
    quality: Annotated[int | None, option(settings.QUALITY, panel=FILES)] = None
    name_pattern: Annotated[str | None, option(settings.NAME_PATTERN, panel=FILES, metavar="PATTERN")] = None

    def saved(self) -> dict[str, Any]:
        """What is asked for, by the inputs of Round Output.

        Raises:
            Told: the format cannot be written here, or no names can be made by the pattern.
        """
        from ..files.formats import check_format  # help need not wait for Pillow
        from ..session.pattern import check_pattern

        if self.format:
            check_format(self.format)
        if self.name_pattern:
            check_pattern(self.name_pattern)
        asked = {"format": self.format, "quality": self.quality, "name_pattern": self.name_pattern}
        return {name: value for name, value in asked.items() if value is not None}

    def naming(self, otherwise: Naming) -> Naming:
        """As far as it is asked for. Raises like :meth:`saved`."""
        names = {"name_pattern": "pattern"}
        return replace(otherwise, **{names.get(name, name): value for name, value in self.saved().items()})
