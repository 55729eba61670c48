"""The user's settings become the request's defaults.

A setting whose name is a field of :class:`Request` fills that field when the request leaves it open; one whose name
has a kind before it (``image_model``) does so for requests of that kind. Every other per-request setting lands in
``request.options``. After this a request says all a provider's pure hooks need to know.
"""

from __future__ import annotations

from typing import Any

from ima2.hookspecs import ProviderInfo
from ima2.models import Request, Warning
from ima2.settings.values import SettingsView

_NEVER_FILLED = frozenset({"id", "prompt", "provider", "references", "options", "labels"})
_FIELDS = frozenset(Request.model_fields) - _NEVER_FILLED


def fill(request: Request, info: ProviderInfo, view: SettingsView) -> tuple[Request, tuple[Warning, ...]]:
    """The request as ``info`` would get it, and a warning for each option that means nothing to this provider."""
    names = {setting.name for setting in info.settings if setting.serves(request.kind)}
    unknown = sorted(set(request.options) - names)
    given = {name: value for name, value in request.options.items() if name in names}
    values = view.for_provider(info, overrides=given)
    defaults = {
        setting.name.removeprefix(f"{request.kind}_"): values[setting.name]
        for setting in info.settings
        if not setting.secret
    }
    open_fields = {
        name: value for name, value in defaults.items() if name in _FIELDS and getattr(request, name) is None
    }
    options = {name: values[name] for name in sorted(names - _FIELDS)}
    return (
        _changed(request, options=options, **open_fields),
        tuple(
            Warning(code="OPTION_IGNORED", field=name, message=f"{info.title} has no option {name} here.")
            for name in unknown
        ),
    )


def _changed(request: Request, **changes: Any) -> Request:
    """A checked copy: a setting from the environment is no better than a field from a client."""
    return Request.model_validate({**request.model_dump(), **changes})
