"""SQLite in one process: one writing thread, a few reading threads, and short waits for other processes."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from ima2.storage.faults import busy, database_busy, database_faults
from ima2.storage.migrate import Migration, migrate, released

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

PATIENCE = 10.0
"""Seconds to wait for a lock that another process holds."""
_OPEN_PATIENCE = 120.0
"""Seconds to wait for another process that migrates, which includes its backup."""
_READERS = 4
_RETRY = 0.02


class Database:
    """An open database file. Writes are transactions, one at a time, on disk before they return."""

    def __init__(self, path: Path, *, patience: float = PATIENCE) -> None:
        self.path = path
        self._patience = patience
        self._writing = ThreadPoolExecutor(1, "ima2-write")
        self._reading = ThreadPoolExecutor(_READERS, "ima2-read")
        self._idle: list[sqlite3.Connection] = []
        self._writer: sqlite3.Connection | None = None
        self._closed = False

    @classmethod
    async def open(
        cls, path: Path, *, patience: float = PATIENCE, steps: Sequence[Migration] | None = None
    ) -> Database:
        """Open or make ``path`` and bring its schema up to date; any number of processes may do so at once.

        :raises StorageFailed: ``DATABASE_TOO_NEW``, ``DATABASE_CORRUPT``, ``DATABASE_BUSY``, ``DISK_FULL``,
            ``DATABASE_FAILED``.
        """
        database = cls(path, patience=patience)
        try:
            await database._in(database._writing, database._prepare, released() if steps is None else steps)
        except BaseException:
            await database.close()
            raise
        return database

    async def write(self, work: Work[T]) -> T:
        """Run ``work`` in a transaction of its own; it is committed and on disk when this returns.

        When ``work`` raises, nothing of it stays.
        """
        return await self._in(self._writing, self._write, work)

    async def read(self, work: Work[T]) -> T:
        """Run ``work`` on one consistent snapshot. It must only read, and may be run twice."""
        return await self._in(self._reading, self._read, work)

    async def close(self) -> None:
        """Finish what is queued, then let go of the file."""
        if self._closed:
            return
        self._closed = True
        await asyncio.shield(self._in(self._writing, self._close))
        self._writing.shutdown(wait=False)

    async def _in(self, threads: ThreadPoolExecutor, action: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads, action, *arguments)

    def _prepare(self, steps: Sequence[Migration]) -> None:
        from filelock import FileLock, Timeout

        with database_faults(self.path):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                with FileLock(f"{self.path}.lock", timeout=_OPEN_PATIENCE):
                    self._writer = self._connect_writer()
                    migrate(self._writer, self.path, steps)
            except Timeout as error:
                raise database_busy(self.path) from error

    def _connect_writer(self) -> sqlite3.Connection:
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        writer = self._connect()
        try:
            self._patiently(lambda: writer.execute("PRAGMA journal_mode = WAL"))
            for pragma in ("synchronous = FULL", "fullfsync = ON", "foreign_keys = ON"):
                writer.execute(f"PRAGMA {pragma}")
        except BaseException:
            writer.close()
            raise
        return writer

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=self._patience, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        return connection

    def _write(self, work: Work[T]) -> T:
        writer = self._writer
        if writer is None:
            raise RuntimeError("the database is closed")
        with database_faults(self.path):
            self._patiently(lambda: writer.execute("BEGIN IMMEDIATE"))
            with writer:
                return work(writer)

    def _read(self, work: Work[T]) -> T:
        with database_faults(self.path):
            reader = self._borrow()
            try:
                return self._patiently(lambda: _snapshot(reader, work))
            finally:
                self._idle.append(reader)

    def _borrow(self) -> sqlite3.Connection:
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect_reader()

    def _connect_reader(self) -> sqlite3.Connection:
        reader = self._connect()
        reader.execute("PRAGMA query_only = ON")
        return reader

    def _patiently(self, action: Callable[[], T]) -> T:
        """SQLite's own busy wait has gaps (a switch to WAL, another process's last close); this fills them."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return action()
            except sqlite3.OperationalError as error:
                if not busy(error) or time.monotonic() >= deadline:
                    raise
                time.sleep(_RETRY)

    def _close(self) -> None:
        self._reading.shutdown(wait=True)
        for reader in self._idle:
            reader.close()
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _snapshot(reader: sqlite3.Connection, work: Work[T]) -> T:
    reader.execute("BEGIN")
    with reader:
        return work(reader)
