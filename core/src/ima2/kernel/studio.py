"""The whole house in one object: what the command line and the server both stand on."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ima2.errors import Conflict, Ima2Error, NotFound, Paid, StorageFailed
from ima2.hookspecs import ProviderInfo, Status
from ima2.kernel.doctor import Check, examine
from ima2.kernel.jobs.bus import EventBus
from ima2.kernel.jobs.context import Contexts
from ima2.kernel.jobs.faults import from_dict
from ima2.kernel.jobs.parts import Parts, shielded
from ima2.kernel.jobs.process import Process
from ima2.kernel.jobs.record import answer
from ima2.kernel.jobs.resuming import claimed, reopened, send_again
from ima2.kernel.jobs.runner import Runner
from ima2.kernel.plugins.dispatch import Dispatcher
from ima2.kernel.plugins.host import PluginHost
from ima2.kernel.quota import Quota, read_quota
from ima2.kernel.requests.catalogue import Catalogue, Catalogues
from ima2.kernel.requests.intake import take
from ima2.kernel.requests.preview import preview
from ima2.kernel.requests.resolve import Resolver
from ima2.models import CallRow, Job
from ima2.models.request import Surface
from ima2.settings.paths import Paths
from ima2.settings.values import SettingsView
from ima2.storage.artifacts import FileArtifactStore
from ima2.storage.ledger import SqliteLedger


@dataclass(frozen=True, slots=True)
class Accepted:
    """A job in the ledger and under way; ``replay`` when its idempotency key had made it before."""

    job: Job
    replay: bool = False


@dataclass(frozen=True, slots=True)
class Cancellation:
    """``active``: it was under way. ``aborted``: it ended because of this. ``message``: what may still be charged."""

    active: bool
    aborted: bool
    message: str


@dataclass(frozen=True, slots=True)
class ProviderState:
    """A provider and whether it can work now."""

    info: ProviderInfo
    status: Status


@dataclass(frozen=True, slots=True)
class Studio:
    """One data directory, opened by one process."""

    paths: Paths
    view: SettingsView
    host: PluginHost
    dispatcher: Dispatcher
    ledger: SqliteLedger
    store: FileArtifactStore
    bus: EventBus
    resolver: Resolver
    catalogues: Catalogues
    contexts: Contexts
    runner: Runner
    process: Process
    parts: Parts = field(repr=False)

    async def submit(
        self, body: Mapping[str, Any], *, surface: Surface = "classic", idempotency_key: str | None = None
    ) -> Accepted:
        """Parse, resolve, check, write to the ledger, start. Raises before anything is spent."""
        digest = _digest(body)
        if earlier := await self._earlier(idempotency_key, digest):
            return earlier
        self.runner.room()
        taken = await take(body, surface=surface, store=self.store, providers=self.host.providers)
        resolved = await self.resolver.resolve(taken.request)
        now = self.parts.now()
        job = Job(
            id=taken.request.id,
            request=resolved.request,
            provider=resolved.info.id,
            model=resolved.model.id,
            resolution=resolved.resolution,
            warnings=(*taken.warnings, *resolved.warnings),
            owner=self.process.id,
            created_at=now,
            phase_at=now,
            idempotency_key=idempotency_key,
            body_hash=digest,
        )
        try:
            async with self.runner.claim(job.id):
                self.runner.room()
                await shielded(self._begin(job))
        except Conflict:
            if earlier := await self._earlier(idempotency_key, digest):
                return earlier
            raise
        return Accepted(job)

    async def _begin(self, job: Job) -> None:
        """In the ledger and under way, or neither."""
        await self.ledger.add_job(job)
        with contextlib.suppress(StorageFailed):
            await self.bus.publish(job.id, "phase", {"phase": "queued", "provider": job.provider, "model": job.model})
        await self.runner.start(job)

    async def _earlier(self, key: str | None, digest: str) -> Accepted | None:
        if key is None or (job := await self.ledger.job_by_idempotency_key(key)) is None:
            return None
        if job.body_hash != digest:
            raise Conflict("This Idempotency-Key belongs to another request.", code="IDEMPOTENCY_KEY_CONFLICT")
        return Accepted(job, replay=True)

    async def preview(self, body: Mapping[str, Any], *, surface: Surface = "classic") -> dict[str, Any]:
        """What would happen: resolution, checks, steps. Nothing is sent and no job is made."""
        taken = await take(body, surface=surface, store=self.store, providers=self.host.providers)
        return await preview(self.resolver, self.dispatcher, taken)

    async def wait(self, job_id: str) -> Job:
        """The job once it has ended. Leaving early changes nothing for the job."""
        after = 0
        while not (job := await self.job(job_id)).final:
            async for event in self.bus.subscribe(after=after, job_id=job_id):
                after = event.seq
        await self.runner.settled(job_id)
        return job

    async def job(self, job_id: str) -> Job:
        """One job. ``JOB_NOT_FOUND``."""
        if job := await self.ledger.job(job_id):
            return job
        raise NotFound(f"There is no job {job_id}.", code="JOB_NOT_FOUND", hint="ima2 jobs ls")

    async def answer(self, job: Job) -> dict[str, Any]:
        """The body of a successful answer."""
        artifacts = await self.store.artifacts(job_id=job.id, limit=500)
        return answer(job, artifacts, self.store)

    def error_of(self, job: Job) -> Ima2Error:
        """Why a job failed, was cancelled or is unknown."""
        return from_dict({"requestId": job.id, **(job.error or {"error": f"The job is {job.state}."})})

    async def cancel(self, job_id: str) -> Cancellation:
        """Stop a job. An unknown or ended id is no error."""
        job = await self.ledger.job(job_id)
        if job is None or job.final:
            return Cancellation(False, False, "Nothing was under way.")
        aborted = await self.runner.cancel(job)
        paid = (await self.job(job_id)).error or {}
        return Cancellation(True, aborted, self._charged(job, paid.get("paid", "maybe")))

    def _charged(self, job: Job, paid: Paid) -> str:
        """What stopping a job means for what it costs."""
        if paid == "no":
            return "It is stopped; nothing is charged."
        if paid == "yes":
            return "It is charged; what had come before is kept."
        info = self.provider_of(job)
        if info is None:
            return f"The request had been sent; {job.provider} may still charge it."
        how = "did not say that it stopped" if self.dispatcher.implements(info.id, "ima2_cancel") else "can't stop it"
        return f"The request had been sent; {info.title} {how} and may still charge it."

    async def retry(self, job_id: str) -> Job:
        """The user's word that an ``unknown`` job may be sent (and paid) again; what the service has is fetched."""
        job = await self._unanswered(job_id)
        self.host.provider(job.provider)
        async with self.runner.claim(job.id):
            self.runner.room()
            return await shielded(self._sent_again(job))

    async def _sent_again(self, job: Job) -> Job:
        job = await claimed(self.parts, job)
        await send_again(self.parts, job)
        await self.runner.start(job)
        return job

    async def drop(self, job_id: str) -> Job:
        """The user's word that an ``unknown`` job is given up; what is stored stays, what waits is kept elsewhere."""
        job = await self._unanswered(job_id)
        rows = [row for row in await self.ledger.calls(job.id) if row.state in ("unknown", "storing")]
        kept = await self.contexts.keep(_spooled(job, rows), job.id)
        known = {name: value for name, value in (job.error or {}).items() if name not in ("hint", "kept")}
        error = {**known, "code": "JOB_DROPPED", **({"kept": [*kept]} if kept else {})}
        job = await self.ledger.update_job(job.id, expect_state="unknown", state="failed", error=error)
        for row in rows:
            await self.ledger.update_call(row.key, state="failed")
        await self.contexts.drop_spool(job.id)
        return job

    async def _unanswered(self, job_id: str) -> Job:
        job = await self.job(job_id)
        if job.state != "unknown":
            text = f"Job {job_id} is {job.state}; only an unknown one waits for an answer."
            raise Conflict(text, code="JOB_NOT_UNKNOWN", hint="ima2 jobs ls")
        return job

    async def resume(self, job_id: str | None = None) -> list[Job]:
        """Go on with the jobs of dead processes; or with one job, also if it ended before the service was done."""
        if job_id is None:
            return await self.runner.adopt_all()
        job = await self.job(job_id)
        if self.runner.interrupted(job):
            adopted = await self.runner.adopt(job)
            return [adopted] if adopted else []
        async with self.runner.claim(job_id):
            self.runner.room()
            return [await shielded(self._reopened(job))]

    async def _reopened(self, job: Job) -> Job:
        job = await reopened(self.parts, await self.job(job.id))
        await self.runner.start(job)
        return job

    def provider_of(self, job: Job) -> ProviderInfo | None:
        """Who runs it; None when that is not installed."""
        return next((info for info in self.host.providers if info.id == job.provider), None)

    async def providers(self) -> list[ProviderState]:
        """Every installed provider with its readiness."""
        return [ProviderState(info, await self.resolver.status(info)) for info in self.host.providers]

    def providers_with_sign_in(self) -> list[ProviderInfo]:
        """Those that one can sign in to, in the order of ``auto``."""
        able = [info for info in self.host.providers if self.dispatcher.implements(info.id, "ima2_auth")]
        return list(self.resolver.in_order(able))

    async def models(
        self, provider: str | None = None, *, refresh: bool = False
    ) -> list[tuple[ProviderInfo, Catalogue]]:
        """Models by provider; ``refresh`` asks upstream and caches the answer."""
        chosen = (self.host.provider(provider),) if provider else self.host.providers
        if refresh:
            for info in chosen:
                await self._refresh(info)
        return [(info, self.catalogues.of(info)) for info in chosen]

    async def quota(self, provider: str | None = None) -> list[Quota]:
        """What is left of each plan, asked from the services; of one provider when it is named."""
        chosen = (self.host.provider(provider),) if provider else self.host.providers
        asked = (read_quota(info, self.resolver, self.dispatcher, self.contexts) for info in chosen)
        return list(await asyncio.gather(*asked))

    async def doctor(self) -> list[Check]:
        """What is wrong here."""
        return await examine(self)

    async def _refresh(self, info: ProviderInfo) -> None:
        if not info.live_models:
            return
        async with self.contexts.outside_job(info) as context:
            self.catalogues.save(info, list(await self.dispatcher.models(info.id, context)))


def _spooled(job: Job, rows: Sequence[CallRow]) -> tuple[str, ...]:
    """Files that a job with these open calls has and the gallery has not."""
    noted = [str(media["path"]) for row in rows for media in row.media]
    errors = [error for error in (job.error, *(row.error for row in rows)) if error]
    return tuple(dict.fromkeys([*noted, *(str(path) for error in errors for path in error.get("kept") or ())]))


def _digest(body: Mapping[str, Any]) -> str:
    """Identity of a body for its idempotency key; the request id is not part of what was asked."""
    asked = {name: value for name, value in body.items() if name not in ("requestId", "async", "inline", "stream")}
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=_plain).encode()).hexdigest()


def _plain(value: object) -> str:
    return hashlib.sha256(value).hexdigest() if isinstance(value, bytes) else str(value)
