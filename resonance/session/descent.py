"""Which item came from which: an item's parent made the picture that is its source."""

import sqlite3

from ..told import NotThere


class NoItem(NotThere):
    """The ledger has no such item."""


def item(db: sqlite3.Connection, id_: int) -> sqlite3.Row:
    """An item's row in the ledger. Raises NoItem."""
    row = db.execute("SELECT * FROM item WHERE id = ?", (id_,)).fetchone()
    if row is None:
        raise NoItem(f"The session has no item {id_}.")
    return row


def files(db: sqlite3.Connection, id_: int) -> list[str]:
    """An item's results, as paths inside the session's folder."""
    return [row[0] for row in db.execute("SELECT file FROM result WHERE item = ? ORDER BY number", (id_,))]


def parent(db: sqlite3.Connection, session: str, row: sqlite3.Row) -> sqlite3.Row | None:
    """The item that made this one's source; None in the first round."""
    head, tail = f"{session}/", " [output]"
    source = row["source"] or ""
    if not (source.startswith(head) and source.endswith(tail)):
        return None
    sql = "SELECT i.* FROM item i JOIN result r ON r.item = i.id WHERE i.round = ? AND r.file = ?"
    return db.execute(sql, (row["round"] - 1, source[len(head) : -len(tail)])).fetchone()


def children(db: sqlite3.Connection, session: str, row: sqlite3.Row) -> list[sqlite3.Row]:
    """The items that took up this one's results, in the order of the results."""
    sql = (
        "SELECT i.* FROM result r JOIN item i ON i.round = ? AND i.source = ? || r.file || ' [output]'"
        " WHERE r.item = ? ORDER BY r.number"
    )
    return db.execute(sql, (row["round"] + 1, f"{session}/", row["id"])).fetchall()


def origin(db: sqlite3.Connection, session: str, round_: int, source: str) -> str:
    """The source with which the lineage of a round's item began: that of its first ancestor which the ledger knows."""
    sql = (
        "WITH RECURSIVE up (round, source) AS (SELECT ?, ? UNION ALL"
        " SELECT i.round, i.source FROM up JOIN result r ON up.source = ? || r.file || ' [output]'"
        " AND r.file = substr(up.source, length(?) + 1, length(up.source) - length(?) - length(' [output]'))"
        " JOIN item i ON i.id = r.item AND i.round = up.round - 1 WHERE i.source IS NOT NULL)"
        " SELECT source FROM up ORDER BY round LIMIT 1"
    )
    head = f"{session}/"
    return db.execute(sql, (round_, source, head, head, head)).fetchone()[0]


def line(db: sqlite3.Connection, session: str, id_: int) -> list[sqlite3.Row]:
    """The items from the first ancestor of this one, through it, and on through first children to the last.

    Raises:
        NoItem: there is no such item.
    """
    rows = [item(db, id_)]
    while above := parent(db, session, rows[0]):
        rows.insert(0, above)
    while below := children(db, session, rows[-1]):
        rows.append(below[0])
    return rows
