"""Making clips, and what can be done with one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from aiohttp import web

from ima2.errors import Ima2Error, InvalidRequest
from ima2.server import schemas
from ima2.server.body import read_object
from ima2.server.endpoint import endpoint
from ima2.server.frames import event_frames
from ima2.server.keys import POLICY, REQUEST_ID, STREAMS, STUDIO
from ima2.server.streams import Frame
from ima2.server.submission import begin, named


@endpoint("POST", "/api/video/generate", family="flat", body=schemas.VideoBody, media_type="text/event-stream")
async def generate(request: web.Request) -> web.StreamResponse:
    """Make a clip. A stream with status 200 also when the request is refused, unless ``async`` is true."""
    body = await _body(request)
    if body.get("async") is True:
        return await _accepted(request, body)
    streams = request.app[STREAMS]
    async with streams.place():
        try:
            accepted = await begin(request, "video", body)
        except Ima2Error as error:
            return await streams.send(request, _refused(error, request[REQUEST_ID]))
        return await streams.send(request, event_frames(request.app[STUDIO].bus, after=0, job_id=accepted.job.id))


@endpoint("POST", "/api/video/edit", family="flat", body=schemas.ClipBody)
async def edit(request: web.Request) -> web.StreamResponse:
    """Change a clip; the answer comes when it is done."""
    return await _made(request, "edit")


@endpoint("POST", "/api/video/extend", family="flat", body=schemas.ClipBody)
async def extend(request: web.Request) -> web.StreamResponse:
    """Let a clip go on; ``duration`` seconds are added. The answer comes when it is done."""
    return await _made(request, "extend")


@endpoint("POST", "/api/video/analyze", family="flat", body=schemas.AnalyzeBody)
async def analyze(request: web.Request) -> web.StreamResponse:
    """Look at a clip's first and last frame and answer in words."""
    body = {**await _body(request), "operation": "analyze"}
    if body.get("async") is True:
        return await _accepted(request, body)
    return web.json_response(await _ended(request, body))


@endpoint("POST", "/api/video/preview", family="flat", body=schemas.VideoBody)
async def preview(request: web.Request) -> web.StreamResponse:
    """Say what a request for a clip would do; nothing is sent and no job is made."""
    return web.json_response(await request.app[STUDIO].preview(await _body(request), surface="video"))


@endpoint(
    "GET",
    "/api/video/frame",
    family="flat",
    query=(("file", "a clip of the gallery"), ("position", "seconds, first, or last (default)")),
    media_type="image/png",
)
async def frame(request: web.Request) -> web.StreamResponse:
    """One frame of a stored clip."""
    try:
        picture = await request.app[STUDIO].store.frame(request.query.get("file", ""), _position(request))
    except Ima2Error as error:
        raise error.but(field="file" if error.field == "filename" else error.field) from None
    return web.Response(body=picture, content_type="image/png")


async def _body(request: web.Request) -> dict[str, Any]:
    return named(request, await read_object(request, request.app[POLICY]))


async def _made(request: web.Request, operation: str) -> web.StreamResponse:
    """``sourceUrl`` is the clip as the client named it, where that was a name."""
    body = {**await _body(request), "operation": operation}
    if body.get("async") is True:
        return await _accepted(request, body)
    answer = await _ended(request, body)
    source = answer["video"].get("source") or answer["video"].get("sourceUrl")
    return web.json_response({**answer, "sourceUrl": source, "duration": answer["video"].get("duration")})


async def _accepted(request: web.Request, body: Mapping[str, Any]) -> web.Response:
    """Begun; the events tell the rest."""
    accepted = await begin(request, "video", body)
    return web.json_response({"requestId": accepted.job.id, "async": True}, status=202)


async def _ended(request: web.Request, body: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of the whole job, or the error that ended it."""
    studio = request.app[STUDIO]
    accepted = await begin(request, "video", body)
    job = await studio.wait(accepted.job.id)
    if job.state != "done":
        raise studio.error_of(job)
    return await studio.answer(job)


async def _refused(error: Ima2Error, request_id: str) -> AsyncGenerator[Frame, None]:
    yield Frame("error", {"requestId": request_id, **error.to_dict()})


def _position(request: web.Request) -> float | None:
    text = request.query.get("position") or "last"
    if text == "last":
        return None
    try:
        seconds = 0.0 if text == "first" else float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e6:
        raise InvalidRequest("position is a number of seconds, first or last.", code="INVALID_FIELD", field="position")
    return seconds
