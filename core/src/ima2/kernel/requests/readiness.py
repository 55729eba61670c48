"""Whether a provider can work now."""

from __future__ import annotations

from ima2.errors import NotReady
from ima2.hookspecs import ProviderInfo, Status


def fix_for(info: ProviderInfo, status: Status) -> str | None:
    """The one command that would make it ready."""
    return status.hint or info.login


def not_ready(info: ProviderInfo, status: Status) -> NotReady:
    """The error for a provider that was named and is not ready; its own code when it has one."""
    return NotReady(
        f"{info.title} is not ready: {status.why or 'no credential'}.",
        code=str(status.legacy.get("code") or "PROVIDER_NOT_READY"),
        hint=fix_for(info, status),
        step="check",
    )
