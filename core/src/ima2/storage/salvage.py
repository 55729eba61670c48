"""A damaged database: noticed, put aside, and what can still be read of it carried over."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ulid import ULID

from ima2.storage.database import Database
from ima2.storage.faults import corrupt, database_faults
from ima2.storage.rows import call_from, job_from

_TABLES: tuple[tuple[str, str, Callable[[sqlite3.Row], Any]], ...] = (
    ("job", "seq", job_from),
    ("call", "key", call_from),
    ("favorite", "identity", dict),
)
"""What no file can tell again: name, key column, and a reader that fails on nonsense."""


def damaged(path: Path) -> bool:
    """Whether ``path`` exists and fails SQLite's quick check. ``StorageFailed`` when it can't be looked at."""
    if not path.exists():
        return False
    with database_faults(path), contextlib.closing(sqlite3.connect(path, timeout=10)) as connection:
        try:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok")
        except sqlite3.DatabaseError as error:
            if corrupt(error):
                return True
            raise


def put_aside(path: Path) -> Path:
    """Rename the database and its log, so that a new one can be made; nobody may have it open."""
    aside = path.with_name(f"{path.name}.damaged-{ULID()}")
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        log = path.with_name(path.name + suffix)
        if log.exists():
            log.rename(aside.with_name(aside.name + suffix))
    return aside


async def carry_over(aside: Path, database: Database) -> int:
    """Copy the jobs, calls and favourites that can be read; how many rows. Event numbers go on above the old ones."""

    def work(connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('event', ?)", (time.time_ns() // 10**6,))
        return sum(_insert(connection, table, row) for table, row in _readable(aside))

    return await database.write(work)


def _readable(aside: Path) -> Iterator[tuple[str, sqlite3.Row]]:
    """Every row from both ends of each table up to the damage; most come twice."""
    with contextlib.closing(sqlite3.connect(aside)) as source:
        source.row_factory = sqlite3.Row
        for table, key, parse in _TABLES:
            for order in ("ASC", "DESC"):
                with contextlib.suppress(sqlite3.Error):
                    for row in source.execute(f"SELECT * FROM {table} ORDER BY {key} {order}"):  # noqa: S608
                        with contextlib.suppress(ValueError, TypeError):
                            parse(row)
                            yield table, row


def _insert(connection: sqlite3.Connection, table: str, row: sqlite3.Row) -> int:
    names, marks = ", ".join(row.keys()), ", ".join("?" * len(row))
    statement = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})"  # noqa: S608
    try:
        return connection.execute(statement, tuple(row)).rowcount
    except sqlite3.IntegrityError:
        # A call whose job is lost.
        return 0
