"""Every route of the server."""

from __future__ import annotations

from ima2.server.endpoint import endpoints_in
from ima2.server.routes import MODULES

from tables.markdown import code, table


def all_routes() -> str:
    """Method, path and one line, sorted by path."""
    listed = sorted(endpoints_in(MODULES), key=lambda route: (route.path, route.method))
    return table(("method", "path", ""), [(route.method, code(route.path), route.summary) for route in listed])
