"""What a provider says of its bridge."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiohttp import web

    from ima2.upstream.bridge.forward import Forwarder

Handler = Callable[["web.BaseRequest", "Forwarder"], Awaitable["web.StreamResponse"]]


@dataclass(frozen=True, slots=True)
class BridgeSpec:
    """A bridge, described.

    :ivar name: the provider's, for messages.
    :ivar host: a loopback address to listen on.
    :ivar port: the well-known one; when it is taken, any other.
    :ivar upstream: the service's base address, which ``prefix`` stands for.
    :ivar routes: what may be asked for, below ``prefix``: ``models`` allows ``/v1/models`` and ``/v1/models/…``.
    :ivar authorize: ``await authorize(force_refresh)`` gives the headers that authorize a request; they replace the
        client's. Raises an ``Ima2Error``, whose status the client gets.
    :ivar should_refresh: whether an answer (its status, the beginning of its body) says that the credential was stale
        and nothing was done. Then the request is sent once more with a fresh one.
    :ivar health: what ``GET /health`` tells beside ``status``, from local reads.
    :ivar handlers: routes that are not passed on as they are: ``await handler(request, forwarder)`` answers them, and
        asks upstream with :meth:`Forwarder.exchange`. What it raises is answered like any other error.
    :ivar seen: is told the headers of each answer of the service.
    """

    name: str
    host: str
    port: int
    upstream: str
    routes: tuple[str, ...]
    authorize: Callable[[bool], Awaitable[Mapping[str, str]]]
    should_refresh: Callable[[int, bytes], bool]
    health: Callable[[], Mapping[str, Any]]
    prefix: str = "/v1"
    handlers: Mapping[str, Handler] = field(default_factory=dict)
    seen: Callable[[Mapping[str, str]], None] = lambda _headers: None
