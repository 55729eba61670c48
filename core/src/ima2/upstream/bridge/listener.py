"""The listener of a bridge."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import TYPE_CHECKING, Self

from aiohttp import HttpVersion11, web

from ima2.errors import Ima2Error, InvalidRequest
from ima2.upstream.bridge.forward import Forwarder
from ima2.upstream.bridge.guard import judge, target
from ima2.upstream.hosts import is_loopback
from ima2.upstream.sockets import listening_near, url_of

if TYPE_CHECKING:
    import httpx

    from ima2.upstream.bridge.spec import BridgeSpec

HEALTH = "/health"
SHUTDOWN_SECONDS = 1.0
log = logging.getLogger("ima2.bridge")


class Bridge:
    """Runs for as long as the block lasts.

    :raises InvalidRequest: ``BRIDGE_NOT_LOOPBACK``; ``HOST_NOT_OURS`` when the block begins.
    """

    def __init__(self, spec: BridgeSpec, client: httpx.AsyncClient) -> None:
        if not is_loopback(spec.host):
            raise InvalidRequest(
                f"A bridge lends out your sign-in, so it is for this machine alone; {spec.host} is not on loopback.",
                code="BRIDGE_NOT_LOOPBACK",
            )
        self.spec = spec
        self.url = ""
        self.port = 0
        self._forwarder = Forwarder(spec, client)
        # Bodies pass as they are, and what the client no longer waits for ends at once.
        server = web.Server(self._answer, access_log=None, handler_cancellation=True, auto_decompress=False)
        self._runner = web.ServerRunner(server, shutdown_timeout=SHUTDOWN_SECONDS)

    @property
    def moved(self) -> bool:
        """Whether the port that was asked for belongs to another."""
        return self.spec.port not in (0, self.port)

    async def __aenter__(self) -> Self:
        try:
            listener = listening_near(self.spec.host, self.spec.port)
        except OSError as error:
            text = f"{self.spec.host} can't be listened on: {error.strerror or error}."
            raise InvalidRequest(text, code="HOST_NOT_OURS") from None
        self.port, self.url = listener.getsockname()[1], url_of(listener)
        if self.moved:
            log.warning("port %d is taken; the bridge of %s is on %d", self.spec.port, self.spec.name, self.port)
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            judge(request, self.port)
            if request.raw_path.partition("?")[0] == HEALTH:
                return self._health()
            asked = target(request, self.spec)
            await _invite_body(request)
            if handler := self.spec.handlers.get(asked.route):
                return await handler(request, self._forwarder)
            return await self._forwarder.forward(request, asked)
        except Ima2Error as error:
            return refusal(error)

    def _health(self) -> web.Response:
        facts = {"status": "ok", **self.spec.health(), "port": self.port}
        return web.json_response(facts, headers={"Server": "ima2", "Cache-Control": "no-store"})


async def _invite_body(request: web.BaseRequest) -> None:
    """A client may hold its body back until it knows that it is wanted (RFC 9110 §10.1.1); curl does above 1 MB."""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.version >= HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # What was written before the answer's own head must not count as part of it.
        request.writer.output_size = 0


def refusal(error: Ima2Error) -> web.Response:
    """The bridge's own word, in the form that clients of these services read.

    ``X-Should-Retry: false`` keeps OpenAI's libraries from sending again what may have been paid for.
    """
    message = f"{error.message} Type: {error.hint}" if error.hint else error.message
    body = {"error": {"message": message, "type": _type(error), "param": None, "code": error.code}}
    headers = {"Server": "ima2", "X-Should-Retry": "true" if error.retryable else "false"}
    return web.json_response(body, status=error.status, headers=headers)


def _type(error: Ima2Error) -> str:
    if error.status == 401:
        return "auth_error"
    if error.status == 413:
        return "payload_too_large"
    return "upstream_error" if error.status >= 500 else "invalid_request_error"
