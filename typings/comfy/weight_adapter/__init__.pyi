from .base import WeightAdapterBase as WeightAdapterBase
