"""The example workflows, by name; ``write_workflows.py`` writes them."""

from . import canvas, characters, first, gen_img, gradual, lines, methods, reference, remember, rounds, vary

EXAMPLES = (
    first.EXAMPLES
    | rounds.EXAMPLES
    | remember.EXAMPLES
    | lines.EXAMPLES
    | gradual.EXAMPLES
    | canvas.EXAMPLES
    | characters.EXAMPLES
    | methods.EXAMPLES
    | reference.EXAMPLES
    | gen_img.EXAMPLES
    | vary.EXAMPLES
)
