"""Make index and files agree again. Files are the truth: none is changed, none that may matter is removed."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ulid import ULID

from ima2.errors import InvalidRequest
from ima2.models import Artifact
from ima2.settings.paths import Paths
from ima2.storage import index
from ima2.storage.database import Database
from ima2.storage.files import PART, sha256_of
from ima2.storage.names import listed, located
from ima2.storage.rebuild import artifact_of
from ima2.storage.salvage import carry_over, damaged, put_aside
from ima2.storage.worker import DecodeWorker, Undecodable

_STALE = 3600.0
"""Seconds after which nobody writes a temporary file any more."""


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What :func:`repair` found and did; file names are relative to the gallery.

    :ivar damaged_database: where the damaged database lies now; None when it was whole.
    :ivar carried_over: jobs, calls and favourites read from it.
    :ivar dropped: rows whose file is gone.
    :ivar indexed: files that got a row.
    :ivar unreadable: files that are no whole picture or clip, or have an impossible name; they stay, without a row.
    :ivar changed: files that are not the bytes that were stored; they and their rows stay.
    :ivar swept: temporary files removed.
    :ivar spools: spool folders of ended jobs removed.
    """

    damaged_database: Path | None
    carried_over: int
    dropped: tuple[str, ...]
    indexed: tuple[str, ...]
    unreadable: tuple[str, ...]
    changed: tuple[str, ...]
    swept: tuple[str, ...]
    spools: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _File:
    """A picture or clip on disk; ``trashed_at`` in epoch milliseconds when it lies in the trash."""

    filename: str
    path: Path
    trashed_at: int | None


async def repair(paths: Paths) -> RepairReport:
    """Check the database, rebuild what is missing in the index, and sweep leftovers.

    No server and no job may run on ``paths`` meanwhile; the caller sees to that.

    :raises StorageFailed: the database can't be opened or written.
    """
    aside = await asyncio.to_thread(_aside, paths.database)
    database = await Database.open(paths.database)
    try:
        carried_over = 0 if aside is None else await carry_over(aside, database)
        known = await database.read(_known)
        files = await asyncio.to_thread(_files, paths)
        indexed, unreadable = await _index(paths, database, [files[name] for name in files if name not in known])
        return RepairReport(
            damaged_database=aside,
            carried_over=carried_over,
            dropped=await _drop(database, [name for name in known if name not in files]),
            indexed=indexed,
            unreadable=unreadable,
            changed=await asyncio.to_thread(_changed, files, known),
            swept=await asyncio.to_thread(_sweep, paths),
            spools=await _drop_spools(paths, database),
        )
    finally:
        await database.close()


def _aside(path: Path) -> Path | None:
    return put_aside(path) if damaged(path) else None


def _known(connection: sqlite3.Connection) -> dict[str, str]:
    rows = connection.execute("SELECT filename, sha256 FROM artifact ORDER BY filename")
    return {row["filename"]: row["sha256"] for row in rows}


def _files(paths: Paths) -> dict[str, _File]:
    """By name. The living win over the deleted, and the last deletion over earlier ones. Links are not followed."""
    deleted = sorted(paths.trash.iterdir()) if paths.trash.is_dir() else []
    found = [file for entry in deleted for file in _pictures(entry, _deletion_time(entry))]
    return {file.filename: file for file in (*found, *_pictures(paths.generated, None))}


def _deletion_time(entry: Path) -> int:
    try:
        return ULID.from_str(entry.name).milliseconds
    except ValueError:
        return entry.stat().st_mtime_ns // 10**6


def _pictures(folder: Path, trashed_at: int | None) -> Iterator[_File]:
    for path in sorted(folder.rglob("*")):
        name = PurePosixPath(path.relative_to(folder).as_posix())
        if listed(name) and path.is_file() and not path.is_symlink():
            yield _File(str(name), path, trashed_at)


async def _drop(database: Database, filenames: list[str]) -> tuple[str, ...]:
    def work(connection: sqlite3.Connection) -> None:
        for filename in filenames:
            index.forget(connection, filename)

    await database.write(work)
    return tuple(filenames)


async def _index(paths: Paths, database: Database, files: list[_File]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names that got a row, and those that could not."""
    worker = DecodeWorker()
    try:
        rows = {file.filename: await _row(paths, worker, file) for file in files}
    finally:
        await worker.close()
    good = [row for row in rows.values() if row is not None]

    def work(connection: sqlite3.Connection) -> None:
        for row in good:
            index.insert(connection, row)

    await database.write(work)
    return tuple(row.filename for row in good), tuple(name for name, row in rows.items() if row is None)


async def _row(paths: Paths, worker: DecodeWorker, file: _File) -> Artifact | None:
    try:
        located(paths.generated, file.filename)
        facts = await worker.probe(file.path)
    except (InvalidRequest, Undecodable):
        return None
    return await asyncio.to_thread(
        artifact_of, file.path, file.filename, sha256_of(file.path), facts, trashed_at=file.trashed_at
    )


def _changed(files: dict[str, _File], known: dict[str, str]) -> tuple[str, ...]:
    return tuple(name for name in known if name in files and sha256_of(files[name].path) != known[name])


def _sweep(paths: Paths) -> tuple[str, ...]:
    oldest = time.time() - _STALE
    leftovers = [
        path
        for folder in (paths.generated, paths.references)
        for path in folder.rglob(".*")
        if path.suffix in (PART, ".tmp") and path.is_file() and path.lstat().st_mtime < oldest
    ]
    for path in leftovers:
        path.unlink()
    return tuple(path.name for path in leftovers)


async def _drop_spools(paths: Paths, database: Database) -> tuple[str, ...]:
    """Of jobs that have ended and whose calls wait for nothing: a result that could not be stored stays."""
    query = (
        "SELECT id FROM job WHERE state IN ('done', 'failed', 'cancelled') AND NOT EXISTS (SELECT 1 FROM call"
        " WHERE job_id = job.id AND call.state NOT IN ('ready', 'done', 'failed', 'cancelled'))"
    )
    ended = await database.read(lambda connection: [row["id"] for row in connection.execute(query)])
    spools = [spool for job_id in ended if (spool := paths.job_spool(job_id)).is_dir()]
    for spool in spools:
        await asyncio.to_thread(shutil.rmtree, spool, ignore_errors=True)
    return tuple(spool.name for spool in spools)
