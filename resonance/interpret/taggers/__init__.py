"""Taggers: models that score a fixed list of tags for a picture. One table of models, two engines."""
