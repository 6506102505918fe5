"""A session as a page for everyone, and its ledger made anew."""
