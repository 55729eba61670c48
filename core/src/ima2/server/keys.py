"""What handlers find in the application and in a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from ima2.kernel.studio import Studio
from ima2.server.endpoint import Endpoint
from ima2.server.guard.policy import Policy
from ima2.server.streams import Streams


@dataclass(slots=True)
class Runtime:
    """Where this server can be reached. ``services`` is what the plugins' listeners said of themselves.

    ``configured_port`` was asked for, ``port`` was free; ``started_at`` is epoch milliseconds.
    """

    started_at: int
    configured_port: int = 0
    port: int = 0
    url: str = ""
    services: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As in ``server.json`` and ``/api/health``."""
        backend = {"configuredPort": self.configured_port, "actualPort": self.port, "url": self.url}
        return {"backend": backend, **{name: dict(facts) for name, facts in self.services.items()}}


STUDIO = web.AppKey("studio", Studio)
POLICY = web.AppKey("policy", Policy)
RUNTIME = web.AppKey("runtime", Runtime)
STREAMS = web.AppKey("streams", Streams)
ENDPOINTS: web.AppKey[tuple[Endpoint, ...]] = web.AppKey("endpoints", tuple)
REQUEST_ID = web.RequestKey("request_id", str)
