"""Events of jobs as frames of a stream; what existing clients don't know of is added beside."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from ima2.kernel.answers.jobs import PHASES
from ima2.kernel.jobs.bus import EventBus
from ima2.models import JobEvent
from ima2.server.streams import Frame

_INTERNAL = frozenset({"cancel"})
"""What processes say to each other."""


def event_frame(event: JobEvent) -> Frame:
    """A log entry as a frame. ``phase`` is one that all clients know, ``step`` is ours."""
    data = {**event.data, "requestId": event.job_id, "jobId": event.job_id, "at": event.at}
    if event.name == "phase":
        data |= {"phase": PHASES.get(str(event.data.get("phase")), "streaming"), "step": event.data.get("phase")}
    if event.name == "done" and "images" in data:
        data["_imageOmitted"] = True
    return Frame(event.name, data, event.seq)


async def event_frames(bus: EventBus, *, after: int | None, job_id: str | None = None) -> AsyncGenerator[Frame, None]:
    """The frames of a subscription, without what processes say to each other."""
    async with aclosing(bus.subscribe(after=after, job_id=job_id)) as events:
        async for event in events:
            if event.name not in _INTERNAL:
                yield event_frame(event)
