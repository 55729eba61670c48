"""Jobs under way, as existing clients list and cancel them."""

from __future__ import annotations

from aiohttp import web

from ima2.kernel.answers import jobs as answers
from ima2.server.endpoint import endpoint
from ima2.server.keys import STUDIO
from ima2.server.query import flag


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
    kind, session = request.query.get("kind"), request.query.get("sessionId")
    ended = flag(request, "includeTerminal")
    return web.json_response(await answers.inflight(request.app[STUDIO], kind=kind, session=session, terminal=ended))


@endpoint("DELETE", "/api/inflight/{id}")
async def cancel(request: web.Request) -> web.Response:
    """Stop a job. An id that is unknown or has ended is no error."""
    job_id = request.match_info["id"]
    said = await request.app[STUDIO].cancel(job_id)
    return web.json_response(
        {"requestId": job_id, "active": said.active, "aborted": said.aborted, "message": said.message}
    )
