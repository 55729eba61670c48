"""Artifacts as files in one folder, with an index in SQLite."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ima2.errors import InvalidRequest, NotFound
from ima2.models import Artifact, Reference
from ima2.models.request import Role
from ima2.settings.atomic import write_atomic
from ima2.settings.paths import Paths
from ima2.storage import index
from ima2.storage.clips import cut_of, frame_of
from ima2.storage.codec import dump
from ima2.storage.database import Database
from ima2.storage.faults import disk_fault
from ima2.storage.names import belongings, checked, located, sidecar_of
from ima2.storage.references import ReferenceFolder
from ima2.storage.storing import Storing
from ima2.storage.thumbnails import Thumbnails
from ima2.storage.trash import Trash, gone
from ima2.storage.worker import DecodeWorker

END_SECONDS = 0.1
"""How far after its end a clip still shows its last frame."""


class FileArtifactStore:
    """:class:`ima2.storage.protocols.ArtifactStore` over a folder and one :class:`Database`, which it does not close.

    ``clock`` gives epoch seconds.
    """

    def __init__(
        self, paths: Paths, database: Database, worker: DecodeWorker, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.folder = paths.generated
        self.worker = worker
        self._database = database
        self._clock = clock
        self._references = ReferenceFolder(paths.references, worker)
        self._storing = Storing(paths.generated, database, worker)
        self._thumbnails = Thumbnails(worker)
        self._trash = Trash(paths.generated, paths.trash)

    @classmethod
    def for_paths(cls, paths: Paths, database: Database) -> FileArtifactStore:
        """A store with a decoding process of its own, started when first needed."""
        return cls(paths, database, DecodeWorker())

    async def warm(self) -> None:
        """Start the decoding process."""
        await self.worker.warm()

    async def close(self) -> None:
        """End the background work and the decoding process."""
        await self._thumbnails.close()
        await self.worker.close()

    async def store(
        self, spooled: Path, filename: str, *, facts: Mapping[str, Any], sidecar: Mapping[str, Any]
    ) -> Artifact:
        """See the protocol. Also ``FILE_EXISTS`` (another picture has the name), ``INVALID_FILENAME``."""
        return await asyncio.shield(self._storing.store(spooled, filename, facts, sidecar))

    async def annotate(self, filename: str, facts: Mapping[str, Any]) -> Artifact:
        """See the protocol. ``NotFound("ASSET_NOT_FOUND")``, ``StorageFailed``."""
        path = located(self.folder, filename)
        found = await self._known(filename)
        sidecar = {**found.sidecar, **facts}
        try:
            await asyncio.to_thread(write_atomic, sidecar_of(path), dump(sidecar, indent=2).encode())
        except OSError as error:
            raise disk_fault(error, path) from error
        await self._database.write(lambda connection: index.set_sidecar(connection, filename, sidecar))
        return await self._known(filename)

    async def artifact(self, filename: str, *, trashed: bool = False) -> Artifact | None:
        """One artifact by file name."""
        located(self.folder, filename)
        found = await self._database.read(lambda connection: index.find(connection, filename))
        return found if found is not None and (found.trashed_at is not None) == trashed else None

    async def artifacts(
        self,
        *,
        limit: int = 50,
        before: tuple[int, str] | None = None,
        since: int | None = None,
        session_id: str | None = None,
        job_id: str | None = None,
        favorites_of: str | None = None,
        topic: str | None = None,
        trashed: bool = False,
    ) -> list[Artifact]:
        """Newest first by (created_at, filename); ``since`` includes its millisecond."""

        def work(connection: sqlite3.Connection) -> list[Artifact]:
            return index.select(
                connection,
                limit=limit,
                before=before,
                since=since,
                favorites_of=favorites_of,
                topic=topic,
                trashed=trashed,
                session_id=session_id,
                job_id=job_id,
            )

        return await self._database.read(work)

    async def count(self) -> int:
        """Artifacts not in the trash."""
        query = "SELECT count(*) FROM artifact WHERE trashed_at IS NULL"
        return int(await self._database.read(lambda connection: connection.execute(query).fetchone()[0]))

    async def trash(self, filename: str) -> str:
        """Move to the trash and return the trash id that :meth:`restore` takes."""
        located(self.folder, filename)
        at = self._now()
        if not await self._database.write(lambda connection: index.set_trashed(connection, filename, at)):
            raise gone(filename)
        try:
            return await asyncio.to_thread(self._trash.put, filename)
        except OSError as error:
            await self._database.write(lambda connection: index.set_trashed(connection, filename, None))
            missing = isinstance(error, FileNotFoundError)
            raise (gone(filename) if missing else disk_fault(error, self.folder / filename)) from error

    async def restore(self, filename: str, trash_id: str | None = None) -> Artifact:
        """Bring back; without an id the copy deleted last."""
        path = located(self.folder, filename)
        if await self.artifact(filename, trashed=True) is None:
            raise gone(filename)
        try:
            await asyncio.to_thread(self._trash.take_back, filename, trash_id)
        except OSError as error:
            raise disk_fault(error, path) from error
        await self._database.write(lambda connection: index.set_trashed(connection, filename, None))
        return await self._known(filename)

    async def delete(self, filename: str) -> None:
        """Remove for good; the row goes last, so that a deletion cut short is seen and repeated."""
        path = located(self.folder, filename)
        found = await self._known(filename)
        try:
            await asyncio.to_thread(self._remove, path, found)
        except OSError as error:
            raise disk_fault(error, path) from error
        await self._database.write(lambda connection: index.forget(connection, filename))

    async def set_favorite(self, identity: str, filename: str, on: bool | None = None) -> bool:
        """Mark, unmark or (None) toggle; the new state."""
        located(self.folder, filename)

        def work(connection: sqlite3.Connection) -> bool:
            if index.find(connection, filename) is None:
                raise gone(filename)
            return index.mark(connection, identity, filename, on=on, at=self._now())

        return await self._database.write(work)

    async def favorites(self, identity: str, filenames: Sequence[str]) -> set[str]:
        """Which of these are marked."""
        names = list(map(checked, filenames))
        return await self._database.read(lambda connection: index.marked(connection, identity, names))

    async def add_reference(
        self, source: Path | bytes, *, role: Role = "reference", field: str = "references"
    ) -> Reference:
        """See the protocol; at most 50 MiB and 50 million pixels."""
        return await self._references.add(source, role=role, field=field)

    def reference_path(self, reference: Reference) -> Path:
        """Where an input image lies."""
        return self._references.path(reference)

    async def frame(self, clip: str | Reference, position: float | None = None) -> bytes:
        """See the protocol."""
        path = self.reference_path(clip) if isinstance(clip, Reference) else await self._clip(clip, position)
        return await frame_of(self.worker, path, position)

    async def cut(self, filename: str, into: Path, seconds: float) -> None:
        """See the protocol."""
        await cut_of(self.worker, await self._clip(filename), into, seconds)

    async def _clip(self, filename: str, position: float | None = None) -> Path:
        path = located(self.folder, filename)
        found = await self.artifact(filename)
        if found is None:
            raise gone(filename)
        if found.kind != "video":
            text = f"{filename} is a picture; frames are taken from clips."
            raise NotFound(text, code="ASSET_NOT_FOUND", field="filename", hint="ima2 ls")
        if position is not None and found.duration is not None and position > found.duration + END_SECONDS:
            text = f"{filename} lasts {found.duration:.1f} s; there is no frame at {position:g} s."
            raise InvalidRequest(text, code="INVALID_FIELD", field="position")
        return path

    async def thumbnail(self, filename: str) -> Path | None:
        """A JPEG of at most 512 pixels an edge, made now if need be; None for lost files, and clips without PyAV."""
        path = located(self.folder, filename)
        return await self._thumbnails.of(path) if await self.artifact(filename) is not None else None

    def schedule_thumbnail(self, filename: str) -> None:
        """Make it in the background, one at a time."""
        self._thumbnails.schedule(located(self.folder, filename))

    async def _known(self, filename: str) -> Artifact:
        found = await self._database.read(lambda connection: index.find(connection, filename))
        if found is None:
            raise gone(filename)
        return found

    def _remove(self, path: Path, artifact: Artifact) -> None:
        if artifact.trashed_at is not None:
            self._trash.empty(artifact.filename)
        for each in (*belongings(path), path):
            each.unlink(missing_ok=True)

    def _now(self) -> int:
        return int(self._clock() * 1000)
