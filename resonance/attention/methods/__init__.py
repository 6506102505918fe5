"""The ways to bind words to places: one file each, one line here, in the order in which they are offered."""

from . import average, couple, omost, overlay, paper

METHODS = {module.METHOD.name: module.METHOD for module in (couple, omost, paper, overlay, average)}
