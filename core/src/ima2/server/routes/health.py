"""Whether the server lives, and where."""

from __future__ import annotations

import os
import time

from aiohttp import web

import ima2
from ima2.server.endpoint import endpoint
from ima2.server.keys import RUNTIME, STUDIO


@endpoint("GET", "/api/health")
async def health(request: web.Request) -> web.Response:
    """Say that the server runs. Clients find it by this, so nothing slow is asked here."""
    studio, runtime = request.app[STUDIO], request.app[RUNTIME]
    return web.json_response(
        {
            "ok": True,
            "version": ima2.__version__,
            "provider": next(iter(studio.view.providers_order()), "auto"),
            "pid": os.getpid(),
            "uptimeSec": max(0, int(time.time() - runtime.started_at / 1000)),
            "activeJobs": studio.runner.active,
            "startedAt": runtime.started_at,
            "runtime": runtime.to_dict(),
        }
    )
