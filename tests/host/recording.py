"""What the pack was, said and did at an earlier commit, as ``tests/recordings`` keeps it."""

import json
import os
from pathlib import Path
from typing import Any

from places import PACK

FOLDER = PACK / "tests" / "recordings"
RECORD = os.environ.get("RESONANCE_RECORD") == "1"


def read(file: str) -> Any:
    return json.loads((FOLDER / file).read_text(encoding="utf-8"))


def write(file: str, found: Any) -> None:
    path = FOLDER / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def advice(test: str) -> str:
    """What to do about a difference."""
    return (
        f"If that is wanted, record it (RESONANCE_RECORD=1 pytest {Path(test).relative_to(PACK)}) and say in CHANGELOG.md "
        "what changes for people who have workflows or sessions."
    )


def differences(before: Any, now: Any, where: str = "") -> list[str]:
    """A line for everything that is not equal, the order of keys included."""
    if before == now and not isinstance(before, dict):
        return []
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return [f"{where}: was {_short(before)}, is {_short(now)}"]
    found = [f"{where} {key}: is gone".strip() for key in before if key not in now]
    found += [f"{where} {key}: is new".strip() for key in now if key not in before]
    kept, still = [key for key in before if key in now], [key for key in now if key in before]
    if kept != still:
        found.append(f"{where}: the order was {', '.join(kept)}, is {', '.join(still)}")
    for key in kept:
        found += differences(before[key], now[key], f"{where} {key}".strip())
    return found


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 200 else f"{text[:200]} …"
