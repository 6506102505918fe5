"""The `resonance` command."""

import sys


def main() -> None:
    """What the console script calls."""
    try:
        from .app import app
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("resonance"):
            raise
        sys.exit(f"The command needs {error.name}. Run: pip install -r requirements-cli.txt")
    app()
