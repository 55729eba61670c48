"""Which models there are, and what can be asked of them."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ima2.hookspecs import ModelInfo, ProviderInfo, Status
from ima2.kernel.answers.models import capabilities_of, defaults_of, facts, flat
from ima2.kernel.requests.catalogue import Catalogue
from ima2.kernel.studio import Studio
from ima2.server.endpoint import endpoint
from ima2.server.keys import STUDIO
from ima2.server.query import flag

KINDS = ("image", "video", "text")


@endpoint(
    "GET",
    "/api/models",
    query=(("provider", "one provider alone"), ("refresh", "1: ask upstream for the live list first")),
)
async def models(request: web.Request) -> web.Response:
    """List every provider's models with their capabilities."""
    studio = request.app[STUDIO]
    listed = await studio.models(request.query.get("provider") or None, refresh=flag(request, "refresh"))
    lanes = {info.id: await _lane(studio, info, catalogue) for info, catalogue in listed}
    return web.json_response({"ok": True, "lanes": lanes, "models": flat(listed)})


@endpoint("GET", "/api/capabilities")
async def capabilities(request: web.Request) -> web.Response:
    """Summarise what may be asked here: defaults, valid values, limits."""
    address = str(request.url.origin())
    return web.json_response(await capabilities_of(request.app[STUDIO], source="server", server=address))


async def _lane(studio: Studio, info: ProviderInfo, catalogue: Catalogue) -> dict[str, Any]:
    status = await studio.resolver.status(info)
    by_kind = {kind: [model for model in catalogue.models if model.kind == kind] for kind in KINDS}
    return {
        "status": _lane_status(info, status),
        "reason": status.why or None,
        "hint": status.hint or info.login,
        "defaults": _default_models(studio, info, by_kind),
        "models": {kind: [facts(model) for model in found] for kind, found in by_kind.items()},
        "fetchedAt": catalogue.fetched_at,
    }


def _lane_status(info: ProviderInfo, status: Status) -> str:
    if status.ready:
        return "ready"
    return "key-missing" if info.billing == "metered" else "disconnected"


def _default_models(studio: Studio, info: ProviderInfo, by_kind: dict[str, list[ModelInfo]]) -> dict[str, str]:
    """The user's own default where it is of this kind, else the first."""
    chosen = defaults_of(studio, info).get("model")
    return {
        kind: next((model.id for model in found if chosen in (model.id, *model.aliases)), found[0].id)
        for kind, found in by_kind.items()
        if found
    }
