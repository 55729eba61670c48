"""Binding: the wanted port, or the next free one, behind the guard's doors."""

from __future__ import annotations

import asyncio
import errno
import os
import socket

from aiohttp import web

from ima2.errors import Conflict, InvalidRequest
from ima2.server.guard.door import HEAD_SECONDS, MAX_CONNECTIONS, Doors

TRIES = 20
_BACKLOG = 256
_TAKEN = frozenset({errno.EADDRINUSE, errno.EACCES, getattr(errno, "WSAEADDRINUSE", errno.EADDRINUSE)})


def bind(host: str, port: int, *, tries: int = TRIES) -> socket.socket:
    """A bound TCP socket on ``port`` or one of the next; port 0 is any.

    :raises Conflict: ``PORTS_TAKEN``.
    :raises InvalidRequest: ``HOST_NOT_OURS``: this machine does not have the address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    last = min(port + tries, 65536) if port else 1
    for candidate in range(port, last):
        try:
            return _bound(family, host, candidate)
        except OSError as error:
            if error.errno not in _TAKEN:
                raise InvalidRequest(
                    f"{host} can't be listened on: {error.strerror or error}.", code="HOST_NOT_OURS", hint="IMA2_HOST"
                ) from None
    raise Conflict(f"The ports {port} to {last - 1} are all taken.", code="PORTS_TAKEN", hint="IMA2_PORT=0 takes any")


def _bound(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            # On Windows this option would let another program take the port from under us.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except BaseException:
        listener.close()
        raise
    return listener


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


def url_of(listener: socket.socket) -> str:
    """``http://host:port`` to reach it from this machine; a wildcard address becomes loopback."""
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
