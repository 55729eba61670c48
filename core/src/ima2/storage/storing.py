"""A result on its way into the gallery: file first, sidecar, row last. Any step may be the last one and be repeated."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from ulid import ULID

from ima2.errors import NoImage, StorageFailed
from ima2.models import Artifact
from ima2.settings.atomic import write_atomic
from ima2.storage import index
from ima2.storage.codec import dump
from ima2.storage.database import Database
from ima2.storage.faults import disk_fault
from ima2.storage.files import place, sha256_of
from ima2.storage.names import SUFFIXES, checked, invalid, located, sidecar_of
from ima2.storage.worker import DecodeWorker, Facts, Undecodable


class Storing:
    """Moves spooled files into ``folder`` and indexes them."""

    def __init__(self, folder: Path, database: Database, worker: DecodeWorker) -> None:
        self._folder = folder
        self._database = database
        self._worker = worker
        self._names: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def store(
        self, spooled: Path, filename: str, facts: Mapping[str, Any], sidecar: Mapping[str, Any]
    ) -> Artifact:
        """See :meth:`ima2.storage.protocols.ArtifactStore.store`."""
        checked(filename)
        # A caller that was cancelled and stores again meets its own first attempt, which goes on.
        async with self._names.setdefault(filename, asyncio.Lock()):
            return await self._store(spooled, filename, facts, sidecar)

    async def _store(
        self, spooled: Path, filename: str, facts: Mapping[str, Any], sidecar: Mapping[str, Any]
    ) -> Artifact:
        source, sha256 = await asyncio.to_thread(self._source, spooled, filename, facts.get("sha256"))
        known = await self._indexed(filename, sha256)
        if known is None:
            found = await self._probe(source)
            target = located(self._folder, f"{filename}{SUFFIXES[found.format]}")
            name = target.relative_to(self._folder).as_posix()
            given = {"id": str(ULID()), **facts, "filename": name, "size": source.stat().st_size}
            artifact = _artifact(given, completed(sidecar, sha256, found), found)
            located(self._folder, f"{name}.json")
            await asyncio.to_thread(self._put, source, target, artifact)
            known = await self._database.write(lambda connection: _insert_once(connection, artifact))
        await asyncio.to_thread(spooled.unlink, missing_ok=True)
        return known

    def _source(self, spooled: Path, filename: str, expected: str | None) -> tuple[Path, str]:
        """The spooled file, or the stored one of a caller that died before it could say so."""
        places = [spooled, *(located(self._folder, f"{filename}{suffix}") for suffix in SUFFIXES.values())]
        for path in places:
            if path.is_file() and not path.is_symlink():
                sha256 = sha256_of(path)
                if expected in (None, sha256):
                    return path, sha256
        raise StorageFailed(
            f"The result {spooled.name} is neither in the spool nor in the gallery as it was received.",
            code="RESULT_LOST",
            step="store",
            paid="yes",
            kept=(str(spooled),) if spooled.exists() else (),
            hint="ima2 repair",
        )

    async def _indexed(self, filename: str, sha256: str) -> Artifact | None:
        names = [f"{filename}{suffix}" for suffix in SUFFIXES.values()]

        def work(connection: sqlite3.Connection) -> Artifact | None:
            found = [artifact for name in names if (artifact := index.find(connection, name)) is not None]
            return next((artifact for artifact in found if artifact.sha256 == sha256), None)

        return await self._database.read(work)

    async def _probe(self, source: Path) -> Facts:
        try:
            return await self._worker.probe(source)
        except Undecodable as error:
            kept = (str(source),)
            if error.reason in ("died", "timeout"):
                raise StorageFailed(
                    "The process that checks pictures did not finish; the result is kept.",
                    code="DECODER_FAILED",
                    step="store",
                    paid="yes",
                    kept=kept,
                    retryable=True,
                ) from error
            raise NoImage(
                f"The result is no whole picture or video ({error}).",
                code="RESULT_UNREADABLE",
                step="store",
                paid="yes",
                kept=kept,
            ) from error

    def _put(self, source: Path, target: Path, artifact: Artifact) -> None:
        try:
            if source != target:
                _place_once(source, target, artifact.sha256)
            write_atomic(sidecar_of(target), dump(artifact.sidecar, indent=2).encode())
        except OSError as error:
            raise disk_fault(error, target, kept=(str(source),)) from error


def _place_once(source: Path, target: Path, sha256: str) -> None:
    try:
        place(source, target)
    except FileExistsError:
        if target.is_symlink():
            raise invalid(target.name) from None
        if sha256_of(target) != sha256:
            raise StorageFailed(
                f"{target} is another picture already; the new one is kept at {source}.",
                code="FILE_EXISTS",
                status=409,
                step="store",
                paid="yes",
                kept=(str(source), str(target)),
            ) from None


def _insert_once(connection: sqlite3.Connection, artifact: Artifact) -> Artifact:
    """Somebody may have stored the same file meanwhile; the first row stays."""
    known = index.find(connection, artifact.filename)
    if known is None:
        index.insert(connection, artifact)
    return known or artifact


def _artifact(facts: Mapping[str, Any], sidecar: Mapping[str, Any], found: Facts) -> Artifact:
    measured = {
        "sha256": sidecar["sha256"],
        "media_type": found.media_type,
        "kind": found.kind,
        "width": found.width,
        "height": found.height,
        "duration": found.duration,
    }
    return Artifact.model_validate({**facts, **measured, "sidecar": sidecar})


def completed(sidecar: Mapping[str, Any], sha256: str, found: Facts) -> dict[str, Any]:
    """``sidecar`` with what was measured. ``mediaType`` is ``image`` or ``video``, as in existing galleries."""
    return {
        **sidecar,
        "mediaType": found.kind,
        "contentType": found.media_type,
        "format": SUFFIXES[found.format].lstrip("."),
        "sha256": sha256,
        "width": found.width,
        "height": found.height,
        **({"duration": found.duration} if found.duration is not None else {}),
        **({"video": _clip(sidecar, found)} if found.kind == "video" else {}),
    }


def _clip(sidecar: Mapping[str, Any], found: Facts) -> dict[str, Any]:
    """``video`` as galleries know it: what was asked for, overlaid with what the file says."""
    given = sidecar.get("video")
    measured = {"duration": found.duration, "width": found.width, "height": found.height, "codec": found.codec}
    return {**(given if isinstance(given, dict) else {}), **{name: value for name, value in measured.items() if value}}
