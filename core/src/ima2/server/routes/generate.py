"""Making pictures: waited for, streamed, or begun and left alone."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from aiohttp import web

from ima2.errors import Ima2Error, InvalidRequest
from ima2.models import Job
from ima2.models.request import Surface
from ima2.server import schemas
from ima2.server.body import read_object
from ima2.server.endpoint import endpoint
from ima2.server.frames import event_frames
from ima2.server.inline import with_images
from ima2.server.keys import POLICY, STREAMS, STUDIO
from ima2.server.streams import Frame
from ima2.server.submission import begin


@endpoint("POST", "/api/generate", family="classic", body=schemas.GenerateBody, answer=schemas.Answer)
async def generate(request: web.Request) -> web.StreamResponse:
    """Make pictures from a prompt, with or without reference images."""
    return await _make(request, "classic")


@endpoint("POST", "/api/edit", family="flat", body=schemas.EditBody, answer=schemas.Answer)
async def edit(request: web.Request) -> web.StreamResponse:
    """Change a picture, everywhere or where a mask is transparent."""
    return await _make(request, "edit")


@endpoint("POST", "/api/preview", family="flat", body=schemas.GenerateBody)
async def preview(request: web.Request) -> web.StreamResponse:
    """Say what a request would do; nothing is sent and no job is made."""
    body = await read_object(request, request.app[POLICY])
    surface: Surface = "edit" if body.get("image") is not None else "classic"
    return web.json_response(await request.app[STUDIO].preview(body, surface=surface))


async def _make(request: web.Request, surface: Surface) -> web.StreamResponse:
    body = await read_object(request, request.app[POLICY])
    if surface == "edit" and body.get("image") is None:
        raise InvalidRequest("An edit needs the image to change.", code="IMAGE_REQUIRED", field="image")
    if "text/event-stream" in request.headers.get("Accept", "") and body.get("async") is not True:
        streams = request.app[STREAMS]
        async with streams.place():
            accepted = await begin(request, surface, body)
            return await streams.send(request, _frames(request, accepted.job, body))
    accepted = await begin(request, surface, body)
    extra = {"idempotentReplay": True} if accepted.replay else {}
    if body.get("async") is True:
        return web.json_response({"requestId": accepted.job.id, "async": True, **extra}, status=202)
    ended = await request.app[STUDIO].wait(accepted.job.id)
    return web.json_response({**await _answer(request, ended, body), **extra})


async def _answer(request: web.Request, job: Job, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body of an answer; an error when the job ended with one."""
    studio = request.app[STUDIO]
    if job.state != "done":
        raise studio.error_of(job)
    inline = body.get("inline") is not False
    return await with_images(await studio.answer(job), requested=job.request.n, inline=inline)


async def _frames(request: web.Request, job: Job, body: Mapping[str, Any]) -> AsyncGenerator[Frame, None]:
    """The job's events; ``done`` carries what a waiting client would have got."""
    studio = request.app[STUDIO]
    async with aclosing(event_frames(studio.bus, after=0, job_id=job.id)) as frames:
        async for frame in frames:
            if frame.name != "done":
                yield frame
                continue
            yield Frame(*await _last(request, job, body), frame.id)


async def _last(request: web.Request, job: Job, body: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Name and data of the frame that ends a job's stream; what is on disk may have gone meanwhile."""
    try:
        answer = await _answer(request, await request.app[STUDIO].job(job.id), body)
    except Ima2Error as error:
        return "error", {**error.to_dict(), "requestId": job.id, "jobId": job.id}
    return "done", {**answer, "jobId": job.id}
