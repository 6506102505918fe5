"""A ledger as SQLite has it, for tests that look behind the library."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def raw(folder: Path) -> Generator[sqlite3.Connection]:
    db = sqlite3.connect(f"{(folder / 'ledger.sqlite3').absolute().as_uri()}?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    try:
        yield db
    finally:
        db.close()
