"""Fan-out of the event log.

The log on disk is the queue: a subscriber reads at its own pace from its own position, so a slow one costs no memory
and a late one misses nothing. One task tails the log for all, which also brings the events of other processes.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from ima2.kernel.plugins.observers import Observers
from ima2.models import JobEvent
from ima2.storage.protocols import Ledger

POLL_SECONDS = 0.5
"""How soon the events of another process are seen."""
RING = 2000
"""Events kept in memory for those who are up to date."""
PAGE = 500
log = logging.getLogger(__name__)


class EventBus:
    """Publishes to the log and streams from it."""

    def __init__(self, ledger: Ledger, observers: Observers) -> None:
        self._ledger = ledger
        self._observers = observers
        self._ring: deque[JobEvent] = deque(maxlen=RING)
        self._last = 0
        self._wake = asyncio.Event()
        self._grown = asyncio.Condition()
        self._tail: asyncio.Task[None] | None = None
        self._lost: dict[str, BaseException] = {}

    async def start(self) -> None:
        """Begin to tail the log from its present end."""
        _, self._last = await self._ledger.event_bounds()
        self._tail = asyncio.create_task(self._follow(), name="event tail")

    async def stop(self) -> None:
        """Stop tailing."""
        if self._tail:
            self._tail.cancel()
            await asyncio.gather(self._tail, return_exceptions=True)

    async def publish(self, job_id: str, name: str, data: Mapping[str, Any]) -> JobEvent:
        """Append to the log; on disk when this returns."""
        event = await self._ledger.append(job_id, name, {"requestId": job_id, **data})
        self._wake.set()
        self._observers.job_event(event)
        return event

    async def lose(self, job_id: str, error: BaseException) -> None:
        """A job stopped and even that could not be written down: whoever waits for it is told so."""
        async with self._grown:
            self._lost[job_id] = error
            self._grown.notify_all()

    def found(self, job_id: str) -> None:
        """The job is run again."""
        self._lost.pop(job_id, None)

    async def subscribe(self, *, after: int | None = None, job_id: str | None = None) -> AsyncGenerator[JobEvent, None]:
        """Events with ``seq > after`` (None: from now on), endless; with ``job_id``, until its final event."""
        position = self._last if after is None else after
        while True:
            seen = self._last
            batch = await self._read(position, job_id)
            for event in batch:
                position = event.seq
                yield event
                if job_id and event.final:
                    return
            if not batch:
                # Everything up to `seen` was readable just now, so none of it was meant for this subscriber.
                position = max(position, seen)
                await self._newer(seen, job_id)

    async def _newer(self, seen: int, job_id: str | None) -> None:
        async with self._grown:
            await self._grown.wait_for(lambda: self._last != seen or job_id in self._lost)
        if job_id in self._lost:
            raise self._lost[job_id]

    async def _read(self, position: int, job_id: str | None) -> list[JobEvent]:
        if self._ring and self._ring[0].seq <= position + 1:
            return [event for event in self._ring if event.seq > position and job_id in (None, event.job_id)]
        return await self._ledger.events(after=position, job_id=job_id, limit=PAGE)

    async def _follow(self) -> None:
        while True:
            try:
                await self._fetch()
            except Exception as error:
                log.warning("the event log can't be read: %s", error)
            self._wake.clear()
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _fetch(self) -> None:
        while page := await self._ledger.events(after=self._last, limit=PAGE):
            async with self._grown:
                self._ring.extend(page)
                self._last = page[-1].seq
                self._grown.notify_all()
