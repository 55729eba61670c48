"""Going on with a job that ended as ``unknown``: with what a service still has of it, or by sending it again."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from ima2.errors import Conflict
from ima2.kernel.jobs.parts import Parts
from ima2.models import CallRow, Job

SENT = ("sending", "submitted", "downloading")
"""States of a call that has left and has not ended."""


def still_wanted(job: Job) -> Job:
    """The job as it was just read; an open one that has an error is to be stopped.

    :raises CancelledError: somebody wished so before its task could be told.
    """
    if job.error:
        raise asyncio.CancelledError
    return job


async def claimed(parts: Parts, job: Job) -> Job:
    """The job, queued again for this process; of several who want it, one gets it. ``JOB_CHANGED``."""
    job = await parts.ledger.update_job(
        job.id,
        expect_state="unknown",
        state="queued",
        owner=parts.process_id,
        error=None,
        finished_at=None,
        phase="queued",
    )
    await parts.bus.publish(job.id, "phase", {"phase": "queued"})
    return job


async def reopened(parts: Parts, job: Job) -> Job:
    """The job, ready to be run again by this process from its upstream ids, or from results that wait in the spool.

    Nothing is sent a second time.

    :raises Conflict: ``JOB_NOT_INTERRUPTED``; neither the service nor the spool has anything of it.
    """
    rows = await parts.ledger.calls(job.id)
    info = parts.dispatcher.host.provider(job.provider)
    waiting = [row for row in rows if waits(row, info.resumable)]
    if job.state != "unknown" or not waiting:
        raise Conflict(
            f"Job {job.id} is {job.state}; there is nothing to go on with.",
            code="JOB_NOT_INTERRUPTED",
            hint=f"ima2 jobs show {job.id}",
        )
    job = await claimed(parts, job)
    for row in waiting:
        if row.state == "storing":
            continue
        await parts.ledger.update_call(row.key, state="submitted", error=None)
    return job


async def send_again(parts: Parts, job: Job) -> None:
    """Let the calls of a claimed job be sent anew, but for those that the service has: they are only followed."""
    info = parts.dispatcher.host.provider(job.provider)
    for row in await parts.ledger.calls(job.id):
        if row.state == "storing":
            continue
        if waits(row, info.resumable):
            await parts.ledger.update_call(row.key, state="submitted", error=None)
        elif row.state == "unknown" or row.state in SENT:
            await parts.ledger.update_call(row.key, state="ready", sent_at=None, upstream_id=None, error=None)


def waits(row: CallRow, resumable: Collection[str]) -> bool:
    """Whether the spool has its result, or the service has it under an id by which it can be had.

    ``resumable`` are the kinds of calls of which its provider can do that.
    """
    if row.state == "storing":
        return bool(row.media)
    named = row.upstream_id is not None and row.call.kind in resumable
    return named and row.state in ("submitted", "downloading", "unknown")
