"""No nodes; see prestartup_script.py."""

NODE_CLASS_MAPPINGS: dict[str, type] = {}
