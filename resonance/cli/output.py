"""What the commands say: for people on stderr, and with ``--json`` one JSON object a line on stdout."""

import errno
import json
import logging
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from ..told import Told

log = logging.getLogger(__name__)

INTERRUPTED = 130
"""Status of a command that Ctrl-C has ended."""

AsJSON = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout, for scripts.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show what the library logs, and the traceback of every error.")]
"""The options that every command has."""

FULL = (errno.ENOSPC, errno.EDQUOT)
"""Of errors that name no file."""


class Output:
    """Where a command says what it does."""

    def __init__(self, as_json: bool, debug: bool = False) -> None:
        self.json = as_json
        self.console = Console(stderr=True, highlight=False)
        self.debug = debug
        self._stdout = sys.stdout  # on a cluster it is turned away meanwhile

    def say(self, text: str) -> None:
        """Tells a person."""
        self.console.print(text, markup=False, soft_wrap=True)

    def event(self, kind: str, **fields: Any) -> None:
        """Tells a script."""
        if self.json:
            self._stdout.write(json.dumps({"event": kind, **fields}) + "\n")
            self._stdout.flush()

    def waits(self, text: str) -> None:
        """Tells both what is waited for."""
        self.say(text)
        self.event("waiting", text=text)

    @contextmanager
    def errors(self) -> Generator[None]:
        """Every error ends the command with a sentence and status 1, Ctrl-C with status 130.

        What a person is to be told is the sentence. So is what the system says of a file: a full disk, no permission, no such
        file. Everything else is a fault of Resonance and logged with its traceback.
        """
        if self.debug:
            logging.basicConfig()
            logging.getLogger(__name__.partition(".")[0]).setLevel(logging.DEBUG)
        try:
            yield
        # Exit is a RuntimeError; where nobody reads stdout any more, Typer knows how to end.
        except (typer.Exit, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except Told as error:
            log.debug("What was told", exc_info=True)
            self._fail(str(error))
        except Exception as error:
            if isinstance(error, OSError) and (error.filename is not None or error.errno in FULL):
                log.debug("What the system said", exc_info=True)
                self._fail(": ".join(str(each) for each in (error.filename, error.strerror) if each) + ".")
            log.exception("A fault of Resonance")
            self._fail(
                f"This is a fault of Resonance, not of what you asked for: {type(error).__name__}: {error}. The traceback is"
                " above; please report both."
            )

    def _fail(self, sentence: str) -> NoReturn:
        self.event("error", text=sentence)
        self.console.print("[red]Error:[/] ", end="")
        self.say(sentence)
        raise typer.Exit(1) from None


@contextmanager
def signals(asked: Callable[..., object], ended: Callable[..., object] | None = None) -> Generator[None]:
    """Handles Ctrl-C, and the request to end that systemd and Kubernetes send.

    Args:
        ended: for the latter, where that is not the same.
    """
    handlers = {signal.SIGINT: asked, signal.SIGTERM: ended or asked}
    before = {each: signal.signal(each, handler) for each, handler in handlers.items()}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def interruptible() -> AbstractContextManager[None]:
    """Both raise KeyboardInterrupt, because something is begun that must come to an end. Else they end the process at once."""
    return signals(signal.default_int_handler, lambda *_: signal.raise_signal(signal.SIGINT))
