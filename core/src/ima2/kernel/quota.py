"""What is left of a plan."""

from __future__ import annotations

from dataclasses import dataclass

from ima2.errors import Ima2Error
from ima2.hookspecs import ProviderInfo, QuotaWindow, Status
from ima2.kernel.jobs.context import Contexts
from ima2.kernel.plugins.dispatch import Dispatcher
from ima2.kernel.requests.readiness import not_ready
from ima2.kernel.requests.resolve import Resolver


@dataclass(frozen=True, slots=True)
class Quota:
    """A provider's windows; with an ``error`` they are those known before, if any."""

    info: ProviderInfo
    status: Status
    windows: tuple[QuotaWindow, ...] = ()
    error: Ima2Error | None = None


async def read_quota(info: ProviderInfo, resolver: Resolver, dispatcher: Dispatcher, contexts: Contexts) -> Quota:
    """Ask the service; what goes wrong stands in the answer, so that one provider never costs another its own."""
    status = await resolver.status(info)
    if not status.ready:
        return Quota(info, status, status.quota, not_ready(info, status))
    try:
        async with contexts.outside_job(info) as context:
            windows = await dispatcher.quota(info.id, context)
    except Ima2Error as error:
        return Quota(info, status, status.quota, error)
    # Asking may have shown more than the windows: the plan, or an account that has changed.
    return Quota(info, await resolver.status(info), status.quota if windows is None else windows)
