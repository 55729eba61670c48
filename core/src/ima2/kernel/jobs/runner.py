"""The jobs of this process: start, cancel, adopt, stop. The embedded engine.

An engine's one promise: every job that has not ended is handed to a pipeline, and again after its process died.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from typing import Protocol
from weakref import WeakValueDictionary

from ima2.errors import Cancelled, CapacityError, Conflict, Ima2Error, StorageFailed
from ima2.kernel.jobs.parts import Parts, shielded
from ima2.kernel.jobs.pipeline import Pipeline
from ima2.kernel.jobs.process import Process
from ima2.kernel.jobs.resuming import waits
from ima2.models import Job
from ima2.models.job import CALL_ENDED

OPEN_STATES = ("queued", "planning", "running")
CANCEL_WAIT_SECONDS = 30.0
CLAIM_SECONDS = 5.0
"""How long a process that ends waits for what is being begun."""
WATCH_SECONDS = 5.0
"""How often the engine looks for jobs whose process is gone."""
EVENTS_KEPT = 50_000
DISK_RESERVE = 200 << 20
"""Bytes that must be free before a job may begin: a result needs somewhere to go."""
log = logging.getLogger(__name__)


class Engine(Protocol):
    """What the studio asks of whoever runs the jobs."""

    async def start(self, job: Job) -> None:
        """Run a job that is in the ledger and belongs to this process."""
        ...

    async def cancel(self, job: Job) -> bool:
        """Stop it, wherever it runs; True when it ended because of this."""
        ...

    async def stop(self, grace: float) -> None:
        """Take no more jobs, let the running ones end for ``grace`` seconds, leave the rest to be resumed."""
        ...


class Runner:
    """Engine of one process: an asyncio task a job."""

    def __init__(self, parts: Parts, process: Process, limit: int) -> None:
        self._parts = parts
        self._process = process
        self._limit = limit
        self._tasks: dict[str, asyncio.Task[Job]] = {}
        self._claims: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._closed = False
        self._listener: asyncio.Task[None] | None = None
        self._telling: asyncio.Future[None] | None = None
        self._warming: asyncio.Task[None] | None = None

    @property
    def active(self) -> int:
        """Jobs under way in this process."""
        return len(self._tasks)

    def room(self) -> None:
        """Refuse when this process has as many jobs as it may. ``TOO_MANY_JOBS``, or ``SHUTTING_DOWN``."""
        if self._closed:
            raise CapacityError("The server is stopping.", code="SHUTTING_DOWN", status=503, retry_after=5)
        if shutil.disk_usage(self._parts.store.folder).free < DISK_RESERVE:
            text = f"Less than {DISK_RESERVE >> 20} MiB are free for results; nothing was begun."
            raise StorageFailed(text, code="DISK_FULL", status=507, hint="ima2 doctor")
        if len(self._tasks) >= self._limit:
            text = f"{self._limit} jobs are under way, as many as may be."
            raise CapacityError(text, hint="ima2 ps", retry_after=5)

    def claim(self, job_id: str) -> asyncio.Lock:
        """Held by whoever is about to start or to end a job that has no task; nobody else here does it meanwhile."""
        return self._claims.setdefault(job_id, asyncio.Lock())

    async def start(self, job: Job) -> None:
        """Run a job of this process, which the caller has claimed."""
        await self.settled(job.id)
        if self._listener is None:
            self._listener = asyncio.create_task(self._listen(), name="cancel requests")
        pipeline = Pipeline(self._parts, self._parts.dispatcher.host.provider(job.provider))
        self._parts.bus.found(job.id)
        self._warming = asyncio.create_task(self._parts.store.warm(), name="warm up the store")
        task = asyncio.create_task(pipeline.run(job), name=f"job {job.id}")
        self._tasks[job.id] = task
        task.add_done_callback(lambda ended: self._ended(job.id, ended))

    def _ended(self, job_id: str, task: asyncio.Task[Job]) -> None:
        if self._tasks.get(job_id) is task:
            del self._tasks[job_id]
        error = None if task.cancelled() else task.exception()
        if error:
            log.error("job %s stopped with an unexpected %s", job_id, type(error).__name__, exc_info=error)
        if error or (task.cancelled() and not self._parts.stopping.is_set()):
            self._telling = asyncio.ensure_future(self._tell(job_id, error))

    async def _tell(self, job_id: str, error: BaseException | None) -> None:
        """Whoever waits for a job that broke off, and even that could not be written down, is told so."""
        with contextlib.suppress(Ima2Error):
            job = await self._parts.ledger.job(job_id)
            if job is None or job.final:
                return
        text, again = "The job was broken off; what is on record of it is kept.", f"ima2 jobs resume {job_id}"
        await self._parts.bus.lose(job_id, error or StorageFailed(text, paid="maybe", hint=again))

    async def cancel(self, job: Job) -> bool:
        """Stop a job here, in another living process, or one whose process is gone."""
        async with self.claim(job.id):
            await self._wish(job.id)
            if task := self._tasks.get(job.id):
                task.cancel()
                await asyncio.wait({task})
            await shielded(self._end_left(job.id))
        now = await self._parts.ledger.job(job.id)
        if now and not now.final and not self._is_left(now):
            await self._ask_owner(now)
            async with self.claim(job.id):
                await shielded(self._end_left(job.id))
            now = await self._parts.ledger.job(job.id)
        return now is not None and now.state == "cancelled"

    async def _wish(self, job_id: str) -> None:
        """On record before anything else: whoever takes the job over ends it."""
        wish = Cancelled("It is being stopped.", paid="maybe").to_dict()
        with contextlib.suppress(Ima2Error):
            await self._parts.ledger.update_job(job_id, error=wish)

    async def _end_left(self, job_id: str) -> None:
        """End a job that nobody runs; also one whose task was stopped before its first step."""
        job = await self._parts.ledger.job(job_id)
        if job is None or job.final or not self._is_left(job):
            return
        provider = self._parts.dispatcher.host.provider(job.provider)
        with contextlib.suppress(Conflict):
            job = await self._parts.ledger.update_job(job.id, expect_owner=job.owner, owner=self._process.id)
            await Pipeline(self._parts, provider).cancelled(job)

    async def _ask_owner(self, job: Job) -> None:
        asked = await self._parts.bus.publish(job.id, "cancel", {})
        try:
            async with asyncio.timeout(CANCEL_WAIT_SECONDS):
                async for _ in self._parts.bus.subscribe(after=asked.seq, job_id=job.id):
                    pass
        except TimeoutError:
            log.warning("the process that runs job %s did not stop it in time", job.id)

    async def _listen(self) -> None:
        """Other processes ask through the event log."""
        seen: int | None = None
        while True:
            try:
                async for event in self._parts.bus.subscribe(after=seen):
                    seen = event.seq
                    if event.name == "cancel" and (task := self._tasks.get(event.job_id)):
                        await asyncio.sleep(0)  # One that is stopped before its first step would not end its job.
                        task.cancel()
            except Exception as error:
                log.warning("wishes to cancel can't be read: %s", error)
                await asyncio.sleep(WATCH_SECONDS)

    async def settled(self, job_id: str) -> None:
        """Wait for what a job of this process still does after its end: telling, tidying."""
        if task := self._tasks.get(job_id):
            await asyncio.wait({task})

    def interrupted(self, job: Job) -> bool:
        """Whether nobody runs an unfinished job: its process is gone, or had to break it off."""
        claimed = job.id in self._claims and self._claims[job.id].locked()
        return not job.final and job.id not in self._tasks and not claimed and self._is_left(job)

    def _is_left(self, job: Job) -> bool:
        """Of a job without a task: whether no other process has one."""
        return job.owner == self._process.id or not self._process.alive(job.owner)

    async def orphans(self) -> list[Job]:
        """Unfinished jobs of processes that are gone."""
        return [job for job in await self._parts.ledger.jobs(states=OPEN_STATES) if self.interrupted(job)]

    async def adopt(self, orphan: Job) -> Job | None:
        """Take over, and go on or, where that was wished, end it; None when somebody was quicker, or this process ends.

        :raises Ima2Error: its provider is not installed, or the ledger can't be written.
        """
        async with self.claim(orphan.id):
            if self._closed or orphan.id in self._tasks or not self._is_left(orphan):
                return None
            provider = self._parts.dispatcher.host.provider(orphan.provider)
            try:
                job = await self._parts.ledger.update_job(orphan.id, expect_owner=orphan.owner, owner=self._process.id)
            except Conflict:
                return None
            if job.error:
                return await shielded(Pipeline(self._parts, provider).cancelled(job))
            await self.start(job)
            return job

    async def watch(self) -> None:
        """Adopt whatever loses its process, for as long as this one is the engine of its data directory."""
        trimmed = False
        while not self._closed:
            try:
                trimmed = trimmed or await self._trimmed()
                await self.adopt_all()
            except Exception as error:
                log.warning("interrupted jobs can't be looked for: %s", error)
            await self._parts.clock.sleep(WATCH_SECONDS)

    async def _trimmed(self) -> bool:
        await self._parts.ledger.trim_events(EVENTS_KEPT)
        return True

    async def adopt_all(self) -> list[Job]:
        """Every job that nobody runs; one that can't be taken over waits, whatever is in its way."""
        adopted = []
        for orphan in await self.orphans():
            try:
                adopted.append(await self.adopt(orphan))
            except Ima2Error as error:
                log.warning("job %s waits: %s", orphan.id, error.message)
        return [job for job in adopted if job is not None]

    async def _is_away(self, job_id: str) -> bool:
        """Whether every open call of the job is with a service that has named it, or waits in the spool."""
        with contextlib.suppress(Ima2Error):
            rows = [row for row in await self._parts.ledger.calls(job_id) if row.state not in CALL_ENDED]
            if rows and (job := await self._parts.ledger.job(job_id)):
                resumable = self._parts.dispatcher.host.provider(job.provider).resumable
                return all(waits(row, resumable) for row in rows)
        return False

    async def stop(self, grace: float) -> None:
        """Wait for what runs, then give up the rest unfinished: the next process goes on with it.

        What a service works on by itself is not waited for.
        """
        self._closed = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLAIM_SECONDS):
                for claim in [*self._claims.values()]:
                    await claim.acquire()
                    claim.release()
        tasks = [*self._tasks.items()] if grace else []
        if here := [task for job_id, task in tasks if not await self._is_away(job_id)]:
            await asyncio.wait(here, timeout=grace)
        self._parts.stopping.set()
        left = [*self._tasks.values(), *([self._listener] if self._listener else [])]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
