"""Providers, and whether they are ready."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ima2.hookspecs import ProviderInfo
from ima2.kernel.requests.readiness import fix_for
from ima2.kernel.studio import ProviderState, Studio


async def listed(studio: Studio) -> dict[str, Any]:
    """``{providers}``."""
    return {"providers": [{**info_facts(state.info), **state_facts(state)} for state in await studio.providers()]}


def info_facts(info: ProviderInfo) -> dict[str, Any]:
    """A provider as it describes itself; its settings without the secret ones' values, which are not here at all."""
    return {
        "id": info.id,
        "title": info.title,
        "kinds": list(info.kinds),
        "auto": info.auto,
        "billing": info.billing,
        "priority": info.priority,
        "concurrency": info.concurrency,
        "resumable": list(info.resumable),
        "login": info.login,
        "homepage": info.homepage,
        "settings": [{**asdict(each), "field": each.field} for each in info.settings],
    }


def state_facts(state: ProviderState) -> dict[str, Any]:
    """Readiness in our own words."""
    status = state.status
    return {
        "ready": status.ready,
        "why": status.why or None,
        "hint": None if status.ready else fix_for(state.info, status),
        "account": status.account,
        "plan": status.plan,
        "expiresAt": status.expires_at,
        "source": status.source,
        "quota": [
            {"label": window.label, "usedPercent": window.used_percent, "resetsAt": window.resets_at}
            for window in status.quota
        ],
    }
