"""Builds the tiny models that the tests need, in seconds and without downloads."""

from pathlib import Path


def build(folder: Path) -> None:
    """Fills a ``models`` folder: ``checkpoints``, ``loras``, ``taggers``, ``llm``, ``text_encoders``."""
    from . import checkpoint, llm, tagger

    checkpoint.build(folder)
    tagger.build(folder)
    llm.build(folder)
