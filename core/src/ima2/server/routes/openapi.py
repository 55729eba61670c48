"""The API describes itself."""

from __future__ import annotations

from aiohttp import web

from ima2.server.describe import document
from ima2.server.endpoint import endpoint
from ima2.server.keys import ENDPOINTS, STUDIO


@endpoint("GET", "/api/openapi.json")
async def openapi(request: web.Request) -> web.Response:
    """Describe this API: OpenAPI 3.1."""
    return web.json_response(document(request.app[ENDPOINTS], request.app[STUDIO].host.providers))
