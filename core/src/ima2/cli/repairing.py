"""Rebuild the index while nobody else uses it."""

from __future__ import annotations

from ima2.errors import Conflict
from ima2.kernel.jobs.process import EngineLock, Process
from ima2.settings.paths import Paths
from ima2.storage.repair import RepairReport, repair


async def repair_index() -> RepairReport:
    """Raises ``Conflict("IN_USE")`` while a server or a job runs on this data directory."""
    paths = Paths.from_env()
    engine = EngineLock(paths.data)
    if not engine.acquire():
        raise _in_use("a server")
    try:
        others = [path.stem for path in paths.processes.glob("*.lock")]
        with Process(paths.processes) as process:
            if any(process.alive(other) for other in others):
                raise _in_use("another command")
            return await repair(paths)
    finally:
        engine.release()


def _in_use(what: str) -> Conflict:
    return Conflict(f"The index is in use by {what}.", code="IN_USE", hint="stop it, then: ima2 repair")
