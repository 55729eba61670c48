"""Who may use a bridge: programs of this machine, no page in a browser.

Everything is decided on the raw ``Host`` header and the raw target, never on a URL put together from them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from aiohttp import web

from ima2.errors import Forbidden, InvalidRequest, NotFound
from ima2.upstream.bridge.spec import BridgeSpec
from ima2.upstream.hosts import is_loopback, parse_host

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
BROWSERS = ("Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest")
"""Headers that browsers add and a page can't take away. A program has no reason to send them."""
_PATH = re.compile(r"(?:/[A-Za-z0-9_~:@-][A-Za-z0-9._~:@-]*)+")
"""Paths that mean the same to every reader: no escapes, no empty and no dotted segments."""


@dataclass(frozen=True, slots=True)
class Target:
    """A route below the prefix, and the query with its ``?``."""

    route: str
    query: str = ""


def judge(request: web.BaseRequest, port: int) -> None:
    """Let pass, or raise.

    :raises Ima2Error: 400, 403 or 405.
    """
    if not request.raw_path.startswith("/"):
        raise InvalidRequest("The request target is no path.", code="INVALID_TARGET")
    hosts = request.headers.getall("Host", [])
    if len(hosts) != 1 or not _own(hosts[0], port):
        raise Forbidden(
            "This host name is not served.", code="LOCAL_HOST_REJECTED", hint=f"use http://127.0.0.1:{port}"
        )
    if any(name in request.headers for name in BROWSERS):
        raise Forbidden("Pages in a browser are not served.", code="LOCAL_ORIGIN_REJECTED")
    if request.method not in METHODS:
        raise InvalidRequest(f"{request.method[:20]} is not served.", code="METHOD_NOT_ALLOWED", status=405)


def target(request: web.BaseRequest, spec: BridgeSpec) -> Target:
    """What was asked for.

    :raises NotFound: ``BRIDGE_ROUTE_UNKNOWN``.
    """
    path, mark, query = request.raw_path.partition("?")
    route = path.removeprefix(f"{spec.prefix}/")
    known = any(route == each or route.startswith(f"{each}/") for each in spec.routes)
    if route == path or not known or not _PATH.fullmatch(path):
        raise NotFound(
            f"The bridge of {spec.name} does not serve {path[:80]!r}.",
            code="BRIDGE_ROUTE_UNKNOWN",
            hint=f"it serves {spec.prefix}/ and: {', '.join(spec.routes)}",
        )
    return Target(route, f"{mark}{query}")


def _own(value: str, port: int) -> bool:
    host = parse_host(value)
    return host is not None and is_loopback(host.name) and (host.port or 80) == port
