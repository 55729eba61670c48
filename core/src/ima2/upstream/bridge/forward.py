"""One request across the bridge, and its answer back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
from aiohttp import web

from ima2.upstream.bridge.body import Body
from ima2.upstream.bridge.headers import incoming, outgoing
from ima2.upstream.client import network_errors

if TYPE_CHECKING:
    from ima2.upstream.bridge.spec import BridgeSpec

TIMES = httpx.Timeout(connect=10, write=60, read=300, pool=None)
"""Seconds. A picture may be silent for minutes; a stream has no end of its own."""
PEEK = 2**16
"""Bytes of a refusal that are looked at."""
_ENCODING = "latin-1"
"""Every byte of a header has a character in it, and comes out as it was."""
_REFUSALS = frozenset({401, 403})


class Answer:
    """Upstream's answer, whose beginning may be looked at before it passes on."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._chunks = response.aiter_raw()
        self._seen = b""

    async def peek(self) -> bytes:
        """The first bytes of the body; they still pass on."""
        async for chunk in self._chunks:
            self._seen += chunk
            if len(self._seen) >= PEEK:
                break
        return self._seen

    async def stream(self) -> AsyncIterator[bytes]:
        """The body's bytes as they came, not decoded."""
        if self._seen:
            yield self._seen
        async for chunk in self._chunks:
            yield chunk


class Forwarder:
    """Sends requests upstream with the user's credential."""

    def __init__(self, spec: BridgeSpec, client: httpx.AsyncClient) -> None:
        self._spec = spec
        self._client = client

    async def forward(self, request: web.BaseRequest, url: str) -> web.StreamResponse:
        """Answer ``request`` with what upstream says at ``url``.

        When the caller is cancelled, since the client left, the connection upstream is closed.

        :raises Ima2Error: nothing has been answered yet.
        """
        with Body(request.content) as body:
            async with self._exchange(request, url, body) as answer:
                return await _pass_on(request, answer)

    @asynccontextmanager
    async def _exchange(self, request: web.BaseRequest, url: str, body: Body) -> AsyncIterator[Answer]:
        """Upstream's answer; the second one when the first said that the credential was stale."""
        credential = await self._spec.authorize(False)
        async with self._sent(request, url, body, credential) as answer:
            fresh = await self._fresh(answer, body, credential)
            if fresh is None:
                yield answer
                return
        async with self._sent(request, url, body, fresh) as answer:
            yield answer

    async def _fresh(self, answer: Answer, body: Body, used: Mapping[str, str]) -> Mapping[str, str] | None:
        """Another credential to try, when upstream refused this one before it did anything."""
        status = answer.response.status_code
        if status not in _REFUSALS or not body.repeatable:
            return None
        with network_errors("bridge", "no"):
            head = await answer.peek()
        if not self._spec.should_refresh(status, head):
            return None
        fresh = await self._spec.authorize(True)
        return fresh if fresh != used else None

    @asynccontextmanager
    async def _sent(
        self, request: web.BaseRequest, url: str, body: Body, credential: Mapping[str, str]
    ) -> AsyncIterator[Answer]:
        message = self._client.build_request(
            request.method,
            url,
            headers=httpx.Headers(outgoing(_headers(request), credential), encoding=_ENCODING),
            content=body.stream() if request.body_exists else None,
            timeout=TIMES,
        )
        with network_errors("bridge", "maybe"):
            response = await self._client.send(message, stream=True, follow_redirects=False)
        try:
            yield Answer(response)
        finally:
            await response.aclose()


def _headers(request: web.BaseRequest) -> list[tuple[str, str]]:
    return [(name.decode(_ENCODING), value.decode(_ENCODING)) for name, value in request.raw_headers]


async def _pass_on(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    """Stream the answer; when it breaks off upstream it breaks off here too, so that nobody takes it for whole."""
    upstream = answer.response
    response = web.StreamResponse(status=upstream.status_code, headers=incoming(upstream.headers.multi_items()))
    response.headers["Server"] = "ima2"
    await response.prepare(request)
    try:
        async for chunk in answer.stream():
            await response.write(chunk)
        await response.write_eof()
    except (httpx.HTTPError, httpx.StreamError, ConnectionError):
        if request.transport is not None:
            request.transport.abort()
    return response
