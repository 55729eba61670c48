"""One stream for everything that happens to jobs."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from aiohttp import web

from ima2.server.endpoint import endpoint
from ima2.server.frames import event_frames
from ima2.server.keys import STREAMS, STUDIO
from ima2.server.streams import Frame


@endpoint(
    "GET",
    "/api/events",
    query=(("lastEventId", "replay what came after this id; the header Last-Event-ID wins"),),
    media_type="text/event-stream",
)
async def events(request: web.Request) -> web.StreamResponse:
    """Stream the events of all jobs, with replay from the log on disk."""
    streams = request.app[STREAMS]
    async with streams.place():
        return await streams.send(request, _frames(request))


async def _frames(request: web.Request) -> AsyncGenerator[Frame, None]:
    studio = request.app[STUDIO]
    after = _last_seen(request)
    if after is not None:
        smallest, largest = await studio.ledger.event_bounds()
        if after > largest or after + 1 < smallest:
            yield Frame("replay-gap", {"lastEventId": after, "oldestAvailableId": smallest})
            after = None if after > largest else smallest - 1
    async with aclosing(event_frames(studio.bus, after=after)) as frames:
        async for frame in frames:
            yield frame


def _last_seen(request: web.Request) -> int | None:
    """An id we gave; anything else counts as none, so that a client is never locked out by a bad one."""
    text = request.headers.get("Last-Event-ID") or request.query.get("lastEventId") or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
