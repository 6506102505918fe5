"""Takes the optional packages away as soon as Resonance begins to load its modules.

Not earlier, because ComfyUI itself imports huggingface_hub by way of transformers.
"""

import sys
from importlib.abc import MetaPathFinder

OPTIONAL = ("timm", "onnxruntime", "llama_cpp", "huggingface_hub")


class Absent(MetaPathFinder):
    def find_spec(self, fullname, path, target=None):
        if fullname.endswith("resonance.nodes"):
            for name in [n for n in sys.modules if n.split(".")[0] in OPTIONAL]:
                del sys.modules[name]
            sys.modules.update(dict.fromkeys(OPTIONAL))
        return None


sys.meta_path.insert(0, Absent())
