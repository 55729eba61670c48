"""The first page: what runs here, who is ready, what was made last. No script, so nothing in it can run."""

from __future__ import annotations

from aiohttp import web

from ima2.server.endpoint import endpoint
from ima2.server.keys import STUDIO
from ima2.server.page import POLICY, render

NEWEST = 12


@endpoint("GET", "/", media_type="text/html")
async def index(request: web.Request) -> web.Response:
    """A page that says what runs here."""
    studio = request.app[STUDIO]
    page = render(await studio.providers(), await studio.store.artifacts(limit=NEWEST), await studio.store.count())
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store, max-age=0"}
    return web.Response(text=page, content_type="text/html", headers=headers)


@endpoint("GET", "/favicon.ico", media_type="image/svg+xml")
async def favicon(_request: web.Request) -> web.Response:
    """None: browsers ask for it."""
    return web.Response(status=204)
