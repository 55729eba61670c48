"""Routes that plugins bring, under ``/api/x/<plugin>/``."""

from __future__ import annotations

import logging
import re
from importlib import import_module

from aiohttp import web

from ima2.hookspecs import Route
from ima2.kernel.plugins.collect import collect
from ima2.kernel.studio import Studio
from ima2.server.endpoint import Handler

log = logging.getLogger("ima2.server")
_PATH = re.compile(r"/?[A-Za-z0-9_\-./{}]*")


def add_plugin_routes(app: web.Application, studio: Studio) -> None:
    """Add each; one that can't be loaded costs only itself."""
    for plugin, route in collect(studio.host, "ima2_routes"):
        try:
            _add(app, plugin, route)
        except Exception as error:
            log.warning("plugin %s: its route %s can't be served: %s", plugin, route, type(error).__name__)


def _add(app: web.Application, plugin: str, route: Route) -> None:
    if not _PATH.fullmatch(route.path) or ".." in route.path:
        raise ValueError(route.path)
    app.router.add_route(route.method.upper(), f"/api/x/{plugin}/{route.path.lstrip('/')}", _load(route.target))


def _load(target: str) -> Handler:
    module, _, name = target.partition(":")
    handler: Handler = getattr(import_module(module), name)
    return handler
