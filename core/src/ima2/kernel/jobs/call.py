"""One paid call, from whatever state the ledger has it in to a final one.

Every step is on disk before the next begins, so the same function serves a fresh call and one whose process died.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine
from contextlib import aclosing
from pathlib import Path
from typing import Any

from ima2.errors import Cancelled, Ima2Error, JobUnknown, NoImage, Paid, PluginFailed, StorageFailed, UpstreamTimeout
from ima2.hookspecs import ProviderInfo
from ima2.kernel.jobs.call_events import CallEvents, warn
from ima2.kernel.jobs.clip_record import clip_sidecar
from ima2.kernel.jobs.context import HookContext
from ima2.kernel.jobs.naming import stem
from ima2.kernel.jobs.parts import Parts, shielded
from ima2.kernel.jobs.place import Place
from ima2.kernel.jobs.record import picture, sidecar
from ima2.models import Artifact, CallRow, Job, Submitted, Warning

CANCEL_SECONDS = 5.0
_ENDED = frozenset({"done", "failed", "cancelled", "unknown"})


class CallRunner:
    """Runs the calls of one job with one provider."""

    def __init__(self, parts: Parts, job: Job, info: ProviderInfo, limit: asyncio.Timeout | None = None) -> None:
        self._parts = parts
        self._job = job
        self._info = info
        self._limit = limit

    async def advance(self, row: CallRow, place: Place) -> CallRow:
        """Bring the call to a final state. Never raises an ``Ima2Error``: what failed is in the row.

        Once upstream has named a call that can be resumed, its ``place`` is free: waiting for it takes nobody's place.
        """
        if row.state in _ENDED:
            return row
        if row.media:
            return await self._settle(row, self._store_all(row))
        if row.state == "ready" or self._info.billing == "free":
            return await self._settle(row, self._run(row, place))
        if row.upstream_id and row.call.kind in self._info.resumable:
            place.give_back()
            return await self._settle(row, self._run(row, place, resume=row.upstream_id))
        return await self._end(row.key, "unknown", error=_question(self._job, row))

    async def _settle(self, row: CallRow, work: Coroutine[Any, Any, CallRow]) -> CallRow:
        """Await the work and write down how it ended."""
        try:
            return await work
        except asyncio.CancelledError:
            if not self._parts.stopping.is_set():
                late = self._limit is not None and self._limit.expired()
                await shielded(self._late(row.key) if late else self.cancelled(row.key))
            raise
        except JobUnknown as error:
            return await self._end(row.key, "unknown", error=error)
        except Ima2Error as error:
            free = self._info.billing == "free" and error.paid != "no"
            return await self._failed(row.key, error.but(paid="no") if free else error)

    async def _run(self, row: CallRow, place: Place, resume: str | None = None) -> CallRow:
        context = self._parts.contexts.for_call(self._info, self._job, row.call, resume=resume)
        events = CallEvents(self._parts, self._job, row, self._info, resumed=resume is not None)
        stored = 0
        try:
            async with aclosing(self._stream(row, context)) as stream:
                async for event in stream:
                    media = await events.take(event)
                    if isinstance(event, Submitted) and row.call.kind in self._info.resumable:
                        place.give_back()
                    if media:
                        stored += await shielded(self._spooled(row.key, media))
        except Ima2Error as error:
            if not stored or isinstance(error, StorageFailed):
                raise _with_paid(error, events) from None
            await events.warn("STREAM_TRUNCATED", f"The picture is kept; afterwards the call failed: {error.message}")
        if not stored:
            what = "clip" if row.call.kind == "video" else "picture"
            charged = events.sent and self._info.billing != "free"
            raise NoImage(f"The answer held no {what}.", step="generate", paid="yes" if charged else "no")
        return await self._end(row.key, "done", usage=events.usage)

    def _stream(self, row: CallRow, context: HookContext) -> Any:
        dispatcher, raw = self._parts.dispatcher, context.resume is not None
        if row.call.kind == "video":
            return dispatcher.generate_video(self._info.id, row.call, context, raw=raw)
        return dispatcher.generate_image(self._info.id, row.call, context, raw=raw)

    async def _spooled(self, key: str, media: dict[str, Any]) -> int:
        """Note a whole result, then store it: a crash in between finds the note. How many came: 0 for a repeat."""
        path = self._file_in_spool(media["path"])
        noted = {**media, "path": str(path), "sha256": await asyncio.to_thread(_sha256, path)}
        row = await self._row(key)
        if any(each["sha256"] == noted["sha256"] for each in row.media):
            return 0
        await self._parts.ledger.update_call(key, state="storing", media=(*row.media, noted))
        await self._store(row, len(row.media), noted)
        return 1

    def _file_in_spool(self, path: Path) -> Path:
        root = self._parts.contexts.job_spool(self._job.id).resolve()
        real = path.resolve()
        if path.is_symlink() or not real.is_relative_to(root) or not real.is_file():
            raise PluginFailed(
                f"{self._info.id} named a result outside its spool.", step="store", paid="yes", kept=(str(path),)
            )
        return real

    async def _store_all(self, row: CallRow) -> CallRow:
        """After a crash between spool and store: whatever was noted is stored now."""
        for index, media in enumerate(row.media):
            await shielded(self._store(row, index, media))
        return await self._end(row.key, "done")

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

    async def _row(self, key: str) -> CallRow:
        rows = await self._parts.ledger.calls(self._job.id)
        return next(row for row in rows if row.key == key)

    async def _failed(self, key: str, error: Ima2Error) -> CallRow:
        row = await self._row(key)
        spooled = [str(media["path"]) for media in row.media]
        if spooled and isinstance(error, StorageFailed):
            # Paid for and in the spool, but not in the gallery: to go on only stores, it sends nothing.
            paid: Paid = "no" if self._info.billing == "free" else "yes"
            waiting = error.but(kept=tuple(spooled), hint=f"ima2 jobs resume {self._job.id}", paid=paid)
            return await self._end(key, "storing", error=waiting)
        if row.upstream_id and not spooled and row.call.kind in self._info.resumable and _passing(error):
            asked = error.but(hint=f"ima2 jobs resume {self._job.id}", paid="maybe")
            return await self._end(key, "unknown", error=asked)
        kept = await self._parts.contexts.keep(spooled, self._job.id)
        return await self._end(key, "failed", error=error.but(kept=kept) if kept else error)

    async def cancelled(self, key: str) -> CallRow:
        """End the call as cancelled, asking upstream to stop where it can."""
        row = await self._row(key)
        if row.state in _ENDED:
            return row
        if row.media:
            return await self._rescued(row)
        stopped = row.state == "ready" or self._info.billing == "free" or await self._stop_upstream(row)
        error = Cancelled("Generation canceled", step="generate", paid="no" if stopped else "maybe")
        return await self._end(key, "cancelled", error=error)

    async def _rescued(self, row: CallRow) -> CallRow:
        """What has come whole is stored, whatever ends the job; where it can't be, it waits in the spool."""
        try:
            return await self._store_all(row)
        except Ima2Error as error:
            return await self._failed(row.key, error)

    async def _late(self, key: str) -> CallRow:
        """The job's time is up. What a service works on stays there: to be out of time is no wish to cancel."""
        row = await self._row(key)
        if row.state not in _ENDED and row.media:
            return await self._rescued(row)
        if row.state in _ENDED or row.sent_at is None or row.call.kind not in self._info.resumable:
            return await self.cancelled(key)
        if row.upstream_id is None:
            return await self._end(key, "unknown", error=_question(self._job, row))
        error = UpstreamTimeout(
            f"{self._info.title} had not finished after {self._job.request.timeout:g} s, the time this job was given. "
            "It goes on there; the result can be fetched later, and nothing is sent again.",
            step="generate",
            paid="maybe",
            hint=f"ima2 jobs resume {self._job.id}",
        )
        return await self._end(key, "unknown", error=error)

    async def _stop_upstream(self, row: CallRow) -> bool:
        if not row.upstream_id or not self._parts.dispatcher.implements(self._info.id, "ima2_cancel"):
            return False
        context = self._parts.contexts.for_call(self._info, self._job, row.call, resume=row.upstream_id)
        try:
            async with asyncio.timeout(CANCEL_SECONDS):
                return bool(await self._parts.dispatcher.cancel(self._info.id, row.call, context))
        except (TimeoutError, Ima2Error):
            return False

    async def _end(self, key: str, state: str, *, error: Ima2Error | None = None, usage: Any = None) -> CallRow:
        changes: dict[str, Any] = {"state": state}
        if error is not None or state == "done":
            changes["error"] = error.to_dict() if error else None
        if usage is not None:
            changes["usage"] = usage
        return await self._parts.ledger.update_call(key, **changes)


def _with_paid(error: Ima2Error, events: CallEvents) -> Ima2Error:
    """A break of contract or a time-out after the request left may have cost money, whatever its class says."""
    doubtful = events.sent and error.paid == "no" and isinstance(error, PluginFailed | UpstreamTimeout)
    return error.but(step=error.step or "generate", paid="maybe" if doubtful else error.paid)


def _passing(error: Ima2Error) -> bool:
    """Upstream has the work and may still finish it: we did not hear, or something failed on this side."""
    return error.retryable or isinstance(error, UpstreamTimeout | PluginFailed | StorageFailed)


def _question(job: Job, row: CallRow) -> JobUnknown:
    return JobUnknown(
        f"The request was sent to {job.provider} and this computer stopped before an answer was on record. "
        "It may have been charged; it was not sent again.",
        step="generate",
        paid="maybe",
        hint=f"ima2 jobs retry {job.id}   (sends it again)   or   ima2 jobs drop {job.id}",
        details={"callKey": row.key, "sentAt": row.sent_at, "upstreamId": row.upstream_id},
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
