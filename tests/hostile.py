"""Ledgers that no version of ours has written, for tests of what they cost: each in a folder of its own."""

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

FILE = "ledger.sqlite3"
Spoil = Callable[[sqlite3.Connection], object]

ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"
SESSION = (
    f"CREATE VIEW session AS {ENDLESS} SELECT 1 AS one, max(x) AS seed, 1 AS created, '' AS first, 1 AS rounds, 'open' AS state,"
    " '' AS reason, NULL AS run, NULL AS graph, NULL AS plan, '[]' AS streak, NULL AS owner, 'rounds' AS kind FROM c"
)


def run(*statements: str) -> Spoil:
    def spoil(db: sqlite3.Connection) -> None:
        for statement in statements:
            db.execute(statement)

    return spoil


def columns(db: sqlite3.Connection, table: str) -> str:
    return ", ".join(row[1] for row in db.execute(f"PRAGMA table_info({table})"))


def computed(table: str, column: str, value: str) -> Spoil:
    """A table one of whose columns is computed whenever it is read."""

    def spoil(db: sqlite3.Connection) -> None:
        rest = ", ".join(name for name in columns(db, table).split(", ") if name != column)
        db.execute(f"CREATE TABLE other AS SELECT {rest} FROM {table}")
        db.execute(f"DROP TABLE {table}")
        db.execute(f"CREATE TABLE {table} ({rest}, {column} AS ({value}))")
        db.execute(f"INSERT INTO {table} ({rest}) SELECT {rest} FROM other")

    return spoil


MANY = "INSERT INTO item (round, number, position, lineage) SELECT 1, x + 100, x + 100, 'L' || x FROM c LIMIT"

SPOILT: dict[str, Spoil] = {
    "endless session": run("DROP TABLE session", SESSION),
    "endless items": run(
        "ALTER TABLE item RENAME TO other",
        f"CREATE VIEW item AS {ENDLESS} SELECT x AS id, 1 AS round, x AS number, x AS position, 'X' || x AS lineage, NULL AS"
        " source, NULL AS payload, NULL AS draw, NULL AS words, NULL AS prompt, 'done' AS state, 0 AS attempts, 0 AS deaths,"
        " NULL AS error, NULL AS phase, NULL AS run, NULL AS process, NULL AS token, 1 AS committed, NULL AS begun, NULL AS"
        " model FROM c",
    ),
    "endless results": run(
        "DROP TABLE result",
        f"CREATE VIEW result AS {ENDLESS} SELECT x AS item, 1 AS number, 'x.png' AS file, NULL AS lineage FROM c",
    ),
    "a virtual table": run(
        "DROP TABLE result", "CREATE VIRTUAL TABLE result USING fts5(item, number, file, lineage)"
    ),
    "a large computed reason": computed("session", "reason", "hex(zeroblob(400000000))"),
    "computed lineages": computed("item", "lineage", "hex(zeroblob(60000000))"),
    "no session": run("DELETE FROM session"),
    "two sessions": run(
        "CREATE TABLE other AS SELECT * FROM session",
        "DROP TABLE session",
        "CREATE TABLE session AS SELECT * FROM other UNION ALL SELECT * FROM other",
    ),
    "a session without a seed": run(
        "CREATE TABLE other AS SELECT * FROM session", "DROP TABLE session", "ALTER TABLE other DROP COLUMN seed",
        "ALTER TABLE other RENAME TO session",
    ),
    "no items": run("DROP TABLE item"),
    "no results": run("DROP TABLE result"),
    "text as time": run("UPDATE item SET committed = 'yesterday' WHERE id = 1"),
    "infinite time": run("UPDATE item SET committed = 9e999 WHERE id = 1"),
    "bytes as reason": run("UPDATE session SET reason = x'00ff'"),
    "bytes as seed": run("CREATE TABLE other AS SELECT * FROM session", "DROP TABLE session",
        "ALTER TABLE other RENAME TO session", "UPDATE session SET seed = x'00'"),
    "nothing as time": run("CREATE TABLE other AS SELECT * FROM session", "DROP TABLE session",
        "ALTER TABLE other RENAME TO session", "UPDATE session SET created = NULL", "UPDATE item SET committed = NULL"),
    "an infinite time of making": run("UPDATE session SET created = -9e999", "UPDATE item SET committed = NULL"),
    "a state of its own": run("UPDATE session SET state = 'dreaming'"),
    "a round that is none": run("UPDATE item SET round = 'one', state = 'pending' WHERE id = 1", "DELETE FROM item WHERE id > 1"),
    "very many items": run(f"{ENDLESS} {MANY} 600000"),
    "another program's": run("PRAGMA application_id = 252006673"),
}  # fmt: skip
"""Named by what is in them; none can be shown in the list of sessions."""

ODD: dict[str, Spoil] = {
    "a lineage of bytes": run("UPDATE item SET lineage = x'80' WHERE id = 1"),
    "an unknown state of an item": run("UPDATE item SET state = 'dreamt' WHERE id = 1"),
    "words of a newer version": run(
        """UPDATE item SET words = '{"tags": "a", "caption": "b", "lang": "en"}' WHERE id = 1"""
    ),
    "words in a list": run("""UPDATE item SET words = '["a"]' WHERE id = 1"""),
    "words without an end": run("UPDATE item SET words = '{' WHERE id = 1"),
    "words that are no number": run("""UPDATE item SET draw = '{"checkpoint": NaN}' WHERE id = 1"""),
    "deep words": run(f"UPDATE item SET words = '{'[' * 100_000}' WHERE id = 1"),
    "a payload without an end": run("UPDATE item SET payload = '[' WHERE id = 1"),
    "a file of bytes": run("UPDATE result SET file = x'ff' WHERE item = 1"),
}
"""Listed, but with an item that cannot be shown."""


def spoil(path: Path, how: Spoil) -> None:
    """Does it to a ledger of ours."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = DELETE")
    db.execute("PRAGMA writable_schema = ON")
    db.execute("PRAGMA legacy_alter_table = ON")
    db.execute("BEGIN")
    how(db)
    db.execute("COMMIT")
    db.close()


def flipped(data: bytes, seed: int) -> bytes:
    """A ledger with eight bits turned over."""
    chance = random.Random(seed)
    out = bytearray(data)
    for _ in range(8):
        out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
    return bytes(out)


def raw(data: bytes) -> dict[str, bytes]:
    """Files that are no ledger any more, by what is wrong with them."""
    return {
        "cut": data[: len(data) // 2],
        "only a head": data[:100],
        "zeros": bytes(len(data)),
        "text": b"not a ledger" * 1000,
    }
