from typing import Any

manual_cast: Any
