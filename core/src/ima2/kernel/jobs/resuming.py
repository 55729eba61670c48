"""Going on with what a service still has: a submitted call whose end we did not hear of."""

from __future__ import annotations

from ima2.errors import Conflict
from ima2.kernel.jobs.parts import Parts
from ima2.models import CallRow, Job


async def reopened(parts: Parts, job: Job) -> Job:
    """The job, ready to be run again by this process from its upstream ids; nothing is sent a second time.

    :raises Conflict: ``JOB_NOT_INTERRUPTED``; the service has nothing of it that could be asked for.
    """
    info = parts.dispatcher.host.provider(job.provider)
    rows = [row for row in await parts.ledger.calls(job.id) if _waiting(row, info.resumable)]
    if job.state != "unknown" or not rows:
        raise Conflict(
            f"Job {job.id} is {job.state}; there is nothing to go on with.",
            code="JOB_NOT_INTERRUPTED",
            hint=f"ima2 jobs show {job.id}",
        )
    for row in rows:
        await parts.ledger.update_call(row.key, state="submitted", error=None)
    job = await parts.ledger.update_job(
        job.id, state="queued", owner=parts.process_id, error=None, finished_at=None, phase="queued"
    )
    await parts.bus.publish(job.id, "phase", {"phase": "queued"})
    return job


def _waiting(row: CallRow, resumable: tuple[str, ...]) -> bool:
    return row.upstream_id is not None and row.state == "unknown" and row.call.kind in resumable
