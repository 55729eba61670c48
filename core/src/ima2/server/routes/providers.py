"""Who can make pictures here, and who is ready."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ima2.errors import NotFound
from ima2.kernel.answers.providers import info_facts, state_facts
from ima2.kernel.studio import ProviderState
from ima2.server.endpoint import endpoint
from ima2.server.keys import RUNTIME, STUDIO


@endpoint("GET", "/api/providers")
async def providers(request: web.Request) -> web.Response:
    """List the installed providers with their readiness."""
    states = await request.app[STUDIO].providers()
    keyed = [state for state in states if state.info.billing == "metered"]
    first = next((state for state in keyed if state.status.ready), None)
    runtime = request.app[RUNTIME]
    return web.json_response(
        {
            "apiKey": first is not None,
            "apiKeyDisabled": False,
            "apiKeySource": (first.status.source if first else None) or "none",
            **{state.info.id: True for state in states if state.info.billing == "subscription"},
            **_ports(runtime.services),
            "providers": [{**info_facts(state.info), **state_facts(state)} for state in states],
            "runtime": runtime.to_dict(),
        }
    )


@endpoint("GET", "/api/{provider}/status")
async def status(request: web.Request) -> web.Response:
    """One provider's readiness, account and quota, from local reads."""
    name = request.match_info["provider"]
    studio = request.app[STUDIO]
    info = next((each for each in studio.host.providers if each.id == name), None)
    if info is None:
        raise NotFound(f"No provider {name[:40]!r} is installed.", hint="ima2 providers")
    found = await studio.resolver.status(info)
    facts = state_facts(ProviderState(info, found))
    return web.json_response({**facts, **found.legacy, "runtime": request.app[RUNTIME].to_dict()})


def _ports(services: Any) -> dict[str, Any]:
    """``<service>Port``, ``ActualPort`` and ``Url``, flat, as existing clients read them."""
    names = {"configuredPort": "Port", "actualPort": "ActualPort", "url": "Url"}
    return {
        f"{service}{suffix}": facts[name]
        for service, facts in services.items()
        for name, suffix in names.items()
        if name in facts
    }
