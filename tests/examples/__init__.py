"""The example workflows, by name; ``write_workflows.py`` writes them."""

from . import canvas, methods, rounds, vary

EXAMPLES = rounds.EXAMPLES | canvas.EXAMPLES | methods.EXAMPLES | vary.EXAMPLES
