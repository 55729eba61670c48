"""Limits on connections, which aiohttp does not have: how long a request head may take, and how many there may be.

A door stands between the socket and aiohttp's protocol. It looks for the end of the first head and otherwise passes
everything on. A later head on a kept connection is bounded by aiohttp's keep-alive time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

HEAD_SECONDS = 10.0
MAX_CONNECTIONS = 768
"""Streams (512) and room for requests beside them; under the usual limit of 1024 open files."""
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\n"
    b"X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
)


@dataclass(slots=True)
class Doors:
    """All doors of a listener. When it is full, the oldest connection that has not asked anything gives way."""

    inner: Callable[[], asyncio.Protocol]
    head_seconds: float = HEAD_SECONDS
    limit: int = MAX_CONNECTIONS
    waiting: dict[Door, None] = field(default_factory=dict)
    open: set[Door] = field(default_factory=set)

    def __call__(self) -> Door:
        """Protocol factory for ``loop.create_server``."""
        return Door(self)

    def admit(self, door: Door) -> bool:
        """Take a new connection in; False when every one of the others is at work."""
        if len(self.open) >= self.limit:
            oldest = next(iter(self.waiting), None)
            if oldest is None:
                return False
            oldest.abort()
            self.forget(oldest)
        self.open.add(door)
        self.waiting[door] = None
        return True

    def forget(self, door: Door) -> None:
        """It is closed."""
        self.open.discard(door)
        self.waiting.pop(door, None)


class Door(asyncio.Protocol):
    """One connection."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._inner = doors.inner()
        self._tail = b""
        self._admitted = False
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP listeners give nothing else
        self._transport = transport
        self._admitted = self._doors.admit(self)
        if not self._admitted:
            transport.write(_BUSY)
            transport.close()
            return
        self._deadline = asyncio.get_running_loop().call_later(self._doors.head_seconds, self.abort)
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Bytes came; the end of the head may be cut anywhere."""
        if not self._admitted:
            return
        if self._deadline is not None:
            seen = self._tail + data
            self._tail = seen[-3:]
            if b"\r\n\r\n" in seen or b"\n\n" in seen:
                self._asked()
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """The client will send no more."""
        return self._inner.eof_received() if self._admitted else None

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        if self._admitted:
            self._asked()
            self._doors.forget(self)
            self._inner.connection_lost(error)

    def pause_writing(self) -> None:
        """The client reads too slowly."""
        if self._admitted:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """The client has caught up."""
        if self._admitted:
            self._inner.resume_writing()

    def _asked(self) -> None:
        self._doors.waiting.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
