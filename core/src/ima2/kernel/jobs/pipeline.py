"""The one path: plan, paid calls, end. A fresh job and one whose process died take the same way."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

from ima2.errors import (
    Cancelled,
    Ima2Error,
    JobUnknown,
    NoImage,
    Paid,
    PluginFailed,
    Refused,
    StorageFailed,
    UpstreamTimeout,
)
from ima2.hookspecs import ProviderInfo
from ima2.kernel.jobs.call import CallRunner
from ima2.kernel.jobs.call_events import phase, warn
from ima2.kernel.jobs.conversing import converse
from ima2.kernel.jobs.drift import drift
from ima2.kernel.jobs.faults import carrying, from_dict
from ima2.kernel.jobs.parts import Parts, shielded
from ima2.kernel.jobs.place import Place
from ima2.kernel.jobs.planning import checked, default_plan
from ima2.kernel.jobs.record import afterwards, answer
from ima2.kernel.jobs.resuming import SENT, still_wanted, waits
from ima2.kernel.jobs.usage import total
from ima2.models import Artifact, CallRow, Job, Phase, Plan, Planned, Usage, Warning

_OWN_FAULT = (Refused, NoImage)
"""Failures of one picture; any other failure would meet the next call as well."""


class Pipeline:
    """Runs one job to its end."""

    def __init__(self, parts: Parts, info: ProviderInfo) -> None:
        self._parts = parts
        self._info = info

    async def run(self, job: Job) -> Job:
        """Returns the job in a final state.

        :raises StorageFailed: not even its end could be written down; the error says what is known of it.
        """
        try:
            return await self._run(job)
        except StorageFailed as fault:
            raise await self._unwritten(job, fault) from fault

    async def _run(self, job: Job) -> Job:
        try:
            async with asyncio.timeout(job.request.timeout) as limit:
                if job.request.kind == "text":
                    job, rows = await converse(self._parts, job, self._info), []
                else:
                    job = await self._planned(job)
                    rows = await self._calls(job, limit)
        except asyncio.CancelledError:
            if not self._parts.stopping.is_set():
                await shielded(self.cancelled(job))
            raise
        except TimeoutError:
            return await shielded(self._timed_out(job))
        except Ima2Error as error:
            return await shielded(self._broken(job, error))
        except Exception as error:
            fault = PluginFailed(f"An unexpected {type(error).__name__} stopped the job.", code="INTERNAL_ERROR")
            await shielded(self._broken(job, fault))
            raise
        return await shielded(self._finish(job, rows))

    async def _planned(self, job: Job) -> Job:
        if job.plan is not None:
            return still_wanted(await self._parts.ledger.update_job(job.id, state="running"))
        now = self._parts.now()
        job = await self._parts.ledger.update_job(job.id, state="planning", phase="planning", phase_at=now)
        still_wanted(job)
        if job.request.kind == "video":
            await self._parts.bus.publish(job.id, "planning", {"provider": job.provider, "model": job.model})
        plan, usage = await self._plan(job)
        await self._parts.ledger.put_calls(job.id, plan.calls)
        planned: dict[str, Any] = {"plan": plan, "model": plan.model, "usage": usage}
        return still_wanted(await self._parts.ledger.update_job(job.id, state="running", **planned))

    async def _plan(self, job: Job) -> tuple[Plan, Usage | None]:
        context = self._parts.contexts.for_planning(self._info, job)
        usage: Usage | None = None
        stream = self._parts.dispatcher.plan(self._info.id, job.request, context)
        if stream is None:
            return default_plan(job.request), None
        async with aclosing(stream) as events:
            async for event in events:
                match event:
                    case Planned():
                        return checked(event.plan, job), usage
                    case Phase():
                        await phase(self._parts, job.id, event)
                    case Usage():
                        usage = total((usage, event))
                    case Warning():
                        await warn(self._parts, job.id, event)
        raise PluginFailed(f"{self._info.id} planned nothing.", step="plan")

    async def _calls(self, job: Job, limit: asyncio.Timeout) -> list[CallRow]:
        runner = CallRunner(self._parts, job, self._info, limit)
        rows = await self._parts.ledger.calls(job.id)
        hopeless = asyncio.Event()

        async def one(row: CallRow) -> CallRow:
            async with Place(self._parts.lane(self._info)) as place:
                if row.state == "ready" and hopeless.is_set():
                    return await self._parts.ledger.update_call(row.key, state="cancelled")
                try:
                    ended = await runner.advance(row, place)
                except Exception:
                    hopeless.set()
                    raise
                if ended.error and not isinstance(from_dict(ended.error), _OWN_FAULT):
                    hopeless.set()
                return ended

        # Whatever one of them ends with, the job has not ended before all of them have.
        tasks = [asyncio.ensure_future(one(row)) for row in rows]
        try:
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            await shielded(self._write_down_late(rows, tasks))
        return [task.result() for task in tasks]

    async def _write_down_late(self, rows: Sequence[CallRow], tasks: Sequence[asyncio.Task[CallRow]]) -> None:
        """Ids of calls that broke off because their ids could not be written down: once more."""
        for row, task in zip(rows, tasks, strict=True):
            fault = task.exception() if task.done() and not task.cancelled() else None
            if isinstance(fault, StorageFailed) and (upstream_id := fault.details.get("upstreamId")):
                with contextlib.suppress(Ima2Error):
                    await self._parts.ledger.update_call(row.key, state="submitted", upstream_id=upstream_id)

    async def _finish(self, job: Job, rows: Sequence[CallRow]) -> Job:
        """All calls have ended, or were not begun after a hopeless failure; or there are words in their place."""
        if job.reply is not None:
            return await self._done(job)
        open_rows = [row for row in rows if row.state in ("unknown", "storing")]
        done = [row for row in rows if row.state == "done"]
        errors = [from_dict(row.error) for row in rows if row.error]
        if open_rows and open_rows[0].error:
            return await self._end(job, "unknown", _still_open(from_dict(open_rows[0].error), done))
        # The job has what planning cost. Only an end that is final adds the calls: an open one comes here again.
        usage = total([job.usage, *(row.usage for row in rows)])
        job = await self._parts.ledger.update_job(job.id, usage=usage)
        if not done:
            return await self._end(job, "failed", errors[0] if errors else PluginFailed("No call was made."))
        if missing := len(rows) - len(done):
            why, reason = (errors[0].message, errors[0].code) if errors else ("they were not begun.", None)
            text = f"{missing} of {len(rows)} pictures are missing: {why}"
            await warn(self._parts, job.id, Warning(code="PARTIAL_RESULT", message=text, reason=reason))
        return await self._done(job)

    async def _done(self, job: Job) -> Job:
        job = await self._compared(job)
        now = self._parts.now()
        ends: dict[str, Any] = {"phase": "done", "phase_at": now, "finished_at": now, "error": None}
        job = await self._parts.ledger.update_job(job.id, state="done", **ends)
        artifacts = await self._completed(job)
        await self._parts.bus.publish(job.id, "done", answer(job, artifacts, self._parts.store))
        await self._parts.contexts.drop_spool(job.id)
        for artifact in artifacts:
            self._parts.store.schedule_thumbnail(artifact.filename)
        return job

    async def _compared(self, job: Job) -> Job:
        """Warn of what is not as it was asked for, unless the provider has said so in its own words."""
        told = {warning.code for warning in job.warnings}
        for artifact in await self._parts.store.artifacts(job_id=job.id, limit=500):
            for warning in drift(job, artifact, self._info):
                if warning.code not in told:
                    await warn(self._parts, job.id, warning)
        return await self._parts.ledger.job(job.id) or job

    async def _completed(self, job: Job) -> list[Artifact]:
        """Sidecars get what was known only at the end. The files are stored; a full disk here costs no picture."""
        rows = {row.key: row for row in await self._parts.ledger.calls(job.id)}
        artifacts = await self._parts.store.artifacts(job_id=job.id, limit=500)
        with contextlib.suppress(StorageFailed):
            return [
                await self._parts.store.annotate(each.filename, afterwards(job, rows.get(each.call_key or "")))
                for each in artifacts
            ]
        return artifacts

    async def _end(self, job: Job, state: str, error: Ima2Error) -> Job:
        now = self._parts.now()
        facts = error.to_dict()
        changes: dict[str, Any] = {"state": state, "phase": state, "phase_at": now, "finished_at": now, "error": facts}
        job = await self._parts.ledger.update_job(job.id, **changes)
        await self._parts.bus.publish(job.id, "error", facts)
        if state != "unknown":
            await self._parts.contexts.drop_spool(job.id)
        return job

    async def _broken(self, job: Job, error: Ima2Error) -> Job:
        """Something failed beside the calls themselves. What a service or the spool has of the job is not given up."""
        rows = await self._parts.ledger.calls(job.id)
        free = self._info.billing == "free"
        waiting = any(waits(row, self._info.resumable) for row in rows)
        if not waiting and (free or not any(row.state in SENT for row in rows)):
            return await self._end(job, "failed", error)
        again = f"ima2 jobs retry {job.id}   (sends it again)   or   ima2 jobs drop {job.id}"
        paid: Paid = "no" if free else "maybe"
        hint = f"ima2 jobs resume {job.id}" if waiting else again
        asked = error.but(hint=hint, paid=paid)
        try:
            return await self._end(job, "unknown", asked)
        except StorageFailed as fault:
            raise carrying(fault, asked) from error

    async def _unwritten(self, job: Job, fault: StorageFailed) -> StorageFailed:
        paid, kept = fault.paid, fault.kept
        with contextlib.suppress(Ima2Error):
            rows = await self._parts.ledger.calls(job.id)
            kept = kept or await self._names(job)
            if self._info.billing != "free" and paid == "no" and any(row.sent_at for row in rows):
                paid = "yes" if any(row.media or row.state == "done" for row in rows) else "maybe"
        return fault.but(paid=paid, kept=kept, hint=f"ima2 jobs resume {job.id}")

    async def cancelled(self, job: Job) -> Job:
        """End the job and whatever of it is still open. What was paid for and can still be had is not given up."""
        runner = CallRunner(self._parts, job, self._info)
        rows = [await runner.cancelled(row.key) for row in await self._parts.ledger.calls(job.id)]
        for row in rows:
            if row.error and row.error.get("paid") == "yes" and waits(row, self._info.resumable):
                return await self._end(job, "unknown", from_dict(row.error))
            if row.error and row.state == "storing":
                return await self._end(job, "unknown", from_dict(row.error))
        told = {row.error.get("paid") for row in rows if row.error}
        certain = "yes" in told or (self._info.billing != "free" and any(row.state == "done" for row in rows))
        doubtful = "maybe" in told or await self._asked(job)
        error = Cancelled(
            "Generation canceled",
            paid="yes" if certain else "maybe" if doubtful else "no",
            kept=await self._names(job),
        )
        return await self._end(job, "cancelled", error)

    async def _timed_out(self, job: Job) -> Job:
        rows = await self._parts.ledger.calls(job.id)
        if rows and all(row.state == "done" for row in rows):
            return await self._finish(job, rows)
        # What was not begun stays so: going on later sends nothing.
        for row in rows:
            if row.state == "ready":
                await self._parts.ledger.update_call(row.key, state="cancelled")
        if any(row.error and row.state in ("unknown", "storing") for row in rows):
            return await self._finish(job, rows)
        charged = (self._info.billing != "free" and any(row.sent_at for row in rows)) or await self._asked(job)
        error = UpstreamTimeout(
            f"{self._info.title} had not finished after {job.request.timeout:g} s, the time this job was given.",
            paid="maybe" if charged else "no",
            kept=await self._names(job),
            hint=f"ima2 jobs show {job.id}",
        )
        return await self._broken(job, error)

    async def _asked(self, job: Job) -> bool:
        """Whether words that cost tokens may be on their way."""
        latest = await self._parts.ledger.job(job.id) if job.request.kind == "text" else None
        return latest is not None and latest.state == "running" and self._info.billing != "free"

    async def _names(self, job: Job) -> tuple[str, ...]:
        return tuple(each.filename for each in await self._parts.store.artifacts(job_id=job.id, limit=500))


def _still_open(error: Ima2Error, done: Sequence[CallRow]) -> Ima2Error:
    if not done:
        return error
    return JobUnknown(
        f"{error.message} ({len(done)} other pictures are stored.)",
        code=error.code,
        status=error.status,
        hint=error.hint,
        step=error.step,
        paid=error.paid,
        kept=error.kept,
    )
