"""One request across the bridge, and its answer back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
from aiohttp import web

from ima2.errors import UpstreamError
from ima2.upstream.bridge.body import Body, Whole
from ima2.upstream.bridge.guard import Target
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

    async def read(self, most: int) -> bytes:
        """All of the body.

        :raises UpstreamError: it broke off, or has more than ``most`` bytes (``ANSWER_TOO_LARGE``).
        """
        body = bytearray()
        with network_errors("bridge", "maybe"):
            async for chunk in self.stream():
                body += chunk
                if len(body) > most:
                    raise UpstreamError(f"An answer has more than {most:,} bytes.", code="ANSWER_TOO_LARGE")
        return bytes(body)

    async def stream(self) -> AsyncIterator[bytes]:
        """The body's bytes as they came, not decoded."""
        if self._seen:
            yield self._seen
        async for chunk in self._chunks:
            yield chunk


@dataclass(frozen=True, slots=True)
class Message:
    """A request to the service; the credential is put over ``headers``."""

    method: str
    url: str
    headers: Sequence[tuple[str, str]] = ()
    body: Body | Whole | None = None


class Forwarder:
    """Sends requests upstream with the user's credential."""

    def __init__(self, spec: BridgeSpec, client: httpx.AsyncClient) -> None:
        self._spec = spec
        self._client = client

    def address(self, target: Target) -> str:
        """Where that is upstream."""
        return f"{self._spec.upstream.rstrip('/')}/{target.route}{target.query}"

    async def forward(self, request: web.BaseRequest, target: Target) -> web.StreamResponse:
        """Answer ``request`` with what upstream says to the same.

        When the caller is cancelled, since the client left, the connection upstream is closed.

        :raises Ima2Error: nothing has been answered yet.
        """
        with Body(request.content) as body:
            sent = body if request.body_exists else None
            message = Message(request.method, self.address(target), headers_of(request), sent)
            async with self.exchange(message) as answer:
                return await pass_on(request, answer)

    @asynccontextmanager
    async def exchange(self, message: Message) -> AsyncIterator[Answer]:
        """Upstream's answer; the second one when the first said that the credential was stale.

        :raises Ima2Error: there is none.
        """
        credential = await self._spec.authorize(False)
        async with self._sent(message, credential) as answer:
            fresh = await self._fresh(answer, message, credential)
            if fresh is None:
                yield answer
                return
        async with self._sent(message, fresh) as answer:
            yield answer

    async def _fresh(self, answer: Answer, message: Message, used: Mapping[str, str]) -> Mapping[str, str] | None:
        """Another credential to try, when upstream refused this one before it did anything."""
        status = answer.response.status_code
        if status not in _REFUSALS or (message.body and not message.body.repeatable):
            return None
        with network_errors("bridge", "no"):
            head = await answer.peek()
        if not self._spec.should_refresh(status, head):
            return None
        fresh = await self._spec.authorize(True)
        return fresh if fresh != used else None

    @asynccontextmanager
    async def _sent(self, message: Message, credential: Mapping[str, str]) -> AsyncIterator[Answer]:
        request = self._client.build_request(
            message.method,
            message.url,
            headers=httpx.Headers(outgoing(message.headers, credential), encoding=_ENCODING),
            content=message.body.content if message.body else None,
            timeout=TIMES,
        )
        with network_errors("bridge", "maybe"):
            response = await self._client.send(request, stream=True, follow_redirects=False)
        try:
            self._spec.seen(response.headers)
            yield Answer(response)
        finally:
            await response.aclose()


def headers_of(request: web.BaseRequest) -> list[tuple[str, str]]:
    """The client's headers, byte for byte."""
    return [(name.decode(_ENCODING), value.decode(_ENCODING)) for name, value in request.raw_headers]


async def pass_on(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
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
