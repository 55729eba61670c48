"""Jobs under way, as existing clients list and cancel them."""

from __future__ import annotations

from aiohttp import web

from ima2.kernel.jobs.runner import OPEN_STATES
from ima2.models import Job
from ima2.models.job import FINAL_STATES
from ima2.server import wire
from ima2.server.endpoint import endpoint
from ima2.server.keys import STUDIO
from ima2.server.query import flag

TERMINAL_ROWS = 100


@endpoint(
    "GET",
    "/api/inflight",
    query=(
        ("kind", "classic, node, multimode, video or agent_queue"),
        ("sessionId", "jobs of one session"),
        ("includeTerminal", "1: also the newest that have ended"),
    ),
)
async def inflight(request: web.Request) -> web.Response:
    """List jobs under way, oldest first; on demand also those that ended, newest first."""
    studio = request.app[STUDIO]
    active = [job for job in await studio.ledger.jobs(states=OPEN_STATES) if _wanted(request, job)]
    body = {"jobs": [wire.active_row(job, interrupted=studio.runner.interrupted(job)) for job in active]}
    if flag(request, "includeTerminal"):
        ended = await studio.ledger.jobs(states=sorted(FINAL_STATES), limit=TERMINAL_ROWS, newest_first=True)
        body["terminalJobs"] = [
            wire.terminal_row(job, await studio.store.artifacts(job_id=job.id))
            for job in ended
            if _wanted(request, job)
        ]
    return web.json_response(body)


@endpoint("DELETE", "/api/inflight/{id}")
async def cancel(request: web.Request) -> web.Response:
    """Stop a job. An id that is unknown or has ended is no error."""
    job_id = request.match_info["id"]
    said = await request.app[STUDIO].cancel(job_id)
    return web.json_response(
        {"requestId": job_id, "active": said.active, "aborted": said.aborted, "message": said.message}
    )


def _wanted(request: web.Request, job: Job) -> bool:
    kind, session = request.query.get("kind"), request.query.get("sessionId")
    return kind in (None, "", wire.kind_of(job)) and session in (None, "", job.request.session_id)
