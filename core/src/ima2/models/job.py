"""One request under way, as the ledger keeps it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from ima2.models.event import Reply, Usage, Warning
from ima2.models.frozen import Frozen
from ima2.models.plan import Call, Plan
from ima2.models.request import Request

JobState = Literal["queued", "planning", "running", "done", "failed", "cancelled", "unknown"]
CallState = Literal["ready", "sending", "submitted", "downloading", "storing", "done", "failed", "cancelled", "unknown"]
FINAL_STATES = frozenset({"done", "failed", "cancelled", "unknown"})
"""Of a job."""
CALL_ENDED = frozenset({"done", "failed", "cancelled", "unknown"})
"""States in which a call is left as it is."""


class Skipped(Frozen):
    """A provider that ``auto`` passed over, and why; ``fix`` is the command that would make it ready."""

    provider: str
    why: str
    fix: str | None = None


class Resolution(Frozen):
    """Who runs a request, and the reason a person can read."""

    provider: str
    reason: str
    skipped: tuple[Skipped, ...] = ()


class CallRow(Frozen):
    """Ledger row of one paid call. Times are epoch milliseconds.

    ``media`` lists each whole result (``path`` in the spool, ``sha256``, what upstream said of it) before it is
    stored: with it a crash between spool and store loses nothing.
    """

    key: str
    job_id: str
    call: Call
    state: CallState = "ready"
    sent_at: int | None = None
    upstream_id: str | None = None
    account: str | None = None
    media: tuple[dict[str, Any], ...] = ()
    usage: Usage | None = None
    error: dict[str, Any] | None = None
    updated_at: int = 0


class Job(Frozen):
    """Ledger row of a job. ``owner`` is the process that runs it (see ``kernel.jobs.process``).

    ``plan`` is what a picture or clip is made by, ``reply`` what a request of the kind ``text`` brought.
    """

    id: str
    request: Request
    state: JobState = "queued"
    phase: str = "queued"
    provider: str
    model: str | None = None
    resolution: Resolution
    plan: Plan | None = None
    reply: Reply | None = None
    warnings: tuple[Warning, ...] = ()
    usage: Usage | None = None
    error: dict[str, Any] | None = None
    owner: str
    created_at: int
    phase_at: int
    finished_at: int | None = None
    idempotency_key: str | None = None
    body_hash: str | None = None

    @property
    def final(self) -> bool:
        """Whether the job has ended."""
        return self.state in FINAL_STATES


class Artifact(Frozen):
    """A stored image or video. ``filename`` is relative to the generated folder, with ``/``.

    ``width``, ``height`` in pixels, ``size`` in bytes, ``duration`` in seconds; all measured from the file.
    ``sidecar`` is the content of ``<filename>.json``.
    """

    id: str
    filename: str
    sha256: str
    media_type: str
    kind: Literal["image", "video"]
    size: int
    width: int
    height: int
    duration: float | None = None
    created_at: int
    job_id: str | None = None
    call_key: str | None = None
    session_id: str | None = None
    provider: str | None = None
    model: str | None = None
    prompt: str = ""
    sidecar: dict[str, Any] = Field(default_factory=dict)
    trashed_at: int | None = None
