"""Who is alive: a process is as long as its lock file is locked. No clocks, no pids."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout
from ulid import ULID

from ima2.storage.faults import disk_fault


class Process:
    """The running process as an owner of jobs. The operating system frees the lock however the process ends."""

    def __init__(self, folder: Path, process_id: str | None = None) -> None:
        self.id = process_id or str(ULID())
        self._folder = folder
        self._lock = FileLock(folder / f"{self.id}.lock", thread_local=False)

    def __enter__(self) -> Process:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=5)
        except OSError as error:
            raise disk_fault(error, self._folder) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()
        Path(self._lock.lock_file).unlink(missing_ok=True)

    def alive(self, owner: str) -> bool:
        """Whether the process ``owner`` still runs. Ids are never used twice, so a dead one stays dead."""
        if owner == self.id:
            return True
        path = self._folder / f"{owner}.lock"
        if not path.exists():
            return False
        try:
            with FileLock(path, timeout=0):
                pass
        except Timeout:
            return True
        path.unlink(missing_ok=True)
        return False


class EngineLock:
    """Held by the one process of a data directory that adopts the jobs of dead processes."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._lock = FileLock(data / "engine.lock", thread_local=False)

    def acquire(self) -> bool:
        """Take it when it is free; False when another process holds it."""
        try:
            self._data.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        except OSError as error:
            raise disk_fault(error, self._data) from error
        return True

    def release(self) -> None:
        """Let go."""
        self._lock.release()
