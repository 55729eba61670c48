"""The borders of storage. Another database or an object store replaces the embedded ones behind these.

Each protocol has a conformance suite in ``ima2_kit.conformance`` that the embedded implementation passes.
All methods are safe to call from any task; what they return is on disk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ima2.models import Artifact, Call, CallRow, Job, JobEvent, Reference
from ima2.models.request import Role


class Ledger(Protocol):
    """Jobs, their paid calls, and the event log."""

    async def add_job(self, job: Job) -> None:
        """Insert. ``Conflict("REQUEST_ID_IN_USE")`` or ``Conflict("IDEMPOTENCY_KEY_CONFLICT")`` when taken."""
        ...

    async def update_job(
        self, job_id: str, *, expect_owner: str | None = None, expect_state: str | None = None, **changes: Any
    ) -> Job:
        """Set columns by :class:`Job` field name and return the row.

        :raises Conflict: ``JOB_ENDED`` when the job is final already (only ``unknown`` may be left, for ``queued``
            or ``failed``), ``JOB_TAKEN`` when ``expect_owner`` is not its owner any more, ``JOB_CHANGED`` when its
            state is not ``expect_state`` any more: of several who decide at once, one does.
        """
        ...

    async def job(self, job_id: str) -> Job | None:
        """One job."""
        ...

    async def job_by_idempotency_key(self, key: str) -> Job | None:
        """The job that a key has made already."""
        ...

    async def jobs(
        self, *, states: Sequence[str] = (), owner: str | None = None, limit: int = 500, newest_first: bool = False
    ) -> list[Job]:
        """Jobs in creation order."""
        ...

    async def delete_job(self, job_id: str) -> None:
        """Remove a final job, its calls and its events; artifacts stay."""
        ...

    async def put_calls(self, job_id: str, calls: Sequence[Call]) -> list[CallRow]:
        """Insert rows in state ``ready``; those that exist stay as they are. Returns all of the job's rows."""
        ...

    async def update_call(self, key: str, **changes: Any) -> CallRow:
        """Set columns by :class:`CallRow` field name; durable before it returns."""
        ...

    async def calls(self, job_id: str) -> list[CallRow]:
        """A job's calls in order."""
        ...

    async def append(self, job_id: str, name: str, data: Mapping[str, Any]) -> JobEvent:
        """Add to the event log and return the entry with its sequence number."""
        ...

    async def events(self, *, after: int = 0, job_id: str | None = None, limit: int = 1000) -> list[JobEvent]:
        """Entries with ``seq > after``, in order."""
        ...

    async def event_bounds(self) -> tuple[int, int]:
        """Smallest and largest sequence number in the log; ``(0, 0)`` when it is empty."""
        ...

    async def trim_events(self, keep: int) -> int:
        """Drop the oldest entries of ended jobs until ``keep`` remain; how many went."""
        ...


class ArtifactStore(Protocol):
    """Stored images and videos, and the input images of jobs."""

    @property
    def folder(self) -> Path:
        """The gallery."""
        ...

    async def warm(self) -> None:
        """Get ready to store: what takes a moment to start is started while a service is still at work."""
        ...

    def schedule_thumbnail(self, filename: str) -> None:
        """Make a thumbnail in the background, one at a time."""
        ...

    async def store(
        self, spooled: Path, filename: str, *, facts: Mapping[str, Any], sidecar: Mapping[str, Any]
    ) -> Artifact:
        """Move a spooled file into the gallery: file first (fsync, rename, fsync the folder), sidecar, row last.

        ``facts`` are the :class:`Artifact` fields that the caller knows (``created_at``, ``job_id``, ``call_key``,
        ``provider``, ``prompt``, …), without ``id`` and the measured ones. Storing the same name again with the same
        bytes returns the existing artifact, so a caller that died in between stores again. The suffix of the stored
        file is that of its real format (``.jpeg`` for JPEG); ``filename`` is given without one. ``sidecar`` is
        completed with the measured facts (``sha256``, ``width``, ``height``, ``format``, ``mediaType``).
        :raises NoImage: the bytes are no image or video (``RESULT_UNREADABLE``).
        :raises StorageFailed: it could not be written; the spooled file is still there.
        """
        ...

    async def annotate(self, filename: str, facts: Mapping[str, Any]) -> Artifact:
        """Add to a sidecar what was known only later: file first, row second."""
        ...

    async def artifact(self, filename: str, *, trashed: bool = False) -> Artifact | None:
        """One artifact by file name."""
        ...

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
        """Newest first by (created_at, filename); ``before`` is the cursor of the last row seen.

        ``topic`` is that of the sidecar's ``videoSeries``.
        """
        ...

    async def count(self) -> int:
        """Artifacts not in the trash."""
        ...

    async def trash(self, filename: str) -> str:
        """Move to the trash and return the trash id that :meth:`restore` takes. ``NotFound("ASSET_NOT_FOUND")``."""
        ...

    async def restore(self, filename: str, trash_id: str | None = None) -> Artifact:
        """Bring back."""
        ...

    async def delete(self, filename: str) -> None:
        """Remove for good: file, sidecar, thumbnail, row."""
        ...

    async def set_favorite(self, identity: str, filename: str, on: bool | None = None) -> bool:
        """Mark, unmark or (None) toggle; the new state."""
        ...

    async def favorites(self, identity: str, filenames: Sequence[str]) -> set[str]:
        """Which of these are marked."""
        ...

    async def add_reference(
        self, source: Path | bytes, *, role: Role = "reference", field: str = "references"
    ) -> Reference:
        """Check an input image by decoding it in the worker, and store it by hash. Nothing is kept of a bad one.

        With ``role`` ``clip`` it is an MP4 instead; ``INVALID_VIDEO_SOURCE`` when it is none.

        :raises InvalidRequest: ``REF_EMPTY``, ``REF_TOO_LARGE``, ``REF_UNREADABLE``, ``REF_UNSUPPORTED_FORMAT``,
            ``REF_TOO_MANY_PIXELS``, ``REF_NOT_A_FILE``.
        """
        ...

    async def frame(self, clip: str | Reference, position: float | None = None) -> bytes:
        """A PNG of a clip's frame at ``position`` seconds; None is the last.

        The clip is an artifact's file name, or an input with the role ``clip``.

        :raises InvalidRequest: ``INVALID_FIELD``; the clip ends before ``position``.

        :raises NotFound: ``ASSET_NOT_FOUND``; there is no such clip.
        :raises Unsupported: ``VIDEO_EXTRA_MISSING``; frames take PyAV.
        :raises Ima2Error: ``VIDEO_FRAME_FAILED``; the clip is damaged.
        """
        ...

    async def cut(self, filename: str, into: Path, seconds: float) -> None:
        """Write a copy of a stored clip that begins ``seconds`` later; its pictures and sound are not encoded anew.

        :raises NotFound: ``ASSET_NOT_FOUND``; there is no such clip.
        :raises Unsupported: ``VIDEO_EXTRA_MISSING``; this takes PyAV.
        :raises Ima2Error: ``VIDEO_CUT_FAILED``; the clip is damaged, or hardly anything would be left.
        """
        ...

    def reference_path(self, reference: Reference) -> Path:
        """Where an input image lies."""
        ...
