"""The example workflows, by name; ``write_workflows.py`` writes them."""

from . import canvas, characters, first, gradual, lines, methods, reference, rounds, vary

EXAMPLES = (
    first.EXAMPLES
    | rounds.EXAMPLES
    | lines.EXAMPLES
    | gradual.EXAMPLES
    | canvas.EXAMPLES
    | characters.EXAMPLES
    | methods.EXAMPLES
    | reference.EXAMPLES
    | vary.EXAMPLES
)
