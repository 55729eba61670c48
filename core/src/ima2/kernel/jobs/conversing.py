"""A request that is answered in words: one turn, and its reply in the ledger before anyone is told of it.

It costs tokens and nothing that could be lost, so a process that takes it over asks again.
"""

from __future__ import annotations

from contextlib import aclosing

from ima2.errors import NoImage, Paid, PluginFailed
from ima2.hookspecs import Clock, ProviderInfo
from ima2.kernel.jobs.call_events import phase, warn
from ima2.kernel.jobs.parts import Parts, shielded
from ima2.kernel.jobs.place import Place
from ima2.kernel.jobs.resuming import still_wanted
from ima2.kernel.jobs.usage import total
from ima2.kernel.requests.analysis import INSTRUCTIONS
from ima2.models import Job, Message, Phase, Reply, Request, Text, Turn, Usage, Warning

TOLD_SECONDS = 0.2
"""Words that come faster are told together."""


def turn_of(request: Request) -> Turn:
    """The question about a clip, with its frames."""
    question = Message(text=request.prompt, references=request.inputs("reference"))
    return Turn(model=request.model or "", instructions=INSTRUCTIONS, messages=(question,))


async def converse(parts: Parts, job: Job, info: ProviderInfo) -> Job:
    """The job with its reply.

    :raises NoImage: ``REPLY_EMPTY``.
    :raises Ima2Error: what the provider says.
    """
    if job.reply is not None:
        return job
    async with Place(parts.lane(info)):
        job = still_wanted(await parts.ledger.update_job(job.id, state="running"))
        await phase(parts, job.id, Phase(name="reply"))
        reply, usage = await _heard(parts, job, info)
    said = bool(reply.text.strip() or reply.requests)
    job = await shielded(parts.ledger.update_job(job.id, reply=reply if said else None, usage=usage))
    if not said:
        paid: Paid = "no" if info.billing == "free" else "yes"
        raise NoImage(f"{info.title} answered without a word.", code="REPLY_EMPTY", step="reply", paid=paid)
    return job


async def _heard(parts: Parts, job: Job, info: ProviderInfo) -> tuple[Reply, Usage | None]:
    context = parts.contexts.for_planning(info, job)
    usage: Usage | None = None
    words = Words(parts, job.id)
    async with aclosing(parts.dispatcher.converse(info.id, turn_of(job.request), context)) as events:
        async for event in events:
            match event:
                case Text():
                    await words.say(event.delta)
                case Usage():
                    usage = total((usage, event))
                case Phase():
                    await phase(parts, job.id, event)
                case Warning():
                    await warn(parts, job.id, event)
                case Reply():
                    await words.flush()
                    return event, usage
                case _:
                    raise PluginFailed(f"{info.id} yielded a {type(event).__name__}, which no turn does.", step="reply")
    raise PluginFailed(f"{info.id} ended without a Reply.", step="reply", paid="maybe")


class Words:
    """Publishes what is said, a few words at a time."""

    def __init__(self, parts: Parts, job_id: str) -> None:
        self._parts = parts
        self._clock: Clock = parts.clock
        self._job_id = job_id
        self._pending = ""
        self._told_at = self._clock.monotonic()

    async def say(self, delta: str) -> None:
        """Tell it, unless something was told just now."""
        self._pending += delta
        if self._clock.monotonic() - self._told_at >= TOLD_SECONDS:
            await self.flush()

    async def flush(self) -> None:
        """Tell what was held back."""
        if self._pending:
            told, self._pending = self._pending, ""
            await self._parts.bus.publish(self._job_id, "text", {"delta": told})
        self._told_at = self._clock.monotonic()
