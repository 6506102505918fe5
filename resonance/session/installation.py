"""Which graphs an installation has kept itself. A session's folder may come from anybody, and its graph is run unseen.

What stands in a ledger is a mark that only who knows the secret can make: the ledger may be handed on.
"""

import hashlib
import hmac
import json
import logging
import secrets
from pathlib import Path
from typing import Any

from ..files import store
from ..told import NotNow, Told

log = logging.getLogger(__name__)

FILE = "installation"


class Foreign(NotNow):
    """A session's graph was kept by another installation."""

    def __init__(self, session: str) -> None:
        super().__init__(
            f"The workflow of session {session!r} was not kept by this installation, so it is not run unseen. Each of its pictures"
            " holds it: open one in ComfyUI and press Run there once, or pass it to the command with --workflow."
        )


def secret(folder: Path) -> str:
    """The secret of the installation whose private folder this is, drawn when it is first asked for. Where none can be kept it is
    empty, and no graph is known again."""
    file = folder / FILE
    try:
        if not file.exists():
            store.write(folder, [(FILE, secrets.token_hex(32).encode())])
        return file.read_text("ascii")
    except (OSError, ValueError, Told) as error:
        log.warning(
            "%s, by which this installation knows the workflows of its sessions, cannot be used: %s", file, error
        )
        return ""


def mark(graph: dict[str, Any], secret: str) -> str:
    """What stands beside a graph that an installation keeps; empty without a secret."""
    return secret and hmac.new(secret.encode(), json.dumps(graph).encode(), hashlib.sha256).hexdigest()


def is_own(graph: dict[str, Any], marked: str, secret: str) -> bool:
    return bool(secret) and hmac.compare_digest(marked.encode(), mark(graph, secret).encode())
