"""The application: a studio behind a guard."""

from __future__ import annotations

import time
from dataclasses import replace
from http import HTTPStatus

from aiohttp import web

from ima2.kernel.studio import Studio
from ima2.server import middleware
from ima2.server.endpoint import Endpoint, endpoints_in
from ima2.server.guard.headers import add_headers
from ima2.server.guard.policy import Policy
from ima2.server.keys import ENDPOINTS, POLICY, REQUEST_ID, RUNTIME, STREAMS, STUDIO, Runtime
from ima2.server.plugin_routes import add_plugin_routes
from ima2.server.routes import MODULES
from ima2.server.streams import Streams


def create_app(
    studio: Studio,
    *,
    guard: bool = True,
    policy: Policy | None = None,
    runtime: Runtime | None = None,
    streams: Streams | None = None,
) -> web.Application:
    """The server's application over an open studio; the caller closes the studio after it.

    :param guard: False only to show what the guard prevents.
    """
    rules = policy or Policy()
    app = web.Application(
        middlewares=[middleware.request_id, middleware.errors, middleware.guard],
        client_max_size=rules.body_limit,
    )
    app[STUDIO] = studio
    app[POLICY] = replace(rules, enabled=guard and rules.enabled)
    app[RUNTIME] = runtime or Runtime(started_at=int(time.time() * 1000))
    app[STREAMS] = streams or Streams()
    app[ENDPOINTS] = endpoints_in(MODULES)
    for route in app[ENDPOINTS]:
        _add(app, route)
    add_plugin_routes(app, studio)
    app.on_response_prepare.append(add_headers)
    app.on_response_prepare.append(_complete_headers)
    app.on_shutdown.append(_close_streams)
    return app


def _add(app: web.Application, route: Endpoint) -> None:
    if route.method == "GET":
        app.router.add_get(route.path, route.handler, allow_head=route.media_type != "text/event-stream")
    else:
        app.router.add_route(route.method, route.path, route.handler)


async def _complete_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    if request_id := request.get(REQUEST_ID):
        response.headers["X-Request-Id"] = request_id
    if response.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        response.headers["Cache-Control"] = "no-store"


async def _close_streams(app: web.Application) -> None:
    app[STREAMS].close()
