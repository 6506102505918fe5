"""The example workflows, by name; ``write_workflows.py`` writes them."""

from . import canvas, characters, first, lines, methods, rounds, vary

EXAMPLES = (
    first.EXAMPLES
    | rounds.EXAMPLES
    | lines.EXAMPLES
    | canvas.EXAMPLES
    | characters.EXAMPLES
    | methods.EXAMPLES
    | vary.EXAMPLES
)
