"""From the spool into the gallery. Any step may be the last one of its process, and be repeated by the next."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

from ima2.errors import Ima2Error, PluginFailed
from ima2.hookspecs import ProviderInfo
from ima2.kernel.jobs.call_events import warn
from ima2.kernel.jobs.clip_record import clip_sidecar
from ima2.kernel.jobs.naming import stem
from ima2.kernel.jobs.parts import Parts, shielded
from ima2.kernel.jobs.record import picture, sidecar
from ima2.models import Artifact, CallRow, Job, Usage, Warning


class Results:
    """Stores what the calls of one job bring."""

    def __init__(self, parts: Parts, job: Job, info: ProviderInfo) -> None:
        self._parts = parts
        self._job = job
        self._info = info

    async def take(self, row: CallRow, media: dict[str, Any], usage: Usage | None) -> int:
        """Note a whole result and what it cost, then store it: a crash in between finds the note.

        How many came: 0 for a repeat. ``row`` is the call as it is in the ledger now.
        """
        path = self._file_in_spool(media["path"])
        noted = {**media, "path": str(path), "sha256": await asyncio.to_thread(_sha256, path)}
        if any(each["sha256"] == noted["sha256"] for each in row.media):
            return 0
        await self._parts.ledger.update_call(row.key, state="storing", media=(*row.media, noted), usage=usage)
        await self._store(row, len(row.media), noted)
        return 1

    async def store_all(self, row: CallRow) -> None:
        """Store whatever was noted.

        :raises StorageFailed: ``RESULT_LOST``; it is in neither place any more.
        """
        for index, media in enumerate(row.media):
            await shielded(self._store(row, index, media))

    def _file_in_spool(self, path: Path) -> Path:
        root = self._parts.contexts.job_spool(self._job.id).resolve()
        real = path.resolve()
        if path.is_symlink() or not real.is_relative_to(root) or not real.is_file():
            raise PluginFailed(
                f"{self._info.id} named a result outside its spool.", step="store", paid="yes", kept=(str(path),)
            )
        return real

    async def _store(self, row: CallRow, index: int, media: dict[str, Any]) -> None:
        name = stem(self._job, row.call, index)
        artifact = await self._put(row, index, media, name)
        if media.get("leadIn"):
            await self._store_without_lead_in(row, index, {**media, "cutFrom": artifact.filename}, f"{name}_cut")

    async def _store_without_lead_in(self, row: CallRow, index: int, media: dict[str, Any], name: str) -> None:
        """The clip itself is stored as it came; whatever goes wrong here costs nothing but this copy."""
        if await self._parts.store.artifact(f"{name}.mp4"):
            return
        into = self._parts.contexts.job_spool(self._job.id) / f"{row.call.index}-{index}_cut.mp4"
        try:
            await asyncio.to_thread(into.parent.mkdir, parents=True, exist_ok=True)
            await self._parts.store.cut(media["cutFrom"], into, media["leadIn"])
            sha256 = await asyncio.to_thread(_sha256, into)
            await self._put(row, index, {**media, "path": str(into), "sha256": sha256}, name)
        except (Ima2Error, OSError) as error:
            text = f"The clip begins {media['leadIn']:g} s too early: {error}"
            hint = f" Hint: {error.hint}" if isinstance(error, Ima2Error) and error.hint else ""
            kept = Warning(code="LEAD_IN_KEPT", field="storyboard", message=text + hint)
            await warn(self._parts, self._job.id, kept)

    async def _put(self, row: CallRow, index: int, media: dict[str, Any], name: str) -> Artifact:
        job, call = self._job, row.call
        more = clip_sidecar(job, row, media, f"{name}.mp4", self._info) if call.kind == "video" else {}
        artifact = await self._parts.store.store(
            Path(media["path"]),
            name,
            facts={
                "kind": call.kind,
                "created_at": job.created_at,
                "job_id": job.id,
                "call_key": call.key,
                "session_id": job.request.session_id,
                "provider": job.provider,
                "model": call.model,
                "prompt": job.request.prompt,
                "sha256": media["sha256"],
            },
            sidecar={**sidecar(job, call, media, index), **more},
        )
        await self._parts.bus.publish(
            job.id, artifact.kind, {"call": call.index, **picture(artifact, self._parts.store)}
        )
        self._parts.observers.artifact_saved(artifact, job)
        return artifact


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
