"""The artifact table: rows as frozen models and back, and the questions asked of it."""

from __future__ import annotations

import sqlite3
from typing import Any

from ima2.models import Artifact
from ima2.storage.codec import clean, dump, load

_FIELDS = tuple(Artifact.model_fields)
TOPIC = "CASE WHEN json_valid(sidecar) THEN json_extract(sidecar, '$.videoSeries.topic') END"
"""As in the index ``artifact_by_topic``, to the letter."""


def insert(connection: sqlite3.Connection, artifact: Artifact) -> None:
    """Add a row."""
    names, marks = ", ".join(_FIELDS), ", ".join("?" * len(_FIELDS))
    values = {**dict(artifact), "prompt": clean(artifact.prompt), "sidecar": dump(artifact.sidecar)}
    connection.execute(f"INSERT INTO artifact ({names}) VALUES ({marks})", [values[name] for name in _FIELDS])  # noqa: S608


def find(connection: sqlite3.Connection, filename: str) -> Artifact | None:
    """The row of a file, in the trash or not."""
    row = connection.execute("SELECT * FROM artifact WHERE filename = ?", (filename,)).fetchone()
    return artifact_from(row) if row is not None else None


def select(
    connection: sqlite3.Connection,
    *,
    limit: int,
    before: tuple[int, str] | None,
    since: int | None,
    favorites_of: str | None,
    topic: str | None,
    trashed: bool,
    **equal: str | None,
) -> list[Artifact]:
    """Newest first. ``equal`` are columns that must have a value, None is any."""
    where: list[str] = [f"trashed_at IS {'NOT ' if trashed else ''}NULL"]
    values: list[Any] = []
    for clause, given in (
        ("(created_at, filename) < (?, ?)", before),
        ("created_at >= ?", since),
        ("filename IN (SELECT filename FROM favorite WHERE identity = ?)", favorites_of),
        (f"{TOPIC} = ?", topic),
        *((f"{column} = ?", value) for column, value in equal.items()),
    ):
        if given is not None:
            where.append(clause)
            values += given if isinstance(given, tuple) else [given]
    query = f"SELECT * FROM artifact WHERE {' AND '.join(where)} ORDER BY created_at DESC, filename DESC LIMIT ?"  # noqa: S608
    return [artifact_from(row) for row in connection.execute(query, [*values, limit])]


def artifact_from(row: sqlite3.Row) -> Artifact:
    """One row of ``artifact``."""
    facts = {name: row[name] for name in _FIELDS}
    return Artifact.model_validate({**facts, "sidecar": load(facts["sidecar"])})


def set_sidecar(connection: sqlite3.Connection, filename: str, sidecar: dict[str, Any]) -> None:
    """Replace a row's sidecar."""
    connection.execute("UPDATE artifact SET sidecar = ? WHERE filename = ?", (dump(sidecar), filename))


def set_trashed(connection: sqlite3.Connection, filename: str, at: int | None) -> bool:
    """Mark as trashed (``at`` in epoch milliseconds) or as brought back; whether it was not so before."""
    statement = "UPDATE artifact SET trashed_at = ? WHERE filename = ? AND (trashed_at IS NULL) = ?"
    return connection.execute(statement, (at, filename, at is not None)).rowcount == 1


def forget(connection: sqlite3.Connection, filename: str) -> None:
    """Remove the row and its marks."""
    connection.execute("DELETE FROM favorite WHERE filename = ?", (filename,))
    connection.execute("DELETE FROM artifact WHERE filename = ?", (filename,))


def mark(connection: sqlite3.Connection, identity: str, filename: str, *, on: bool | None, at: int) -> bool:
    """Set or (None) toggle a favourite; the new state."""
    held = bool(marked(connection, identity, [filename]))
    wanted = not held if on is None else on
    if wanted:
        connection.execute("INSERT OR IGNORE INTO favorite VALUES (?, ?, ?)", (identity, filename, at))
    else:
        connection.execute("DELETE FROM favorite WHERE identity = ? AND filename = ?", (identity, filename))
    return wanted


def marked(connection: sqlite3.Connection, identity: str, filenames: list[str]) -> set[str]:
    """Which of these are favourites; any number of names."""
    query = "SELECT filename FROM favorite WHERE identity = ? AND filename IN (SELECT value FROM json_each(?))"
    return {row[0] for row in connection.execute(query, (identity, dump(filenames)))}
