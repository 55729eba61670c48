"""What a provider yields during a paid call, written down and passed on."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from urllib.parse import quote

from ima2.errors import Ima2Error, PluginFailed, StorageFailed
from ima2.hookspecs import ProviderInfo
from ima2.kernel.jobs.clip_record import models_of, upstream_names
from ima2.kernel.jobs.movement import Movement
from ima2.kernel.jobs.parts import Parts, shielded
from ima2.kernel.jobs.usage import total
from ima2.models import (
    CallRow,
    Job,
    Media,
    Partial,
    Phase,
    Progress,
    Sending,
    Submitted,
    Text,
    Usage,
    Warning,
)

NAMING_PAUSES = (0.5, 2.0, 5.0, 10.0)
"""Seconds between tries to write down an id, which is the only way back to what was paid for."""
log = logging.getLogger(__name__)


class CallEvents:
    """Takes the events of one call. ``sent`` tells whether the paid request may have left."""

    def __init__(
        self, parts: Parts, job: Job, row: CallRow, info: ProviderInfo, movement: Movement, *, resumed: bool
    ) -> None:
        self._parts = parts
        self._job = job
        self._job_id = job.id
        self._row = row
        self._info = info
        self._movement = movement
        self._named = asyncio.Event()
        self._unwritten: str | None = None
        self.sent = resumed
        self.closed = False
        """Nothing may be sent any more: the call is being stopped, and its provider may be slow to hear of it."""
        self.usage: Usage | None = row.usage

    async def take(self, event: object) -> dict[str, Any] | None:
        """Handle one event; a :class:`Media` comes back as the ledger notes it."""
        match event:
            case Media():
                return event.model_dump(by_alias=True, exclude={"path"}) | {"path": event.path}
            case Sending():
                await self._sending(event)
            case Submitted():
                await self._submitted(event)
            case Phase():
                await phase(self._parts, self._job_id, event)
            case Progress():
                self._movement.reached(self._row.call.index, event.fraction)
                if news := self._movement.news():
                    await self._publish("progress", progress=news[0], stalled=news[1])
            case Partial():
                await self._partial(event)
            case Usage():
                self.usage = total((self.usage, event))
            case Warning():
                await warn(self._parts, self._job_id, event)
            case Text():
                await self._publish("text", delta=event.delta)
            case _:
                raise PluginFailed(f"A provider yielded a {type(event).__name__}, which no call does.", step="generate")
        return None

    async def heard(self, work: asyncio.Task[CallRow], seconds: float) -> None:
        """While the request is on its way, wait for its id or for the end of ``work``; not longer than ``seconds``."""
        if not self.sent or self._named.is_set():
            return
        named = asyncio.ensure_future(self._named.wait())
        try:
            await asyncio.wait({work, named}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            named.cancel()

    async def write_down_late(self) -> None:
        """The work has ended before the id that had come was on disk: once more."""
        if self._unwritten is None:
            return
        try:
            await self._parts.ledger.update_call(self._row.key, state="submitted", upstream_id=self._unwritten)
        except Ima2Error:
            log.error("call %s is %s at its service; the ledger could not take it", self._row.key, self._unwritten)

    async def warn(self, code: str, message: str) -> None:
        """Add a warning of the kernel's own."""
        await warn(self._parts, self._job_id, Warning(code=code, message=message))

    async def _sending(self, event: Sending) -> None:
        if self.closed:
            raise asyncio.CancelledError
        if self.sent:
            raise PluginFailed("A provider wanted to send one paid call twice.", step="generate", paid="maybe")
        changes = {"state": "sending", "sent_at": self._parts.now(), "account": event.account}
        try:
            await shielded(self._parts.ledger.update_call(self._row.key, **changes))
        except asyncio.CancelledError:
            # The provider has not gone on: nothing has left.
            await shielded(self._parts.ledger.update_call(self._row.key, state="ready", sent_at=None))
            raise
        self.sent = True

    async def _submitted(self, event: Submitted) -> None:
        await self._write_down(event.upstream_id)
        self._named.set()
        names = upstream_names(self._info, event.upstream_id)
        await self._publish("submitted", **names, **models_of(self._job, self._row.call.model))

    async def _write_down(self, upstream_id: str) -> None:
        self._unwritten = upstream_id
        for pause in (*NAMING_PAUSES, None):
            try:
                await self._parts.ledger.update_call(self._row.key, state="submitted", upstream_id=upstream_id)
                self._unwritten = None
                return
            except StorageFailed as error:
                if pause is None:
                    self._unwritten = None
                    log.error("call %s is %s at its service; the ledger could not take it", self._row.key, upstream_id)
                    raise error.but(details={**error.details, "upstreamId": upstream_id}) from error
                await self._parts.clock.sleep(pause)

    async def _partial(self, event: Partial) -> None:
        url = f"/api/jobs/{quote(self._job_id, safe='')}/partials/{self._row.call.index}/{quote(event.path.name)}"
        facts = {"url": url, "path": str(event.path), "mediaType": event.media_type}
        await self._publish("partial", index=event.index, **facts)

    async def _publish(self, name: str, **data: Any) -> None:
        await self._parts.bus.publish(self._job_id, name, {"call": self._row.call.index, **data})


async def phase(parts: Parts, job_id: str, event: Phase) -> None:
    """Move the job to a phase."""
    await parts.ledger.update_job(job_id, phase=event.name, phase_at=parts.now())
    await parts.bus.publish(
        job_id, "phase", event.model_dump(exclude_none=True, exclude={"name"}) | {"phase": event.name}
    )


async def warn(parts: Parts, job_id: str, event: Warning) -> None:
    """Keep a warning with the job, once."""
    async with parts.warning:
        job = await parts.ledger.job(job_id)
        if job is None or event in job.warnings:
            return
        await parts.ledger.update_job(job_id, warnings=(*job.warnings, event))
    await parts.bus.publish(job_id, "warning", event.model_dump(by_alias=True, exclude_none=True))
