"""Files of the gallery: hashing, and placing one without ever overwriting another."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
from pathlib import Path

from ima2.settings.atomic import sync_folder

PART = ".part"
"""Suffix of a file that is being written."""
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV, errno.EACCES}


def sha256_of(path: Path) -> str:
    """Hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def part_of(path: Path) -> Path:
    """A fresh hidden name beside ``path``."""
    return path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}{PART}")


def place(source: Path, target: Path) -> None:
    """Make ``target`` the bytes of ``source``, on disk before this returns; ``source`` stays.

    A hard link where the disk has them, else a copy under a hidden name that is renamed when whole.

    :raises FileExistsError: ``target`` is there; it was not touched.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    _sync(source)
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LINKS:
            raise
        _copy(source, target)
    sync_folder(target.parent)


def _copy(source: Path, target: Path) -> None:
    part = part_of(target)
    try:
        shutil.copyfile(source, part, follow_symlinks=False)
        _sync(part)
        rename_new(part, target)
    finally:
        part.unlink(missing_ok=True)


def rename_new(source: Path, target: Path) -> None:
    """Rename. :raises FileExistsError: ``target`` is there."""
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, "exists already", str(target))
    source.rename(target)


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
