"""The tables of a ledger, and what older ledgers lack."""

import sqlite3

from ..told import NotNow

APPLICATION = 0x5265_736F
"""What says in a file that it is a ledger, SQLite's ``application_id``: Reso. Ledgers of version 0.1.0 have none."""
VERSION = 2
"""The highest ``user_version`` of SQLite's that is known here: raised with every change that an older Resonance would spoil."""
PLAIN, NUMBERED = 1, VERSION
"""The version of a ledger, and from the first picture on that has its number in its name, which an older Resonance would forget. Those
of 0.1.0 have none."""
TABLES = {
    "session": ("seed", "created", "first", "rounds", "state", "reason", "run", "graph", "plan", "streak", "owner"),
    "item": (
        *("id", "round", "number", "position", "lineage", "source", "payload", "draw", "words", "prompt", "state"),
        *("attempts", "deaths", "error", "phase", "run", "process", "token", "committed"),
    ),
    "result": ("item", "number", "file", "lineage"),
}
"""The columns that every ledger has, whatever version made it."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS session (
    one INTEGER PRIMARY KEY CHECK (one = 1), seed INTEGER NOT NULL, created REAL NOT NULL,
    first TEXT, rounds INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL DEFAULT 'open', reason TEXT NOT NULL DEFAULT '',
    run TEXT, graph TEXT, plan TEXT, streak TEXT NOT NULL DEFAULT '[]', owner TEXT, kind TEXT NOT NULL DEFAULT 'rounds',
    mark TEXT, which TEXT, writing TEXT);
CREATE TABLE IF NOT EXISTS item (
    id INTEGER PRIMARY KEY, round INTEGER NOT NULL, number INTEGER NOT NULL, position INTEGER NOT NULL,
    lineage TEXT NOT NULL, source TEXT, payload TEXT, draw TEXT, words TEXT, prompt TEXT,
    state TEXT NOT NULL DEFAULT 'pending', attempts INTEGER NOT NULL DEFAULT 0, deaths INTEGER NOT NULL DEFAULT 0,
    error TEXT, phase TEXT, run TEXT, process TEXT, token TEXT, committed REAL, begun REAL, model TEXT,
    UNIQUE (round, lineage));
CREATE INDEX IF NOT EXISTS item_source ON item (round, source);
CREATE INDEX IF NOT EXISTS item_state ON item (state, round, attempts, position);
CREATE INDEX IF NOT EXISTS item_wordless ON item (round, attempts, position) WHERE state = 'pending' AND words IS NULL;
CREATE INDEX IF NOT EXISTS item_model ON item (round, model, attempts, position)
    WHERE state = 'pending' AND model IS NOT NULL;
CREATE INDEX IF NOT EXISTS item_committed ON item (committed) WHERE committed IS NOT NULL;
CREATE TABLE IF NOT EXISTS result (
    item INTEGER NOT NULL REFERENCES item (id), number INTEGER NOT NULL, file TEXT NOT NULL, lineage TEXT, n INTEGER,
    PRIMARY KEY (item, number)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS result_file ON result (file);
CREATE INDEX IF NOT EXISTS result_n ON result (n)
"""

_TALLY = (
    "PRAGMA temp_store = MEMORY",
    "CREATE TEMP TABLE tally (state TEXT, round INTEGER, items INTEGER, PRIMARY KEY (state, round)) WITHOUT ROWID",
    "INSERT INTO tally SELECT state, round, count(*) FROM item GROUP BY state, round",
    "CREATE TEMP TRIGGER came AFTER INSERT ON item BEGIN INSERT INTO tally VALUES (new.state, new.round, 1)"
    " ON CONFLICT DO UPDATE SET items = items + 1; END",
    "CREATE TEMP TRIGGER went AFTER DELETE ON item BEGIN"
    " UPDATE tally SET items = items - 1 WHERE state = old.state AND round = old.round; END",
    "CREATE TEMP TRIGGER changed AFTER UPDATE OF state ON item WHEN old.state <> new.state BEGIN"
    " UPDATE tally SET items = items - 1 WHERE state = old.state AND round = old.round;"
    " INSERT INTO tally VALUES (new.state, new.round, 1) ON CONFLICT DO UPDATE SET items = items + 1; END",
)
TALLIED = "coalesce(sum(items), 0) FROM tally"
"""For :meth:`.query.Query.status`, where :func:`tally` was called."""

_ADDED = (
    *(
        ("session", column)
        for column in ("kind TEXT NOT NULL DEFAULT 'rounds'", "mark TEXT", "which TEXT", "writing TEXT")
    ),
    *(("item", column) for column in ("begun REAL", "model TEXT")),
    ("result", "n INTEGER"),
)
"""Columns that older ledgers lack."""


def check_version(db: sqlite3.Connection) -> None:
    """
    Raises:
        NotNow: a newer version has worked on it.
    """
    if db.execute("PRAGMA user_version").fetchone()[0] > VERSION:
        raise NotNow(
            "This session was worked on with a newer Resonance, which this one could spoil: it can be looked at here, and goes on"
            " once Resonance is updated."
        )


def prepare(db: sqlite3.Connection) -> None:
    """Makes the tables that are not there, and adds to those of an older version what has come since."""
    for table, column in _ADDED:
        known = {row["name"] for row in db.execute(f"PRAGMA table_info({table})")}
        if known and column.split()[0] not in known:
            db.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
    for statement in _SCHEMA.split(";"):
        db.execute(statement)
    if db.execute("PRAGMA user_version").fetchone()[0] < PLAIN:
        db.execute(f"PRAGMA application_id = {APPLICATION}")
        db.execute(f"PRAGMA user_version = {PLAIN}")


def tally(db: sqlite3.Connection) -> None:
    """Counts the items, and keeps counting what this connection changes, which must be the only one that changes any."""
    for statement in _TALLY:
        db.execute(statement)
