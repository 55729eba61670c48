"""Studios on a disk that is full for some writes, and one clip to be made there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from ima2.errors import StorageFailed
from ima2.kernel.jobs.runner import Runner
from ima2.kernel.opening import open_studio
from ima2.kernel.studio import Studio
from ima2.models import Call, Job
from ima2_kit.context import QuickClock

Env = dict[str, str]
BODY = {"prompt": "x", "provider": "film", "requestId": "job"}
FILM = Call(key="job.0", kind="video", prompt="x", model="film-1")


class FullDisk:
    """A ledger whose disk fails some writes, and reads of lists. ``refuses`` says which, by what would change."""

    def __init__(self, ledger: Any, refuses: Callable[[dict[str, Any]], bool]) -> None:
        self._ledger = ledger
        self.refuses = refuses
        self.refused = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def update_call(self, key: str, **changes: Any) -> Any:
        self._check(changes)
        return await self._ledger.update_call(key, **changes)

    async def update_job(self, job_id: str, **changes: Any) -> Any:
        self._check(changes)
        return await self._ledger.update_job(job_id, **changes)

    async def jobs(self, **query: Any) -> Any:
        self._check({"read": "jobs"})
        return await self._ledger.jobs(**query)

    async def events(self, **query: Any) -> Any:
        self._check({"read": "events"})
        return await self._ledger.events(**query)

    def _check(self, changes: dict[str, Any]) -> None:
        if self.refuses(changes):
            self.refused += 1
            raise StorageFailed("The disk is full.", code="DISK_FULL", status=507, retryable=True)


@asynccontextmanager
async def house_on(
    env: Env, plugin: object, refuses: Callable[[dict[str, Any]], bool]
) -> AsyncIterator[tuple[Studio, FullDisk]]:
    """A studio whose jobs write to such a ledger, and wait no time."""
    async with open_studio(env, plugins={"film": plugin}) as house:
        disk = FullDisk(house.ledger, refuses)
        parts = replace(house.parts, ledger=disk, clock=QuickClock())
        runner = Runner(parts, house.process, 8)
        yield replace(house, parts=parts, runner=runner), disk
        await runner.stop(0)


def studio(env: Env, plugin: object, work: Callable[[Studio], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        async with open_studio(env, plugins={"film": plugin}) as house:
            return await work(house)

    return asyncio.run(main())


async def ended(house: Studio) -> Job:
    await house.submit(BODY, surface="video")
    return await house.wait("job")


async def brought(house: Studio) -> None:
    await house.resume("job")
    job = await house.wait("job")
    assert (job.state, len(await house.store.artifacts())) == ("done", 1), job.error


def naming(changes: dict[str, Any]) -> bool:
    return bool(changes.get("upstream_id"))


async def a_moment() -> None:
    """As long as an answer may take."""
    await asyncio.sleep(0.4)


async def on_its_way(house: Studio) -> None:
    """Until the order has left and is not answered yet."""
    await house.submit(BODY, surface="video")
    while not any(row.sent_at for row in await house.ledger.calls("job")):
        await asyncio.sleep(0.01)
