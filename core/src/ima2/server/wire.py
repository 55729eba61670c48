"""Jobs and events in the words of existing clients; what they don't know is added beside."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from ima2.kernel.jobs.bus import EventBus
from ima2.models import Artifact, CallRow, Job, JobEvent
from ima2.server.streams import Frame

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
_INTERNAL = frozenset({"cancel"})
PROMPT_CHARACTERS = 500


def event_frame(event: JobEvent) -> Frame:
    """A log entry as a frame. ``phase`` is one that all clients know, ``step`` is ours."""
    data = {**event.data, "requestId": event.job_id, "jobId": event.job_id, "at": event.at}
    if event.name == "phase":
        data |= {"phase": PHASES.get(str(event.data.get("phase")), "streaming"), "step": event.data.get("phase")}
    if event.name == "done" and "images" in data:
        data["_imageOmitted"] = True
    return Frame(event.name, data, event.seq)


async def event_frames(bus: EventBus, *, after: int | None, job_id: str | None = None) -> AsyncGenerator[Frame, None]:
    """The frames of a subscription, without what processes say to each other."""
    async with aclosing(bus.subscribe(after=after, job_id=job_id)) as events:
        async for event in events:
            if event.name not in _INTERNAL:
                yield event_frame(event)


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
    job: Job, calls: list[CallRow], artifacts: list[Artifact], *, interrupted: bool = False
) -> dict[str, Any]:
    """The whole job. Spool paths stay here: they are of no use to a client."""
    facts = job.model_dump(by_alias=True, mode="json", exclude={"owner", "body_hash", "idempotency_key"})
    facts["requestId"] = job.id
    facts["interrupted"] = interrupted
    facts["calls"] = [call_facts(row) for row in calls]
    facts["filenames"] = [artifact.filename for artifact in artifacts]
    return facts


def call_facts(row: CallRow) -> dict[str, Any]:
    """One paid call."""
    facts = row.model_dump(by_alias=True, mode="json", exclude={"media"})
    facts["media"] = [{name: each[name] for name in each if name != "path"} for each in row.media]
    return facts
