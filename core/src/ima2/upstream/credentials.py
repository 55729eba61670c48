"""A provider's secrets: one JSON object in a file that only its owner can read."""

from __future__ import annotations

import asyncio
import json
import stat
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from ima2.errors import NotReady
from ima2.settings.atomic import write_atomic

_READS = 3
_READ_AGAIN_AFTER = 0.05
_LOCK_AGAIN_AFTER = 0.05


class CredentialFile:
    """:class:`~ima2.hookspecs.Credentials` on ``path``: 0600 in a 0700 folder, wider modes are tightened.

    A symlink is followed: the file it points to is read, replaced and locked, and the link stays.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Any]:
        """The stored object, ``{}`` when there is none.

        Other programs may write the file in place; half of it is read again, twice, after 50 ms.

        :raises NotReady: ``CREDENTIALS_UNREADABLE``; the file is left as it is.
        """
        target = self.path.resolve()
        for attempt in range(_READS):
            if attempt:
                time.sleep(_READ_AGAIN_AFTER)
            try:
                return _read_object(target)
            except FileNotFoundError:
                return {}
            except (OSError, ValueError, RecursionError) as error:
                failure = error
        raise NotReady(
            f"The credential file {self.path} can't be read.",
            code="CREDENTIALS_UNREADABLE",
            hint="ima2 doctor",
        ) from failure

    def write(self, value: Mapping[str, Any]) -> None:
        """Replace the object; on disk before this returns.

        :raises OSError: the old object is still there.
        """
        data = json.dumps(dict(value), indent=2, ensure_ascii=False).encode()
        write_atomic(self.path, data)
        _tighten(self.path.parent, 0o700)

    def delete(self) -> None:
        """Forget it."""
        self.path.resolve().unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)

    @asynccontextmanager
    async def lock(self) -> AsyncIterator[None]:
        """Hold the lock file beside the credential; one holder among all tasks and processes.

        It is asked for again and again instead of waited for in a thread: a cancelled wait leaves nothing held.
        The system drops the lock when its process dies.
        """
        import filelock

        target = self.path.resolve()
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = filelock.FileLock(target.with_name(f"{target.name}.lock"), mode=0o600, thread_local=False)
        while not _acquired(lock):  # noqa: ASYNC110 - the holder may be another process
            await asyncio.sleep(_LOCK_AGAIN_AFTER)
        try:
            yield
        finally:
            lock.release()


def _acquired(lock: Any) -> bool:
    import filelock

    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        return False
    return True


def _read_object(path: Path) -> dict[str, Any]:
    value = json.loads(path.read_bytes())
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    _tighten(path, 0o600)
    return value


def _tighten(path: Path, mode: int) -> None:
    """Take rights away from others. A file of another owner stays as it is; so does all on Windows."""
    with suppress(OSError):
        if stat.S_IMODE(path.stat().st_mode) & ~mode:
            path.chmod(mode)
