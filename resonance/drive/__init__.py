"""Rounds from a shell: one driver owns the ledger, engines make the pictures."""
