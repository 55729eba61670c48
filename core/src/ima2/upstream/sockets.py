"""Listening on an address of this machine."""

from __future__ import annotations

import errno
import os
import socket

TAKEN = frozenset({errno.EADDRINUSE, errno.EACCES, getattr(errno, "WSAEADDRINUSE", errno.EADDRINUSE)})
"""Error numbers that mean: another port may do."""


def bound(host: str, port: int) -> socket.socket:
    """A TCP socket bound to exactly this; port 0 is any. The caller closes it.

    :raises OSError: with an ``errno`` in :data:`TAKEN` when the port is another's.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            # On Windows this option would let another program take the port from under us.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except BaseException:
        listener.close()
        raise
    return listener


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens on exactly this. The caller closes it.

    Two may bind the same port when neither listens yet; so it listens before the port counts as ours.

    :raises OSError: as :func:`bound`.
    """
    listener = bound(host, port)
    try:
        listener.listen()
    except BaseException:
        listener.close()
        raise
    return listener


def listening_near(host: str, port: int) -> socket.socket:
    """A socket that listens on ``port`` when it is free, else on any other. The caller closes it.

    :raises OSError: the address is not this machine's.
    """
    try:
        return listening(host, port)
    except OSError as error:
        if error.errno not in TAKEN:
            raise
        return listening(host, 0)


def url_of(listener: socket.socket) -> str:
    """``http://host:port`` to reach it from this machine; a wildcard address becomes loopback."""
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
