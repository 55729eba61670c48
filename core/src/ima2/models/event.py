"""What a provider's hooks yield, and what the event log keeps.

Bytes never travel in events: :class:`Media` and :class:`Partial` name a file in ``context.spool``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from ima2.models.frozen import Frozen
from ima2.models.plan import Plan


class Phase(Frozen):
    """The job entered a phase: ``search``, ``plan``, ``generate``, ``download``, or a provider's own word."""

    name: str
    message: str | None = None


class Progress(Frozen):
    """``fraction`` 0–1, or None when upstream gives none.

    To say the same again does no harm: what is told to others never falls, and says when nothing moved for long.
    """

    fraction: float | None = Field(default=None, ge=0, le=1)


class Partial(Frozen):
    """A draft of picture ``index`` of the call."""

    path: Path
    media_type: str
    index: int = 0


class Sending(Frozen):
    """Yielded just before the paid request; the kernel has it on disk before the generator goes on."""

    account: str | None = None


class Submitted(Frozen):
    """Yielded right after upstream accepted the paid request, with the id it gave."""

    upstream_id: str


class Media(Frozen):
    """A finished picture or clip, whole, in the spool.

    ``claimed`` holds what upstream says of it (``size``, ``quality``, ``format``) and, where a provider has several
    ways, the ``route`` it took; the kernel measures the file itself. ``provider_url`` is where upstream keeps it, for a
    while. ``lead_in`` are the seconds before a clip really begins: it is stored whole, and once more without them.
    """

    path: Path
    media_type: str | None = None
    revised_prompt: str | None = None
    provider_url: str | None = None
    lead_in: float = Field(default=0, ge=0)
    claimed: dict[str, Any] = Field(default_factory=dict)


class Usage(Frozen):
    """Tokens, searches and money of one upstream answer; several add up. None means unknown, never zero."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    image_tokens: int | None = None
    web_search_calls: int | None = None
    cost_usd: float | None = None
    raw: dict[str, Any] = Field(default_factory=dict)


class Warning(Frozen):
    """Something was dropped, replaced or doubtful."""

    code: str
    message: str
    field: str | None = None
    normalized_to: str | None = None
    reason: str | None = None


class Text(Frozen):
    """Words of the model beside, or in place of, a picture."""

    delta: str


class Planned(Frozen):
    """Ends ``ima2_plan``."""

    plan: Plan


class Reply(Frozen):
    """Ends ``ima2_converse``: text, or request bodies proposed to the user."""

    text: str = ""
    requests: tuple[dict[str, Any], ...] = ()


PlanEvent = Phase | Usage | Warning | Planned
CallEvent = Phase | Progress | Partial | Sending | Submitted | Media | Usage | Warning | Text
ConverseEvent = Phase | Text | Usage | Warning | Reply

EventName = Literal[
    "phase",
    "planning",
    "progress",
    "partial",
    "submitted",
    "image",
    "video",
    "warning",
    "text",
    "cancel",
    "done",
    "error",
]
FINAL_EVENTS = frozenset({"done", "error"})


class JobEvent(Frozen):
    """One entry of the append-only event log; ``seq`` never restarts, ``at`` is epoch milliseconds.

    ``image`` and ``video`` tell of a stored file. ``error`` ends failed, cancelled (``GENERATION_CANCELED``) and
    unknown (``JOB_UNKNOWN``) jobs alike; ``cancel`` asks the process that runs the job to stop it.
    """

    seq: int
    job_id: str
    name: EventName
    data: dict[str, Any]
    at: int

    @property
    def final(self) -> bool:
        """Whether nothing follows for this job."""
        return self.name in FINAL_EVENTS
