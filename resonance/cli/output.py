"""What the commands say: for people on stderr, and with ``--json`` one JSON object a line on stdout."""

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console

from ..drive.job import EngineLost, JobFailed
from ..llm.chat import LLMError

INTERRUPTED = 130
"""Status of a command that Ctrl-C has ended."""

AsJSON = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout, for scripts.")]
"""The option that every command has."""


class Output:
    """Where a command says what it does."""

    def __init__(self, as_json: bool) -> None:
        self.json = as_json
        self.console = Console(stderr=True, highlight=False)
        self._stdout = sys.stdout  # on a cluster it is turned away meanwhile

    def say(self, text: str) -> None:
        """Tells a person."""
        self.console.print(text, markup=False, soft_wrap=True)

    def event(self, kind: str, **fields: Any) -> None:
        """Tells a script."""
        if self.json:
            self._stdout.write(json.dumps({"event": kind, **fields}) + "\n")
            self._stdout.flush()

    @contextmanager
    def errors(self) -> Generator[None]:
        """What is wrong with what was asked for ends the command with a sentence and status 1, Ctrl-C with status 130."""
        try:
            yield
        # Exit is a RuntimeError; where nobody reads stdout any more, Typer knows how to end.
        except (typer.Exit, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except (EngineLost, JobFailed, LLMError, ModuleNotFoundError, OSError, RuntimeError, ValueError) as error:
            self.event("error", text=str(error))
            self.console.print("[red]Error:[/] ", end="")
            self.say(str(error))
            raise typer.Exit(1) from None
