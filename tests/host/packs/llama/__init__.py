"""Stands in for llama-cpp-python where it is not installed, as far as Load LLM looks for it: nothing can be loaded."""

import sys
from importlib.util import find_spec
from types import ModuleType

NODE_CLASS_MAPPINGS = {}

if find_spec("llama_cpp") is None:
    sys.modules["llama_cpp"] = ModuleType("llama_cpp")
