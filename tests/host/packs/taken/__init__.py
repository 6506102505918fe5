"""A pack that has an id which Resonance would give to a node of its own."""


class Taken:
    RETURN_TYPES = ("STRING",)
    FUNCTION = "run"
    CATEGORY = "taken"

    @classmethod
    def INPUT_TYPES(cls):  # noqa: N802
        return {"required": {}}

    def run(self):
        return ("mine",)


NODE_CLASS_MAPPINGS = {"DenseDiffusionApplyNode": Taken}
NODE_DISPLAY_NAME_MAPPINGS = {"DenseDiffusionApplyNode": "Mine"}
