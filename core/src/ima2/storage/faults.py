"""What SQLite and the disk report, as errors a person can act on."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ima2.errors import StorageFailed

_PRIMARY = 0xFF
"""SQLite's extended result codes carry the plain one in the low byte."""
_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}
_NO_SPACE = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


def busy(error: sqlite3.Error) -> bool:
    """Whether another process holds the lock; later it may work."""
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def corrupt(error: sqlite3.Error) -> bool:
    """Whether the file is damaged or no database."""
    return _code(error) in _CORRUPT


@contextmanager
def database_faults(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into :class:`StorageFailed`; a broken constraint stays ours to handle."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except sqlite3.DatabaseError as error:
        raise _database_fault(error, path) from error
    except OSError as error:
        raise disk_fault(error, path) from error


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY


def _database_fault(error: sqlite3.DatabaseError, path: Path) -> StorageFailed:
    if busy(error):
        return database_busy(path)
    if corrupt(error):
        return StorageFailed(
            f"The database {path} is damaged; pictures and their sidecars are not touched.",
            code="DATABASE_CORRUPT",
            hint="ima2 repair",
        )
    if _code(error) == sqlite3.SQLITE_FULL:
        return _disk_full(path)
    return StorageFailed(f"The database {path} can't be used: {error}.", code="DATABASE_FAILED", hint="ima2 doctor")


def database_busy(path: Path) -> StorageFailed:
    """Somebody else held the database for longer than we wait."""
    return StorageFailed(
        f"Another process holds the database {path}; nothing was changed.",
        code="DATABASE_BUSY",
        status=503,
        retryable=True,
        retry_after=5.0,
        hint="ima2 ps",
    )


def disk_fault(error: OSError, path: Path, *, kept: tuple[str, ...] = ()) -> StorageFailed:
    """A file operation failed; ``kept`` is what survives it."""
    if error.errno in _NO_SPACE:
        return _disk_full(path, kept=kept)
    hint = "make it writable, or name another folder in IMA2_CONFIG_DIR" if error.errno in _FORBIDDEN else "ima2 doctor"
    return StorageFailed(f"{path} can't be written: {error.strerror or error}.", kept=kept, hint=hint)


def _disk_full(path: Path, *, kept: tuple[str, ...] = ()) -> StorageFailed:
    return StorageFailed(
        f"The disk of {path} is full; what was stored before is whole.",
        code="DISK_FULL",
        status=507,
        retryable=True,
        kept=kept,
        hint="free some space, then: ima2 jobs",
    )
