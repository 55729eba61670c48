"""What is left of the plans."""

from __future__ import annotations

from typing import Any

from ima2.hookspecs import QuotaWindow
from ima2.kernel.quota import Quota


def quota_facts(quota: Quota) -> dict[str, Any]:
    """A plan in our own words; ``usedPercent`` 0–100, ``resetsAt`` epoch seconds."""
    error = quota.error
    return {
        "provider": quota.info.id,
        "title": quota.info.title,
        "ready": quota.status.ready,
        "account": quota.status.account,
        "plan": quota.status.plan,
        "windows": [_window(each) for each in quota.windows],
        **({"error": error.message, "code": error.code, "hint": error.hint} if error else {}),
    }


def _window(window: QuotaWindow) -> dict[str, Any]:
    return {"label": window.label, "usedPercent": window.used_percent, "resetsAt": window.resets_at}
