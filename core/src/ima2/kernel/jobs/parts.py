"""What the one path is made of."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TypeVar

from ima2.hookspecs import Clock, ProviderInfo
from ima2.kernel.jobs.bus import EventBus
from ima2.kernel.jobs.context import Contexts
from ima2.kernel.plugins.dispatch import Dispatcher
from ima2.kernel.plugins.observers import Observers
from ima2.storage.protocols import ArtifactStore, Ledger

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything a job needs on its way.

    ``stopping`` is set when this process gives its jobs up unfinished; ``warning`` is held while a warning is added
    to those a job has, since calls of one job run at once.
    """

    ledger: Ledger
    store: ArtifactStore
    dispatcher: Dispatcher
    bus: EventBus
    contexts: Contexts
    observers: Observers
    clock: Clock
    process_id: str
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    warning: asyncio.Lock = field(default_factory=asyncio.Lock)
    lanes: dict[str, asyncio.Semaphore] = field(default_factory=dict)

    def now(self) -> int:
        """Epoch milliseconds."""
        return int(self.clock.now() * 1000)

    def lane(self, info: ProviderInfo) -> asyncio.Semaphore:
        """Where the paid calls of a provider wait for one another."""
        return self.lanes.setdefault(info.id, asyncio.Semaphore(info.concurrency))


async def shielded(work: Awaitable[T]) -> T:
    """Finish ``work`` even when the caller is cancelled meanwhile; then follows its error, or the cancellation."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await _done(task)
        if not task.cancelled() and (error := task.exception()):
            raise error from None
        raise


async def _done(task: asyncio.Future[T]) -> None:
    """Wait, however often somebody cancels."""
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({task})
