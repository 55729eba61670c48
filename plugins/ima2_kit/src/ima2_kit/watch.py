"""Seeing what code does that should do nothing: files opened, connections made, time taken."""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

T = TypeVar("T")

NETWORK = frozenset({"socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo"})
IO = NETWORK | {
    "open",
    "os.listdir",
    "os.scandir",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "subprocess.Popen",
    "os.system",
}
"""Names of Python's audit events."""

_watched: contextvars.ContextVar[tuple[frozenset[str], list[str]] | None] = contextvars.ContextVar(
    "watched", default=None
)


@contextmanager
def watching(events: frozenset[str]) -> Iterator[list[str]]:
    """A list that fills with the ``events`` that happen in the block, as ``"open /etc/hosts"``."""
    _install()
    seen: list[str] = []
    token = _watched.set((events, seen))
    try:
        yield seen
    finally:
        _watched.reset(token)


def within(seconds: float, function: Callable[[], T]) -> T:
    """The result of ``function``; a hang becomes an error, and what hangs is left to its thread.

    :raises TimeoutError: no answer in time.
    """
    outcome: list[T | BaseException] = []

    def run() -> None:
        try:
            outcome.append(function())
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise TimeoutError(f"no answer within {seconds:g} s")
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


@cache
def _install() -> None:
    # An audit hook stays for the life of the process; without a watcher it does nothing.
    sys.addaudithook(_note)


def _note(event: str, arguments: tuple[object, ...]) -> None:
    watch = _watched.get(None)
    if watch and event in watch[0]:
        watch[1].append(f"{event} {arguments[0] if arguments else ''}")
