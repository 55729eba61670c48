"""Binding: the wanted port, or the next free one, behind the guard's doors."""

from __future__ import annotations

import asyncio
import socket

from aiohttp import web

from ima2.errors import Conflict, InvalidRequest
from ima2.server.guard.door import HEAD_SECONDS, MAX_CONNECTIONS, Doors
from ima2.upstream.sockets import TAKEN, bound, url_of

TRIES = 20
_BACKLOG = 256


def bind(host: str, port: int, *, tries: int = TRIES) -> socket.socket:
    """A bound TCP socket on ``port`` or one of the next; port 0 is any.

    :raises Conflict: ``PORTS_TAKEN``.
    :raises InvalidRequest: ``HOST_NOT_OURS``: this machine does not have the address.
    """
    last = min(port + tries, 65536) if port else 1
    for candidate in range(port, last):
        try:
            return bound(host, candidate)
        except OSError as error:
            if error.errno not in TAKEN:
                raise InvalidRequest(
                    f"{host} can't be listened on: {error.strerror or error}.", code="HOST_NOT_OURS", hint="IMA2_HOST"
                ) from None
    raise Conflict(f"The ports {port} to {last - 1} are all taken.", code="PORTS_TAKEN", hint="IMA2_PORT=0 takes any")


class GuardedSite(web.BaseSite):
    """A listening socket whose connections come through the doors of the guard."""

    __slots__ = ("_doors", "_socket")

    def __init__(
        self,
        runner: web.AppRunner,
        listener: socket.socket,
        *,
        head_seconds: float = HEAD_SECONDS,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        super().__init__(runner, backlog=_BACKLOG)
        if runner.server is None:
            raise RuntimeError("set the runner up first")
        self._doors = Doors(runner.server, head_seconds, max_connections)
        self._socket = listener

    @property
    def name(self) -> str:
        """Its address."""
        return url_of(self._socket)

    async def start(self) -> None:
        """Begin to accept."""
        await super().start()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._doors, sock=self._socket, backlog=self._backlog)
