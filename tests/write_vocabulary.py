"""Writes js/src/canvas/vocabulary.json, which the editor has its words and colors from, from resonance/canvas/vocabulary.py."""

import json
import sys

from places import PACK

sys.path.insert(0, str(PACK))
from resonance.canvas.vocabulary import AREAS, COLORS, LOCATIONS, OFFSETS  # noqa: E402

FILE = PACK / "js" / "src" / "canvas" / "vocabulary.json"


def text() -> str:
    """As prettier has it: an entry a line."""
    tables = {"locations": LOCATIONS, "offsets": OFFSETS, "areas": AREAS, "colors": COLORS}
    parts = [f'  "{name}": {{\n' + ",\n".join(map(_entry, table.items())) + "\n  }" for name, table in tables.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _entry(entry: tuple[str, tuple[int, ...]]) -> str:
    name, numbers = entry
    return f'    "{name}": {json.dumps(numbers)}'


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
    print(f"{FILE}: written")
