"""Files on disk: written whole or not at all, under safe names, inside known roots."""
