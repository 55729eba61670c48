"""Which models there are, and what can be asked of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from aiohttp import web

import ima2
from ima2.hookspecs import ModelInfo, ProviderInfo, Status
from ima2.kernel.requests.catalogue import Catalogue
from ima2.kernel.studio import Studio
from ima2.models.request import MAX_COUNT
from ima2.server.endpoint import endpoint
from ima2.server.keys import STUDIO
from ima2.server.query import flag

KINDS = ("image", "video", "text")
_CHOICES = {"reasoningEfforts": "reasoning_efforts", "quality": "qualities", "moderation": "moderations"}


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
    flat = [{"provider": info.id, **facts(model)} for info, catalogue in listed for model in catalogue.models]
    return web.json_response({"ok": True, "lanes": lanes, "models": flat})


@endpoint("GET", "/api/capabilities")
async def capabilities(request: web.Request) -> web.Response:
    """Summarise what may be asked here: defaults, valid values, limits."""
    address = str(request.url.origin())
    return web.json_response(await capabilities_of(request.app[STUDIO], source="server", server=address))


async def capabilities_of(studio: Studio, *, source: str, server: str | None = None) -> dict[str, Any]:
    """The summary. ``source`` is ``server``, with its address, or ``local`` when a command answers without one."""
    listed = await studio.models()
    return {
        "ok": True,
        "name": "ima2",
        "source": source,
        "server": server,
        "version": ima2.__version__,
        "defaults": {info.id: _defaults(studio, info) for info, _ in listed},
        "valid": _valid(listed),
        "configKeys": _config_keys(studio),
        "limits": {
            "maxRefCount": max((_references(each) for _, each in listed), default=0),
            "maxGeneratedImages": MAX_COUNT,
            "maxParallel": {"value": studio.view.limit_parallel(), "enforced": True, "note": "jobs of a process"},
        },
    }


def facts(model: ModelInfo) -> dict[str, Any]:
    """A model and its capability table."""
    return {
        "id": model.id,
        "label": model.title or model.id,
        "kind": model.kind,
        "use": model.use,
        "aliases": list(model.aliases),
        "successor": model.successor,
        "capabilities": _capabilities(model),
    }


def _capabilities(model: ModelInfo) -> dict[str, Any]:
    caps = model.capabilities
    roles = [*(["reference"] if caps.max_references else []), *(["mask"] if caps.mask else [])]
    return {
        **{name: value for name, value in asdict(caps).items() if name != "extra"},
        "source": "provider",
        "aspectRatios": list(caps.aspect_ratios),
        "parameters": _parameters(model),
        "inputRoles": roles,
    }


def _parameters(model: ModelInfo) -> list[str]:
    caps = model.capabilities
    named = {
        "size": caps.sizes,
        "quality": caps.qualities,
        "format": caps.formats,
        "moderation": caps.moderations,
        "reasoningEffort": caps.reasoning_efforts,
        "background": caps.backgrounds,
        "resolution": caps.resolutions,
        "aspectRatio": caps.aspect_ratios,
        "duration": caps.duration,
        "compression": caps.compression,
        "seed": caps.seed,
    }
    return [name for name, selectable in named.items() if selectable]


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
    chosen = _defaults(studio, info).get("model")
    return {
        kind: next((model.id for model in found if chosen in (model.id, *model.aliases)), found[0].id)
        for kind, found in by_kind.items()
        if found
    }


def _defaults(studio: Studio, info: ProviderInfo) -> dict[str, Any]:
    """The values in force of a provider's settings, by their field in a request; no secrets."""
    values = studio.view.for_provider(info)
    return {each.field: values[each.name] for each in info.settings if not each.secret}


def _valid(listed: list[tuple[ProviderInfo, Catalogue]]) -> dict[str, Any]:
    every = [model for _, catalogue in listed for model in catalogue.models]
    image = [model for model in every if model.kind == "image"]
    video = [model for model in every if model.kind == "video"]
    durations = [model.capabilities.duration for model in video if model.capabilities.duration]
    return {
        "providers": ["auto", *(info.id for info, _ in listed)],
        "imageModels": {
            "supported": _unique(model.id for model in image if not model.successor),
            "unsupported": _unique(model.id for model in image if model.successor),
        },
        "videoModels": {
            "supported": _unique(model.id for model in video),
            "aliases": {alias: model.id for model in video for alias in model.aliases},
            "resolutions": _unique(each for model in video for each in model.capabilities.resolutions),
            "aspectRatios": _unique(each for model in video for each in model.capabilities.aspect_ratios),
            "durationRange": _span(durations),
            "maxReferences": max((model.capabilities.max_references for model in video), default=0),
        },
        **{
            name: _unique(each for model in every for each in getattr(model.capabilities, capability))
            for name, capability in _CHOICES.items()
        },
        "modes": ["auto", "direct"],
    }


def _span(ranges: list[tuple[float, float]]) -> list[float]:
    """Shortest and longest clip of any model, in seconds."""
    return [min(low for low, _ in ranges), max(high for _, high in ranges)] if ranges else []


def _config_keys(studio: Studio) -> dict[str, Any]:
    settings = [each for info in studio.host.providers for each in info.settings if each.key and not each.secret]
    return {
        "writable": _unique(str(each.key) for each in settings),
        "envOverrides": {str(each.key): each.env[0] for each in settings if each.env},
    }


def _references(catalogue: Catalogue) -> int:
    return max((model.capabilities.max_references for model in catalogue.models), default=0)


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
