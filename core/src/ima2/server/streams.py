"""Server-sent events: the frames, and how many streams there may be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from ima2.errors import CapacityError
from ima2.storage.codec import dump

MAX_STREAMS = 512
PING_SECONDS = 15.0
SEND_SECONDS = 30.0
"""How long a client may leave a frame unread before its stream is closed."""
_CLOSED = object()


@dataclass(frozen=True, slots=True)
class Frame:
    """One event of a stream; ``id`` is its sequence number, for ``Last-Event-ID``."""

    name: str
    data: Mapping[str, Any]
    id: int | None = None

    def encode(self) -> bytes:
        """The bytes on the wire. JSON has no raw line break, so one ``data`` line always does."""
        head = f"id: {self.id}\n" if self.id is not None else ""
        return f"{head}event: {self.name}\ndata: {dump(self.data)}\n\n".encode()


class Streams:
    """The open streams of a server."""

    def __init__(
        self, limit: int = MAX_STREAMS, *, ping_seconds: float = PING_SECONDS, send_seconds: float = SEND_SECONDS
    ) -> None:
        self._limit = limit
        self._ping = ping_seconds
        self._send = send_seconds
        self._open = 0
        self._closing = asyncio.Event()

    def close(self) -> None:
        """End every stream; clients come back by themselves."""
        self._closing.set()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Room for one stream, to be had before anything is begun that it would tell of.

        :raises CapacityError: ``SSE_CAPACITY``.
        """
        if self._open >= self._limit:
            text = f"{self._limit} streams are open, as many as may be."
            raise CapacityError(text, code="SSE_CAPACITY", status=503, retry_after=5)
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    async def send(self, request: web.Request, frames: AsyncGenerator[Frame, None]) -> web.StreamResponse:
        """Answer with a stream until the frames end, the client leaves, or the server closes."""
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache, no-transform"}
        )
        await response.prepare(request)
        try:
            await self._pump(response, frames)
        except (ConnectionError, TimeoutError):
            # The client is gone, or as good as; its job knows nothing of it.
            if request.transport is not None:
                request.transport.abort()
        return response

    async def _pump(self, response: web.StreamResponse, frames: AsyncGenerator[Frame, None]) -> None:
        async with aclosing(self._with_pings(frames)) as upcoming:
            async for frame in upcoming:
                async with asyncio.timeout(self._send):
                    await response.write(frame.encode() if frame else b": ping\n\n")

    async def _with_pings(self, frames: AsyncGenerator[Frame, None]) -> AsyncGenerator[Frame | None, None]:
        """The frames, and None whenever there was none for a while."""
        closing = asyncio.ensure_future(self._closing.wait())
        upcoming = asyncio.ensure_future(_next(frames))
        try:
            while not closing.done():
                await asyncio.wait({upcoming, closing}, timeout=self._ping, return_when=asyncio.FIRST_COMPLETED)
                if not upcoming.done():
                    yield None
                    continue
                frame = upcoming.result()
                if not isinstance(frame, Frame):
                    return
                yield frame
                upcoming = asyncio.ensure_future(_next(frames))
        finally:
            closing.cancel()
            upcoming.cancel()
            await asyncio.gather(closing, upcoming, return_exceptions=True)
            await frames.aclose()


async def _next(frames: AsyncGenerator[Frame, None]) -> Frame | object:
    return await anext(frames, _CLOSED)
