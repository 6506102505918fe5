"""How words are bound to places: one file per method."""
