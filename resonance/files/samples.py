"""Three pictures that come with the pack, for a first round."""

from pathlib import Path

SAMPLES = Path(__file__).parents[2] / "samples"
"""The root ``samples`` of pictures. Nothing is written there. ``tests/write_samples.py`` draws them."""
