"""Models, and what can be asked of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import ima2
from ima2.hookspecs import ModelInfo, ProviderInfo
from ima2.kernel.requests.catalogue import Catalogue
from ima2.kernel.studio import Studio
from ima2.models.request import MAX_COUNT

_CHOICES = {"reasoningEfforts": "reasoning_efforts", "quality": "qualities", "moderation": "moderations"}


async def listed(studio: Studio, provider: str | None, *, refresh: bool) -> dict[str, Any]:
    """``{models}``, each with its provider."""
    found = await studio.models(provider, refresh=refresh)
    return {"models": flat(found)}


def flat(found: Iterable[tuple[ProviderInfo, Catalogue]]) -> list[dict[str, Any]]:
    """Every model of these catalogues with its provider."""
    return [{"provider": info.id, **facts(model)} for info, catalogue in found for model in catalogue.models]


async def capabilities_of(studio: Studio, *, source: str, server: str | None = None) -> dict[str, Any]:
    """The summary. ``source`` is ``server``, with its address, or ``local`` when a command answers without one."""
    listed = await studio.models()
    return {
        "ok": True,
        "name": "ima2",
        "source": source,
        "server": server,
        "version": ima2.__version__,
        "defaults": {info.id: defaults_of(studio, info) for info, _ in listed},
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


def defaults_of(studio: Studio, info: ProviderInfo) -> dict[str, Any]:
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
    """Of pictures; what clips and questions take, their own models say."""
    pictures = (model for model in catalogue.models if model.kind == "image")
    return max((model.capabilities.max_references for model in pictures), default=0)


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
