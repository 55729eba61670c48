"""Hooks that the kernel asks of every plugin, one by one: what one plugin gets wrong never costs another."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING

from ima2.hookspecs.markers import hookspec

if TYPE_CHECKING:
    from ima2.hookspecs.descriptors import Command, DoctorCheck, ProviderInfo, Route, Service
    from ima2.models import Artifact, Job, JobEvent, Request, Resolution


class CollectedSpecs:
    """Every plugin may answer. A collected hook describes; it does no I/O."""

    @hookspec
    def ima2_provider(self) -> ProviderInfo | None:
        """Be a provider. One plugin is at most one provider.

        ::

            @hookimpl
            def ima2_provider():
                return ProviderInfo(id="acme", title="Acme Images", billing="metered")
        """

    @hookspec(firstresult=True)
    def ima2_resolve_provider(self, request: Request, candidates: Sequence[ProviderInfo]) -> Resolution | None:
        """Choose for ``auto`` among ``candidates``, which can all do the request and are in the default order.

        Pure. None leaves it to the next plugin; the built-in rule comes last.
        """

    @hookspec
    def ima2_commands(self) -> Sequence[Command] | None:
        """Commands to add: ``[Command("acme", "ima2_acme.cli:group", "Acme account")]``."""

    @hookspec
    def ima2_routes(self) -> Sequence[Route] | None:
        """Routes to add under ``/api/x/<plugin>/``."""

    @hookspec
    def ima2_services(self) -> Sequence[Service] | None:
        """Listeners that ``ima2 serve`` starts and stops: the bridges."""

    @hookspec
    def ima2_doctor_checks(self) -> Sequence[DoctorCheck] | None:
        """Checks for ``ima2 doctor``."""

    @hookspec
    def ima2_job_event(self, event: JobEvent) -> Awaitable[None] | None:
        """Observe a job's events after they are on disk. A failure is logged, never felt."""

    @hookspec
    def ima2_artifact_saved(self, artifact: Artifact, job: Job) -> Awaitable[None] | None:
        """Observe a stored artifact. A failure is logged, never felt."""
