"""Numbered SQL migrations: ``migrations/NNNN_name.sql`` brings ``PRAGMA user_version`` to NNNN."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from ima2.errors import StorageFailed


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    version: int
    sql: str


def released() -> tuple[Migration, ...]:
    """The steps this version of ima2 knows, in order."""
    folder = files("ima2.storage") / "migrations"
    scripts = [entry for entry in folder.iterdir() if entry.name.endswith(".sql")]
    steps = (Migration(int(script.name[:4]), script.read_text("utf-8")) for script in scripts)
    return tuple(sorted(steps, key=lambda step: step.version))


def migrate(connection: sqlite3.Connection, path: Path, steps: Sequence[Migration]) -> None:
    """Bring ``path`` to the newest of ``steps``, all or nothing; an existing file is backed up first.

    The caller keeps other processes from migrating meanwhile.

    :raises StorageFailed: ``DATABASE_TOO_NEW``; the file was not touched.
    """
    current = connection.execute("PRAGMA user_version").fetchone()[0]
    newest = steps[-1].version
    if current > newest:
        raise _too_new(path, current, newest)
    missing = [step for step in steps if step.version > current]
    if not missing:
        return
    if current:
        _back_up(connection, backup_path(path, current))
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        for step in missing:
            for statement in statements(step.sql):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {newest:d}")


def backup_path(path: Path, version: int) -> Path:
    """Where the copy lies that was made before leaving ``version``."""
    return path.with_name(f"{path.name}.v{version}.backup")


def statements(sql: str) -> Iterator[str]:
    """The statements of a script; semicolons in strings, comments and triggers don't split."""
    pending = ""
    for piece in re.split(r"(?<=;)", sql):
        pending += piece
        if sqlite3.complete_statement(pending):
            yield pending.strip()
            pending = ""
    if pending.strip():
        yield pending.strip()


def _back_up(connection: sqlite3.Connection, target: Path) -> None:
    """Copy under another name first: a copy that was cut short never looks like a backup."""
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    connection.execute("VACUUM INTO ?", (str(part),))
    with part.open("rb+") as copy:
        os.fsync(copy.fileno())
    part.replace(target)


def _too_new(path: Path, current: int, newest: int) -> StorageFailed:
    return StorageFailed(
        f"The database {path} was written by a newer ima2 (schema {current}, this one knows {newest}).",
        code="DATABASE_TOO_NEW",
        hint="pip install --upgrade ima2",
    )
