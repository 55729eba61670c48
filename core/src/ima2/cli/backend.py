"""Where a command runs: a server that is there, or this very process. The commands see no difference."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from ima2.models.request import Surface

Body = Mapping[str, Any]
"""JSON of ``POST /api/generate``; input images are paths or bytes."""
Answer = dict[str, Any]
"""JSON of a route's answer."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a job, as in the event log."""

    name: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Where:
    """What the user said about it: ``--server URL``, ``--local``, or nothing."""

    server: str | None = None
    local: bool = False


class Backend(Protocol):
    """What commands ask for. Answers are the bodies of the routes; failures are ``Ima2Error``."""

    url: str | None
    """Base address of the server; None in this process."""

    def run(self, body: Body, *, surface: Surface) -> AsyncIterator[Event]:
        """Start a job and follow it; ends after ``done``, whose data is the answer, or raises what ended the job."""
        ...

    def retry(self, job_id: str) -> AsyncIterator[Event]:
        """Send an unanswered job again and follow it."""
        ...

    def resume(self, job_id: str) -> AsyncIterator[Event]:
        """Take over a job whose process died, and follow it."""
        ...

    async def partial(self, event: Event, folder: Path) -> Path | None:
        """The draft that a ``partial`` event speaks of, brought into ``folder`` when need be; None when it is gone."""
        ...

    async def frame(self, filename: str, position: float | None) -> bytes:
        """A PNG of a stored clip's frame at ``position`` seconds; None is the last."""
        ...

    async def preview(self, body: Body, *, surface: Surface) -> Answer:
        """What would be sent; nothing is."""
        ...

    async def cancel(self, job_id: str) -> Answer:
        """``{requestId, active, aborted, message}``."""
        ...

    async def file(self, picture: Mapping[str, Any]) -> Path | None:
        """A picture of an answer as a file on this machine; None when only the server has it."""
        ...

    async def fetch(self, picture: Mapping[str, Any], folder: Path) -> Path:
        """The same, brought into ``folder`` when only the server has it."""
        ...

    async def inflight(self, *, kind: str | None, session: str | None, terminal: bool) -> Answer:
        """``{jobs, terminalJobs?}``."""
        ...

    async def jobs(self, *, states: tuple[str, ...], limit: int) -> Answer:
        """``{jobs}``, newest first."""
        ...

    async def job(self, job_id: str) -> Answer:
        """One job with its calls."""
        ...

    async def drop(self, job_id: str) -> Answer:
        """Give an unanswered job up."""
        ...

    async def history(self, **query: Any) -> Answer:
        """``{items, total, nextCursor}``."""
        ...

    async def trash(self, filename: str, *, permanent: bool) -> Answer:
        """``{ok, filename, trashId?}``."""
        ...

    async def restore(self, filename: str, trash_id: str | None) -> Answer:
        """``{ok}``."""
        ...

    async def favorite(self, filename: str) -> Answer:
        """``{isFavorite}``."""
        ...

    async def providers(self) -> Answer:
        """``{providers}``."""
        ...

    async def models(self, provider: str | None, *, refresh: bool) -> Answer:
        """``{ok, lanes, …}``."""
        ...

    async def capabilities(self) -> Answer:
        """Everything a program may want to know."""
        ...


@asynccontextmanager
async def open_backend(where: Where) -> AsyncIterator[Backend]:
    """A running server if there is one, else this process.

    :raises ServerUnreachable: a server was named and does not answer.
    """
    from ima2.cli.discovery import find_server

    server = None if where.local else await find_server(where.server)
    if server:
        from ima2.cli.remote import open_remote

        async with open_remote(server) as remote:
            yield remote
    else:
        from ima2.cli.local import open_local

        async with open_local() as local:
            yield local


def ask(where: Where, question: Callable[[Backend], Awaitable[T]]) -> T:
    """One question to whichever backend there is."""

    async def asked() -> T:
        async with open_backend(where) as backend:
            return await question(backend)

    return asyncio.run(asked())
