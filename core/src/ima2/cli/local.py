"""Our own process as a backend: the same path that the server runs, without the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ima2.cli.backend import Answer, Body, Event
from ima2.cli.identity import identity
from ima2.kernel.answers import gallery, models, providers
from ima2.kernel.answers import jobs as answers
from ima2.kernel.opening import open_studio
from ima2.kernel.studio import Studio
from ima2.models.request import Surface

HISTORY_ROWS = 50


@asynccontextmanager
async def open_local() -> AsyncIterator[LocalBackend]:
    """Open the studio; what is unfinished when it closes is resumed by the next process."""
    async with open_studio() as studio:
        yield LocalBackend(studio)


class LocalBackend:
    """See :class:`ima2.cli.backend.Backend`."""

    def __init__(self, studio: Studio) -> None:
        self.url: str | None = None
        self._studio = studio

    async def run(self, body: Body, *, surface: Surface) -> AsyncIterator[Event]:
        """Submit and follow."""
        accepted = await self._studio.submit(body, surface=surface)
        async for event in self._follow(accepted.job.id, after=0):
            yield event

    async def retry(self, job_id: str) -> AsyncIterator[Event]:
        """Send again and follow; the events of the earlier try are over."""
        _, last = await self._studio.ledger.event_bounds()
        await self._studio.retry(job_id)
        async for event in self._follow(job_id, after=last):
            yield event

    async def resume(self, job_id: str) -> AsyncIterator[Event]:
        """Take over and follow."""
        _, last = await self._studio.ledger.event_bounds()
        await self._studio.resume(job_id)
        async for event in self._follow(job_id, after=last):
            yield event

    async def _follow(self, job_id: str, *, after: int) -> AsyncIterator[Event]:
        async for event in self._studio.bus.subscribe(after=after, job_id=job_id):
            if event.name == "error":
                raise self._studio.error_of(await self._studio.job(job_id))
            if event.name != "cancel":
                yield Event(event.name, {"requestId": job_id, **event.data})

    async def preview(self, body: Body, *, surface: Surface) -> Answer:
        """Ask the studio."""
        return await self._studio.preview(body, surface=surface)

    async def cancel(self, job_id: str) -> Answer:
        """Stop the job, also when another process runs it."""
        said = await self._studio.cancel(job_id)
        return {"requestId": job_id, "active": said.active, "aborted": said.aborted, "message": said.message}

    async def file(self, picture: Mapping[str, Any]) -> Path | None:
        """The gallery's file."""
        return self._studio.store.folder / str(picture["filename"])

    async def fetch(self, picture: Mapping[str, Any], folder: Path) -> Path:
        """The gallery's file."""
        return self._studio.store.folder / str(picture["filename"])

    async def frame(self, filename: str, position: float | None) -> bytes:
        """From the gallery's file."""
        return await self._studio.store.frame(filename, position)

    async def partial(self, event: Event, folder: Path) -> Path | None:
        """The draft in the spool."""
        path = Path(str(event.data["path"]))
        return path if await asyncio.to_thread(path.is_file) else None

    async def inflight(self, *, kind: str | None, session: str | None, terminal: bool) -> Answer:
        """From the ledger, whichever process runs them."""
        return await answers.inflight(self._studio, kind=kind, session=session, terminal=terminal)

    async def jobs(self, *, states: tuple[str, ...], limit: int) -> Answer:
        """From the ledger."""
        return await answers.jobs(self._studio, states=states, limit=limit)

    async def job(self, job_id: str) -> Answer:
        """From the ledger."""
        return await answers.whole(self._studio, await self._studio.job(job_id))

    async def drop(self, job_id: str) -> Answer:
        """Give it up."""
        return await answers.whole(self._studio, await self._studio.drop(job_id))

    async def history(self, **query: Any) -> Answer:
        """From the index."""
        return await gallery.page(
            self._studio,
            identity(self._studio.paths),
            limit=int(query.get("limit") or HISTORY_ROWS),
            session=query.get("sessionId"),
            job=query.get("requestId"),
            favorites=bool(query.get("favoritesOnly")),
        )

    async def trash(self, filename: str, *, permanent: bool) -> Answer:
        """Move to the trash, or remove for good."""
        if permanent:
            await self._studio.store.delete(filename)
            return {"ok": True, "filename": filename}
        return {"ok": True, "filename": filename, "trashId": await self._studio.store.trash(filename)}

    async def restore(self, filename: str, trash_id: str | None) -> Answer:
        """Bring back."""
        await self._studio.store.restore(filename, trash_id)
        return {"ok": True}

    async def favorite(self, filename: str) -> Answer:
        """Mark or unmark."""
        marked = await self._studio.store.set_favorite(identity(self._studio.paths), filename)
        return {"isFavorite": marked}

    async def providers(self) -> Answer:
        """From the plugins."""
        return await providers.listed(self._studio)

    async def models(self, provider: str | None, *, refresh: bool) -> Answer:
        """From the catalogues."""
        return await models.listed(self._studio, provider, refresh=refresh)

    async def capabilities(self) -> Answer:
        """From the plugins and the settings."""
        return await models.capabilities_of(self._studio, source="local")
