from typing import Any

class WeightAdapterBase:
    name: str
    weights: Any
