"""A toy world of one shape on a coloured ground, with a painter and a tagger small enough to come with the project."""
