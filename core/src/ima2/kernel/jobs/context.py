"""The context that hooks are lent."""

from __future__ import annotations

import asyncio
import errno
import logging
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ulid import ULID

from ima2.hookspecs import Clock, Credentials, ModelInfo, ProviderInfo, Spool
from ima2.kernel.requests.catalogue import Catalogues
from ima2.models import Call, Job, Reference
from ima2.settings.paths import Paths
from ima2.settings.values import SettingsView
from ima2.storage.faults import disk_fault
from ima2.storage.files import place, sha256_of
from ima2.storage.protocols import ArtifactStore
from ima2.upstream.credentials import CredentialFile
from ima2.upstream.spool import SpoolFolder

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True)
class HookContext:
    """See :class:`ima2.hookspecs.Context`."""

    client: httpx.AsyncClient
    settings: Mapping[str, Any]
    credentials: Credentials
    notes: Credentials
    spool: Spool
    logger: logging.Logger
    clock: Clock
    store: ArtifactStore
    catalogues: Catalogues
    provider: str
    job_id: str | None = None
    resume: str | None = None

    @property
    def live_models(self) -> Sequence[ModelInfo]:
        """The cached catalogue, read when it is asked for."""
        return self.catalogues.live(self.provider)

    def open(self, reference: Reference) -> Path:
        """The stored file of an input image."""
        return self.store.reference_path(reference)


class Contexts:
    """Makes contexts; each provider gets its own settings and credentials and nobody else's."""

    def __init__(
        self,
        paths: Paths,
        view: SettingsView,
        client: httpx.AsyncClient,
        store: ArtifactStore,
        clock: Clock,
        *,
        catalogues: Catalogues,
    ) -> None:
        self._paths = paths
        self._view = view
        self._client = client
        self._store = store
        self._clock = clock
        self._catalogues = catalogues

    def for_planning(self, info: ProviderInfo, job: Job) -> HookContext:
        """For ``ima2_plan``."""
        return self._make(info, self.job_spool(job.id) / "plan", overrides=job.request.options, job_id=job.id)

    def for_call(self, info: ProviderInfo, job: Job, call: Call, *, resume: str | None = None) -> HookContext:
        """For one paid call; a resumed one finds its old spool."""
        folder = self.job_spool(job.id) / str(call.index)
        return self._make(info, folder, overrides=job.request.options, job_id=job.id, resume=resume)

    @asynccontextmanager
    async def outside_job(self, info: ProviderInfo) -> AsyncIterator[HookContext]:
        """For status, models and sign-in; what they spool is thrown away."""
        folder = self._paths.spool / f"outside-{ULID()}"
        try:
            yield self._make(info, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def job_spool(self, job_id: str) -> Path:
        """A job's spool."""
        return self._paths.job_spool(job_id)

    async def drop_spool(self, job_id: str) -> None:
        """Throw a job's spool away; what was wanted of it is stored."""
        await asyncio.to_thread(shutil.rmtree, self.job_spool(job_id), ignore_errors=True)

    async def keep(self, spooled: Sequence[str], job_id: str) -> tuple[str, ...]:
        """Put what was paid for and can't be used where a person can look at it; the spool is thrown away later.

        Returns where each is then. What is not of this job's spool stays as it is named; what is gone is left out.

        :raises StorageFailed: it stays in the spool.
        """
        places = await asyncio.to_thread(self._kept_at, spooled, job_id)
        await asyncio.to_thread(_place_all, places)
        return tuple(places.values())

    def _kept_at(self, named: Sequence[str], job_id: str) -> dict[str, str]:
        spool = self.job_spool(job_id)
        folder, root = self._paths.data / "kept" / spool.name, spool.resolve()
        found = {name: Path(name).resolve() for name in named}
        ours = {name: path.relative_to(root) for name, path in found.items() if path.is_relative_to(root)}
        present = (name for name in named if name not in ours or found[name].exists())
        return {name: str(folder / "-".join(ours[name].parts)) if name in ours else name for name in present}

    def credentials(self, info: ProviderInfo) -> CredentialFile:
        """The provider's secret file."""
        return CredentialFile(self._paths.credentials / f"{info.id}.json")

    def _make(
        self,
        info: ProviderInfo,
        folder: Path,
        *,
        overrides: Mapping[str, Any] | None = None,
        job_id: str | None = None,
        resume: str | None = None,
    ) -> HookContext:
        return HookContext(
            client=self._client,
            settings=self._view.for_provider(info, overrides=overrides or {}),
            credentials=self.credentials(info),
            notes=CredentialFile(self._paths.notes / f"{info.id}.json"),
            spool=SpoolFolder(folder),
            logger=logging.getLogger(f"ima2.provider.{info.id}"),
            clock=self._clock,
            store=self._store,
            catalogues=self._catalogues,
            provider=info.id,
            job_id=job_id,
            resume=resume,
        )


def _place_all(places: Mapping[str, str]) -> None:
    for source, target in places.items():
        try:
            if source != target:
                place(Path(source), Path(target))
        except FileExistsError:
            if not Path(target).is_file() or sha256_of(Path(target)) != sha256_of(Path(source)):
                raise disk_fault(FileExistsError(errno.EEXIST, "something else is there"), Path(target)) from None
        except OSError as error:
            raise disk_fault(error, Path(target), kept=(source,)) from error
