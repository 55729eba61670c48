"""Frozen data that crosses HTTP, disk or a provider: request, plan, event, job, artifact."""

from __future__ import annotations

from ima2.models.event import (
    CallEvent,
    ConverseEvent,
    JobEvent,
    Media,
    Partial,
    Phase,
    PlanEvent,
    Planned,
    Progress,
    Reply,
    Sending,
    Submitted,
    Text,
    Usage,
    Warning,
)
from ima2.models.job import Artifact, CallRow, Job, Resolution, Skipped
from ima2.models.lineage import Lineage, LineageEntry
from ima2.models.plan import Call, Plan, Source, Step
from ima2.models.request import Reference, Request
from ima2.models.series import Series
from ima2.models.turn import Message, Turn

__all__ = [
    "Artifact",
    "Call",
    "CallEvent",
    "CallRow",
    "ConverseEvent",
    "Job",
    "JobEvent",
    "Lineage",
    "LineageEntry",
    "Media",
    "Message",
    "Partial",
    "Phase",
    "Plan",
    "PlanEvent",
    "Planned",
    "Progress",
    "Reference",
    "Reply",
    "Request",
    "Resolution",
    "Sending",
    "Series",
    "Skipped",
    "Source",
    "Step",
    "Submitted",
    "Text",
    "Turn",
    "Usage",
    "Warning",
]
