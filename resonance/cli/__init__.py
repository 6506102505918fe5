"""The `resonance` command."""

import signal
import sys


def main() -> None:
    """What the console script calls."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # it ends the command at once, as long as nothing is begun
    try:
        from .app import app
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("resonance"):
            raise
        sys.exit(f"The command needs {error.name}. Run: pip install -r requirements-cli.txt")
    app()
