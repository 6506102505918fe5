"""Which graphs an installation has kept itself. A session's folder may come from anybody, and its graph is run unseen.

What stands in a ledger is a mark that only who knows the secret can make: the ledger may be handed on.
"""

import hashlib
import hmac
import json
import logging
import secrets
from functools import cache
from pathlib import Path
from typing import Any

from ..files import store
from ..told import NotNow, Told

log = logging.getLogger(__name__)

FILE = "installation"
LENGTH = 64
"""Letters of a secret."""


class Foreign(NotNow):
    """A session's graph was kept by another installation."""

    def __init__(self, session: str) -> None:
        super().__init__(
            f"The workflow of session {session!r} was not kept by this installation, so it is not run unseen. Each of its pictures"
            " holds it: open one in ComfyUI and press Run there once, or pass it to the command with --workflow."
        )


def secret(folder: Path) -> str:
    """The secret of the installation whose private folder this is, drawn when it is first asked for. Where none can be kept, one
    that holds until this process ends."""
    file = folder / FILE
    try:
        if not file.exists():
            store.write(folder, [(FILE, secrets.token_hex(LENGTH // 2).encode())])
        known = file.read_text("ascii")
        if len(known) != LENGTH:  # anybody could make the marks of an empty one
            raise ValueError(f"it has {len(known)} letters instead of {LENGTH}")
        return known
    except (OSError, ValueError, Told) as error:
        log.warning("%s, by which this installation knows its own workflows, cannot be used: %s", file, error)
        return _for_this_process()


@cache
def _for_this_process() -> str:
    return secrets.token_hex(LENGTH // 2)


def mark(graph: dict[str, Any], secret: str) -> str:
    """What stands beside a graph that an installation keeps."""
    return hmac.new(secret.encode(), json.dumps(graph).encode(), hashlib.sha256).hexdigest()


def is_own(graph: dict[str, Any], marked: str, secret: str) -> bool:
    return hmac.compare_digest(marked.encode(), mark(graph, secret).encode())
