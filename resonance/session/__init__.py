"""The life of a session: its items, its ledger, and the chain that works through them. Knows no ComfyUI."""
