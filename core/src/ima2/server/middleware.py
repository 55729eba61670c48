"""The three middlewares, outermost first: request id, errors, guard."""

from __future__ import annotations

import logging
import traceback

from aiohttp import web
from ulid import ULID

from ima2.errors import Forbidden, Ima2Error, NotFound
from ima2.models.request import REQUEST_ID_FORM
from ima2.server.endpoint import Endpoint, Handler
from ima2.server.envelope import Family, error_response
from ima2.server.guard.rules import judge
from ima2.server.keys import ENDPOINTS, POLICY, REQUEST_ID

log = logging.getLogger("ima2.server")


@web.middleware
async def request_id(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Keep the client's ``X-Request-Id`` or make one; every answer carries it."""
    given = request.headers.get("X-Request-Id", "")
    request[REQUEST_ID] = given if REQUEST_ID_FORM.fullmatch(given) else f"req_{ULID()}"
    return await handler(request)


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every failure becomes the envelope of its family of routes; what is unforeseen says nothing of itself."""
    try:
        return await handler(request)
    except Ima2Error as error:
        found = error
    except web.HTTPException as error:
        if error.status < 400:
            raise
        found = _from_aiohttp(error)
    except ConnectionError:
        raise
    except Exception as error:
        _log(request, error)
        found = Ima2Error("Something went wrong here; the server's log knows what.", hint="ima2 doctor")
    if found.code == "NOT_FOUND" and request.path.startswith("/generated/"):
        return web.Response(status=404, text="Not found.\n")
    response = error_response(found, family_of(request), request[REQUEST_ID])
    if isinstance(found, Forbidden):
        # A stranger keeps no connection.
        response.force_close()
    return response


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Nothing runs before the guard has passed it."""
    policy = request.app[POLICY]
    if policy.enabled:
        route = endpoint_of(request)
        judge(request, policy, raw_image=route is not None and route.raw_image)
    return await handler(request)


def endpoint_of(request: web.Request) -> Endpoint | None:
    """The route that was matched, if it is one of ours."""
    handler = request.match_info.handler
    return next((route for route in request.app[ENDPOINTS] if route.handler is handler), None)


def family_of(request: web.Request) -> Family:
    """The form of this request's errors."""
    route = endpoint_of(request)
    return route.family if route else "nested"


def _from_aiohttp(error: web.HTTPException) -> Ima2Error:
    if error.status == 404:
        return NotFound("There is nothing here.", hint="GET /api/openapi.json lists the routes")
    codes = {405: "METHOD_NOT_ALLOWED", 413: "BODY_TOO_LARGE"}
    return Ima2Error(error.reason, code=codes.get(error.status, "BAD_REQUEST"), status=error.status)


def _log(request: web.Request, error: Exception) -> None:
    """Where it happened and of what class; an exception's own words may hold a prompt."""
    resource = request.match_info.route.resource
    frames = traceback.extract_tb(error.__traceback__)
    place = "\n".join(f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)
    route = resource.canonical if resource else "?"
    log.error("%s %s: unexpected %s\n%s", request.method, route, type(error).__qualname__, place)
