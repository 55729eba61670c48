"""Jobs in full: state, calls, the questions that only the user can answer, drafts."""

from __future__ import annotations

import asyncio

from aiohttp import web

from ima2.errors import InvalidRequest, NotFound
from ima2.kernel.answers import jobs as answers
from ima2.models import Job
from ima2.server.endpoint import endpoint
from ima2.server.keys import STUDIO
from ima2.server.query import whole
from ima2.server.serve_file import TYPES, send
from ima2.storage.names import located

MAX_ROWS = 500
_STATES = frozenset({"queued", "planning", "running", "done", "failed", "cancelled", "unknown"})


@endpoint("GET", "/api/jobs", query=(("state", "comma-separated states"), ("limit", "1 to 500, newest first")))
async def jobs(request: web.Request) -> web.Response:
    """List jobs, newest first."""
    states = [state for state in request.query.get("state", "").split(",") if state]
    if unknown := set(states) - _STATES:
        raise InvalidRequest(f"There is no state {min(unknown)[:40]!r}.", field="state")
    limit = whole(request, "limit", default=50, low=1, high=MAX_ROWS)
    return web.json_response(await answers.jobs(request.app[STUDIO], states=tuple(states), limit=limit))


@endpoint("GET", "/api/jobs/{id}")
async def job(request: web.Request) -> web.Response:
    """One job with its calls."""
    studio = request.app[STUDIO]
    return web.json_response(await answers.whole(studio, await studio.job(request.match_info["id"])))


@endpoint("POST", "/api/jobs/{id}/retry")
async def retry(request: web.Request) -> web.Response:
    """Send an unknown job again; it may be charged a second time."""
    return await _changed(request, await request.app[STUDIO].retry(request.match_info["id"]))


@endpoint("POST", "/api/jobs/{id}/drop")
async def drop(request: web.Request) -> web.Response:
    """Give an unknown job up; what is stored stays."""
    return await _changed(request, await request.app[STUDIO].drop(request.match_info["id"]))


@endpoint("POST", "/api/jobs/{id}/resume")
async def resume(request: web.Request) -> web.Response:
    """Go on with a job whose process ended."""
    taken = await request.app[STUDIO].resume(request.match_info["id"])
    return web.json_response({"jobs": [await answers.whole(request.app[STUDIO], each) for each in taken]})


@endpoint("GET", "/api/jobs/{id}/partials/{call}/{name}", media_type="image/*")
async def partial(request: web.Request) -> web.StreamResponse:
    """A draft of a picture under way; it is gone once the job has ended."""
    studio = request.app[STUDIO]
    spool = studio.contexts.job_spool(request.match_info["id"])
    draft = f"{request.match_info['call']}/{request.match_info['name']}"
    path = await asyncio.to_thread(located, spool, draft)
    if path.suffix.lower() not in TYPES or not path.is_file():
        raise NotFound("There is no such draft.", code="PARTIAL_NOT_FOUND")
    return await send(request, path, cache="no-store")


async def _changed(request: web.Request, job: Job) -> web.Response:
    return web.json_response(await answers.whole(request.app[STUDIO], job))
