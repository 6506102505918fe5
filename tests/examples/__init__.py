"""The example workflows, by name; ``write_workflows.py`` writes them."""

from . import canvas, characters, first, methods, rounds, vary

EXAMPLES = first.EXAMPLES | rounds.EXAMPLES | canvas.EXAMPLES | characters.EXAMPLES | methods.EXAMPLES | vary.EXAMPLES
