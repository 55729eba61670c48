"""Jobs as they are listed and shown; what existing clients don't know of is added beside."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ima2.kernel.jobs.clip_record import upstream_names
from ima2.kernel.jobs.resuming import waits
from ima2.kernel.jobs.runner import OPEN_STATES
from ima2.kernel.studio import Studio
from ima2.models import Artifact, CallRow, Job
from ima2.models.job import FINAL_STATES

PHASES = {
    "queued": "queued",
    "search": "planning",
    "plan": "planning",
    "planning": "planning",
    "partial": "partial",
    "download": "decoding",
    "downloading": "decoding",
    "store": "decoding",
    "storing": "decoding",
}
"""Our phases → the five that existing clients know; any other is ``streaming``."""
STATUSES = {"done": "completed", "failed": "error", "cancelled": "canceled", "unknown": "error"}
PROMPT_CHARACTERS = 500
TERMINAL_ROWS = 100


async def inflight(studio: Studio, *, kind: str | None, session: str | None, terminal: bool) -> dict[str, Any]:
    """``{jobs, terminalJobs?}``: those under way, oldest first, and on demand the newest that have ended."""

    def wanted(job: Job) -> bool:
        return (not kind or kind == kind_of(job)) and (not session or session == job.request.session_id)

    active = await studio.ledger.jobs(states=OPEN_STATES)
    rows = [active_row(job, interrupted=studio.runner.interrupted(job)) for job in active if wanted(job)]
    if not terminal:
        return {"jobs": rows}
    ended = await studio.ledger.jobs(states=sorted(FINAL_STATES), limit=TERMINAL_ROWS, newest_first=True)
    return {"jobs": rows, "terminalJobs": [await _ended(studio, job) for job in ended if wanted(job)]}


async def _ended(studio: Studio, job: Job) -> dict[str, Any]:
    """Its row; a clip's has the name that the service gave it."""
    row = terminal_row(job, await studio.store.artifacts(job_id=job.id))
    info = studio.provider_of(job) if job.request.kind == "video" else None
    ids = [call.upstream_id for call in await studio.ledger.calls(job.id) if call.upstream_id] if info else []
    return {**row, "meta": {**row["meta"], **upstream_names(info, ids[0])}} if info and ids else row


async def jobs(studio: Studio, *, states: tuple[str, ...], limit: int) -> dict[str, Any]:
    """``{jobs}``, newest first."""
    found = await studio.ledger.jobs(states=states, limit=limit, newest_first=True)
    return {"jobs": [await whole(studio, job) for job in found]}


async def whole(studio: Studio, job: Job) -> dict[str, Any]:
    """One job with its calls and files.

    ``interrupted``: nobody runs it. ``waiting``: it ended as ``unknown``, and resuming it may bring what is missing.
    """
    calls, artifacts = await studio.ledger.calls(job.id), await studio.store.artifacts(job_id=job.id)
    info = studio.provider_of(job)
    resumable = info.resumable if info else ()
    waiting = job.state == "unknown" and any(waits(row, resumable) for row in calls)
    return {
        **job_facts(job, calls, artifacts, resumable=resumable),
        "interrupted": studio.runner.interrupted(job),
        "waiting": waiting,
        "billing": info.billing if info else None,
    }


def kind_of(job: Job) -> str:
    """An edit counts as ``classic`` in lists of jobs; its ``meta.kind`` tells."""
    return "classic" if job.request.surface == "edit" else job.request.surface


def meta(job: Job, artifacts: list[Artifact] | None = None) -> dict[str, Any]:
    """What a job was asked for and, after it ended, the names of its files."""
    request = job.request
    facts: dict[str, Any] = {
        "kind": request.surface,
        "sessionId": request.session_id,
        "parentNodeId": request.parent_id,
        "clientNodeId": request.labels.get("clientNodeId"),
        "provider": job.provider,
        "model": job.model,
        "quality": request.quality,
        "size": request.size,
        "n": request.n,
        "refsCount": len(request.references),
        "referenceBytes": sum(reference.size for reference in request.references),
        "composerPrompt": request.labels.get("composerPrompt"),
        "composerInsertedPrompts": request.labels.get("composerInsertedPrompts"),
    }
    if artifacts:
        names = [artifact.filename for artifact in artifacts]
        facts |= {"filenames": names, "filename": names[0], "imageCount": len(names)}
    return facts


def active_row(job: Job, *, interrupted: bool = False) -> dict[str, Any]:
    """A job under way; ``interrupted`` when the process that ran it is gone."""
    return {
        "requestId": job.id,
        "kind": kind_of(job),
        "prompt": job.request.prompt[:PROMPT_CHARACTERS],
        "meta": meta(job),
        "startedAt": job.created_at,
        "phase": PHASES.get(job.phase, "streaming"),
        "step": job.phase,
        "phaseAt": job.phase_at,
        "interrupted": interrupted,
    }


def terminal_row(job: Job, artifacts: list[Artifact]) -> dict[str, Any]:
    """A job that has ended; without its prompt."""
    finished = job.finished_at or job.phase_at
    error = job.error or {}
    return {
        "requestId": job.id,
        "kind": kind_of(job),
        "status": STATUSES.get(job.state, "error"),
        "startedAt": job.created_at,
        "finishedAt": finished,
        "durationMs": finished - job.created_at,
        "phase": PHASES.get(job.phase, "streaming"),
        "phaseAt": job.phase_at,
        "httpStatus": 200 if job.state == "done" else int(error.get("status") or 500),
        "errorCode": error.get("code"),
        "meta": meta(job, artifacts),
    }


def job_facts(
    job: Job, calls: list[CallRow], artifacts: list[Artifact], *, resumable: Collection[str] = ()
) -> dict[str, Any]:
    """The whole job; ``resumable`` kinds of calls can be gone on with by any process.

    Spool paths stay here: they are of no use to a client.
    """
    facts = job.model_dump(by_alias=True, mode="json", exclude={"owner", "body_hash", "idempotency_key"})
    facts["requestId"] = job.id
    facts["calls"] = [{**call_facts(row), "resumable": row.call.kind in resumable} for row in calls]
    facts["filenames"] = [artifact.filename for artifact in artifacts]
    return facts


def call_facts(row: CallRow) -> dict[str, Any]:
    """One paid call."""
    facts = row.model_dump(by_alias=True, mode="json", exclude={"media"})
    facts["media"] = [{name: each[name] for name in each if name != "path"} for each in row.media]
    return facts
