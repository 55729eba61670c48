"""The bridge on 127.0.0.1:18645: xAI's API for other programs, with the user's credential."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from ima2.upstream.bridge import Bridge, BridgeSpec

from ima2_grok import __version__
from ima2_grok.session import authorized, base_url
from ima2_grok.status import status

if TYPE_CHECKING:
    from ima2.hookspecs import Context

ROUTES = (
    "models",
    "language-models",
    "image-generation-models",
    "video-generation-models",
    "responses",
    "chat/completions",
    "images",
    "videos",
    "files",
    "me",
)
"""What makes text, pictures and clips; not what makes keys or moves money."""

_STALE = (b"bad-credentials", b"access token could not be validated")
"""What a 403 says when it means 401 (seen 2026-08). Other 403s are about the plan, and a new token changes nothing."""


def spec(context: Context, *, host: str | None = None, port: int | None = None) -> BridgeSpec:
    """The bridge as the settings have it, or elsewhere."""
    return BridgeSpec(
        name="grok",
        host=host or str(context.settings["bridge_host"]),
        port=int(context.settings["bridge_port"]) if port is None else port,
        upstream=base_url(context),
        routes=ROUTES,
        authorize=lambda force_refresh: authorized(context, force_refresh=force_refresh),
        should_refresh=stale,
        health=lambda: health(context),
    )


def stale(status_code: int, body: bytes) -> bool:
    """Whether xAI refused the token because its time is over."""
    return status_code == 401 or (status_code == 403 and any(words in body.lower() for words in _STALE))


def health(context: Context) -> Mapping[str, Any]:
    """As tools for Grok expect it (``upstream``, ``proxy``), and who really answers.

    ``auth`` is ``ok`` or ``missing``.
    """
    return {
        "upstream": "xAI Grok",
        "proxy": "progrok",
        "server": f"ima2-grok/{__version__}",
        "auth": "ok" if status(context).ready else "missing",
    }


@asynccontextmanager
async def serve(context: Context) -> AsyncIterator[Mapping[str, Any]]:
    """The service of ``ima2 serve``: what it advertises is where the bridge was asked for, and where it is."""
    configured = int(context.settings["bridge_port"])
    if context.settings["no_bridge"]:
        yield {"configuredPort": configured, "status": "disabled"}
        return
    async with Bridge(spec(context), context.client) as bridge:
        yield {"configuredPort": configured, "actualPort": bridge.port, "url": bridge.url, "status": "ready"}


def is_bridge(body: bytes) -> bool:
    """Whether ``GET /health`` was answered by a bridge to Grok, ours or another tool's."""
    try:
        said = json.loads(body)
    except ValueError:
        return False
    return isinstance(said, dict) and said.get("status") == "ok" and said.get("proxy") == "progrok"
