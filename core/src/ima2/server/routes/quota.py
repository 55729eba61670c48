"""What is left of the plans."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ima2.kernel.answers.quota import quota_facts
from ima2.kernel.quota import Quota
from ima2.server.endpoint import endpoint
from ima2.server.keys import STUDIO


@endpoint("GET", "/api/quota")
async def quota(request: web.Request) -> web.Response:
    """Tell the windows of every plan: used percent, reset time. Asks the services."""
    asked = await request.app[STUDIO].quota()
    plans = [each for each in asked if each.info.billing == "subscription"]
    known = {each.info.alias or each.info.id: _legacy(each) for each in plans}
    return web.json_response({**known, "providers": [quota_facts(each) for each in plans]})


def _legacy(quota: Quota) -> dict[str, Any]:
    """As existing clients read it."""
    status = quota.status
    account = {"email": status.account, "plan": status.plan} if status.account or status.plan else None
    return {
        "provider": quota.info.alias or quota.info.id,
        "account": account,
        "authenticated": status.ready,
        "windows": [
            {"label": each.label, "percent": each.used_percent, "resetsAt": each.resets_at} for each in quota.windows
        ],
        **({"error": quota.error.message} if quota.error else {}),
    }
