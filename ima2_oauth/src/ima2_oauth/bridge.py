"""The bridge on 127.0.0.1:10531: ChatGPT's service for other programs, in the form of OpenAI's API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from ima2.upstream.bridge import Bridge, BridgeSpec

from ima2_oauth import __version__
from ima2_oauth.bridge_routes import ROUTES, handlers
from ima2_oauth.session import authorized, base_url, note_limits
from ima2_oauth.status import status

if TYPE_CHECKING:
    from ima2.hookspecs import Context

HOST = "127.0.0.1"


def spec(context: Context, *, port: int | None = None) -> BridgeSpec:
    """The bridge as the settings have it, or on another port."""
    return BridgeSpec(
        name="oauth",
        host=HOST,
        port=int(context.settings["bridge_port"]) if port is None else port,
        upstream=base_url(context),
        routes=ROUTES,
        authorize=lambda force_refresh: authorized(context, force_refresh=force_refresh),
        should_refresh=stale,
        health=partial(health, context),
        handlers=handlers(context),
        seen=partial(note_limits, context),
    )


def stale(status_code: int, body: bytes) -> bool:
    """Whether the token was refused. A 403 is about the plan, the region or a gateway: a new token changes nothing."""
    return status_code == 401


def health(context: Context) -> Mapping[str, Any]:
    """As tools expect it (``ok``, ``replay_state``), and who answers; ``auth`` is ``ok`` or ``missing``."""
    return {
        "ok": True,
        "replay_state": "stateless",
        "server": f"ima2-oauth/{__version__}",
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
