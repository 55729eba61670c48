"""One paid call, from whatever state the ledger has it in to a final one.

Every step is on disk before the next begins, so the same function serves a fresh call and one whose process died.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from contextlib import aclosing
from pathlib import Path
from typing import Any

from ima2.errors import Cancelled, Ima2Error, JobUnknown, NoImage, Paid, PluginFailed, StorageFailed, UpstreamTimeout
from ima2.hookspecs import ProviderInfo
from ima2.kernel.jobs.call_events import CallEvents
from ima2.kernel.jobs.context import HookContext
from ima2.kernel.jobs.faults import carrying
from ima2.kernel.jobs.movement import Movement
from ima2.kernel.jobs.parts import Parts, shielded
from ima2.kernel.jobs.place import Place
from ima2.kernel.jobs.storing import Results
from ima2.models import CallRow, Job, Submitted
from ima2.models.job import CALL_ENDED

ANSWER_SECONDS = 10.0
"""How long an order that is on its way is waited for by a job that is to end."""
CANCEL_SECONDS = 5.0
END_SECONDS = 15.0
"""How long a provider may take to end when it is cancelled."""
log = logging.getLogger(__name__)


class CallRunner:
    """Runs the calls of one job with one provider."""

    def __init__(self, parts: Parts, job: Job, info: ProviderInfo, limit: asyncio.Timeout | None = None) -> None:
        self._parts = parts
        self._job = job
        self._info = info
        self._limit = limit
        self._results = Results(parts, job, info)
        self._movement = Movement(parts.clock, len(job.plan.calls) if job.plan else 1)

    async def advance(self, row: CallRow, place: Place) -> CallRow:
        """Bring the call to a final state. Never raises an ``Ima2Error``: what failed is in the row.

        Once upstream has named a call that can be resumed, its ``place`` is free: waiting for it takes nobody's place.
        """
        ended = row if row.state in CALL_ENDED else await self._advance(row, place)
        self._movement.reached(row.call.index, 1.0)
        return ended

    async def _advance(self, row: CallRow, place: Place) -> CallRow:
        if row.media:
            return await self._settle(row, self._stored(row, place))
        if row.state == "ready" or self._info.billing == "free":
            events = self._events(row)
            return await self._settle(row, self._run(row, place, events), events)
        if self._named(row):
            return await self._settle(row, self._resumed(row, place))
        return await self._end(row.key, "unknown", error=self._question(row, "This computer stopped before it came."))

    async def _settle(
        self, row: CallRow, work: Coroutine[Any, Any, CallRow], ordering: CallEvents | None = None
    ) -> CallRow:
        """Await the work, which writes down how it ended.

        An order on its way is not torn off: its answer holds the id by which the result can be had.
        """
        task = asyncio.ensure_future(self._ended(row, work))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await shielded(self._stopped(row, task, ordering))
            if task.done():
                work.close()
            if not self._parts.stopping.is_set():
                late = self._limit is not None and self._limit.expired()
                await shielded(self._late(row.key) if late else self.cancelled(row.key))
            raise

    async def _stopped(self, row: CallRow, task: asyncio.Task[CallRow], ordering: CallEvents | None) -> None:
        """End the task, but not before an order's answer is heard and written down."""
        if ordering and self._can_resume(row):
            await ordering.heard(task, ANSWER_SECONDS)
        if ordering:
            ordering.closed = True
        task.cancel()
        await asyncio.wait({task}, timeout=END_SECONDS)
        if task.done() and not task.cancelled() and (error := task.exception()):
            log.warning("call %s ended with %s while it was stopped", row.key, type(error).__name__)
        if ordering:
            await ordering.write_down_late()

    async def _ended(self, row: CallRow, work: Coroutine[Any, Any, CallRow]) -> CallRow:
        try:
            return await work
        except JobUnknown as error:
            return await self._end(row.key, "unknown", error=error)
        except Ima2Error as error:
            free = self._info.billing == "free" and error.paid != "no"
            return await self._failed(row.key, error.but(paid="no") if free else error)

    async def _failed(self, key: str, error: Ima2Error) -> CallRow:
        try:
            return await self._ended_badly(key, error)
        except StorageFailed as fault:
            raise carrying(fault, error) from error

    async def _run(self, row: CallRow, place: Place, events: CallEvents, resume: str | None = None) -> CallRow:
        context = self._parts.contexts.for_call(self._info, self._job, row.call, resume=resume)
        stored = 0
        try:
            async with aclosing(self._stream(row, context)) as stream:
                async for event in stream:
                    media = await events.take(event)
                    if isinstance(event, Submitted) and self._can_resume(row):
                        place.give_back()
                    if media:
                        now = await self._row(row.key)
                        stored += await shielded(self._results.take(now, media, events.usage))
        except Ima2Error as error:
            if not stored or isinstance(error, StorageFailed):
                raise _with_paid(error, events) from None
            await events.warn("STREAM_TRUNCATED", f"The picture is kept; afterwards the call failed: {error.message}")
        if not stored:
            what = "clip" if row.call.kind == "video" else "picture"
            charged = events.sent and self._info.billing != "free"
            raise NoImage(f"The answer held no {what}.", step="generate", paid="yes" if charged else "no")
        return await self._end(row.key, "done", usage=events.usage)

    async def _resumed(self, row: CallRow, place: Place) -> CallRow:
        place.give_back()
        return await self._run(row, place, self._events(row, resumed=True), row.upstream_id)

    def _stream(self, row: CallRow, context: HookContext) -> Any:
        dispatcher, raw = self._parts.dispatcher, context.resume is not None
        if row.call.kind == "video":
            return dispatcher.generate_video(self._info.id, row.call, context, raw=raw)
        return dispatcher.generate_image(self._info.id, row.call, context, raw=raw)

    async def _stored(self, row: CallRow, place: Place) -> CallRow:
        """After a crash between spool and store. What is in neither by now is asked for again, where it can be."""
        try:
            return await self._store_all(row)
        except StorageFailed as error:
            if error.code != "RESULT_LOST" or not self._named(row):
                raise
        row = await self._parts.ledger.update_call(row.key, state="submitted", media=(), error=None)
        return await self._resumed(row, place)

    async def _store_all(self, row: CallRow) -> CallRow:
        await self._results.store_all(row)
        return await self._end(row.key, "done")

    async def _ended_badly(self, key: str, error: Ima2Error) -> CallRow:
        """The call ended badly. What the service or the spool has of it is not given up."""
        row = await self._written(await self._row(key), error)
        spooled = [path for media in row.media if await asyncio.to_thread(Path(path := media["path"]).exists)]
        if spooled and isinstance(error, StorageFailed):
            # Paid for and in the spool, but not in the gallery: to go on only stores, it sends nothing.
            paid: Paid = "no" if self._info.billing == "free" else "yes"
            waiting = error.but(kept=tuple(spooled), hint=self._go_on, paid=paid)
            return await self._end(key, "storing", error=waiting)
        if not spooled and self._named(row) and _passing(error):
            asked = error.but(hint=self._go_on, paid="maybe" if error.paid == "no" else error.paid)
            return await self._end(key, "unknown", error=asked)
        if row.state == "sending" and self._can_resume(row) and _ours(error) and error.paid != "no":
            asked = self._question(row, error.message)
            return await self._end(key, "unknown", error=asked.but(details={**error.details, **asked.details}))
        kept = await self._parts.contexts.keep([*spooled, *error.kept], self._job.id)
        return await self._end(key, "failed", error=error.but(kept=kept))

    async def _written(self, row: CallRow, error: Ima2Error) -> CallRow:
        """The row; with the id that could not be written down when it came, if it can be now."""
        upstream_id = error.details.get("upstreamId")
        if row.state != "sending" or not isinstance(error, StorageFailed) or not upstream_id:
            return row
        with contextlib.suppress(StorageFailed):
            return await self._parts.ledger.update_call(row.key, state="submitted", upstream_id=upstream_id)
        return row

    async def cancelled(self, key: str) -> CallRow:
        """End the call as cancelled, asking upstream to stop where it can."""
        row = await self._row(key)
        lost_sight = row.state == "unknown" and self._named(row) and (row.error or {}).get("paid") != "yes"
        if row.state in CALL_ENDED and not lost_sight:
            return row
        if row.media:
            return row if lost_sight else await self._rescued(row)
        stopped = row.state == "ready" or self._info.billing == "free" or await self._stop_upstream(row)
        if lost_sight and not stopped:
            return row
        error = Cancelled("Generation canceled", step="generate", paid="no" if stopped else "maybe")
        return await self._end(key, "cancelled", error=error)

    async def _rescued(self, row: CallRow) -> CallRow:
        """What has come whole is stored, whatever ends the job; where it can't be, it waits in the spool."""
        try:
            return await self._store_all(row)
        except Ima2Error as error:
            return await self._failed(row.key, error)

    async def _late(self, key: str) -> CallRow:
        """The job's time is up. What a service works on stays there: to be out of time is no wish to cancel."""
        row = await self._row(key)
        if row.state not in CALL_ENDED and row.media:
            return await self._rescued(row)
        if row.state in CALL_ENDED:
            return row
        if row.sent_at is None or not self._can_resume(row):
            return await self.cancelled(key)
        given = f"{self._job.request.timeout:g} s, the time this job was given"
        if row.upstream_id is None:
            return await self._end(key, "unknown", error=self._question(row, f"None came within {given}."))
        error = UpstreamTimeout(
            f"{self._info.title} had not finished after {given}. "
            "It goes on there; the result can be fetched later, and nothing is sent again.",
            step="generate",
            paid="maybe",
            hint=self._go_on,
        )
        return await self._end(key, "unknown", error=error)

    async def _stop_upstream(self, row: CallRow) -> bool:
        if not row.upstream_id or not self._parts.dispatcher.implements(self._info.id, "ima2_cancel"):
            return False
        context = self._parts.contexts.for_call(self._info, self._job, row.call, resume=row.upstream_id)
        try:
            async with asyncio.timeout(CANCEL_SECONDS):
                return bool(await self._parts.dispatcher.cancel(self._info.id, row.call, context))
        except (TimeoutError, Ima2Error):
            return False

    async def _row(self, key: str) -> CallRow:
        rows = await self._parts.ledger.calls(self._job.id)
        return next(row for row in rows if row.key == key)

    async def _end(self, key: str, state: str, *, error: Ima2Error | None = None, usage: Any = None) -> CallRow:
        changes: dict[str, Any] = {"state": state}
        if error is not None or state == "done":
            changes["error"] = error.to_dict() if error else None
        if usage is not None:
            changes["usage"] = usage
        return await self._parts.ledger.update_call(key, **changes)

    @property
    def _go_on(self) -> str:
        return f"ima2 jobs resume {self._job.id}"

    def _events(self, row: CallRow, *, resumed: bool = False) -> CallEvents:
        return CallEvents(self._parts, self._job, row, self._info, self._movement, resumed=resumed)

    def _can_resume(self, row: CallRow) -> bool:
        return row.call.kind in self._info.resumable

    def _named(self, row: CallRow) -> bool:
        """Whether the service has it under an id by which it can be had."""
        return row.upstream_id is not None and self._can_resume(row)

    def _question(self, row: CallRow, why: str) -> JobUnknown:
        job = self._job
        return JobUnknown(
            f"The request was sent to {job.provider} and no answer is on record. {why} "
            "It may have been charged; it was not sent again.",
            step="generate",
            paid="maybe",
            hint=f"ima2 jobs retry {job.id}   (sends it again)   or   ima2 jobs drop {job.id}",
            details={"callKey": row.key, "sentAt": row.sent_at},
        )


def _with_paid(error: Ima2Error, events: CallEvents) -> Ima2Error:
    """What fails on this side after the request left may have cost money, whatever its class says."""
    doubtful = events.sent and error.paid == "no" and (_ours(error) or isinstance(error, UpstreamTimeout))
    return error.but(step=error.step or "generate", paid="maybe" if doubtful else error.paid)


def _passing(error: Ima2Error) -> bool:
    """Upstream has the work and may still finish it: we did not hear, or something failed on this side."""
    return error.retryable or isinstance(error, UpstreamTimeout) or _ours(error)


def _ours(error: Ima2Error) -> bool:
    """Whether it failed on this side of the wire."""
    return isinstance(error, PluginFailed | StorageFailed)
