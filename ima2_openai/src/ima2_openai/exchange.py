"""One paid ``POST`` and everything that can come back for it. Knows no backend: address, headers and body are given."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ima2.errors import Ima2Error, NoImage, UpstreamError
from ima2.models import CallEvent, Sending
from ima2.upstream import sse
from ima2.upstream.client import network_errors, retry_after

from ima2_openai.answer import Answer
from ima2_openai.chunks import Chunks
from ima2_openai.envelope import read
from ima2_openai.errors import Service, refused

if TYPE_CHECKING:
    import httpx
    from ima2.hookspecs import Context

CONNECT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Post:
    """A paid request. ``idle`` is the longest silence in seconds; ``account`` names the payer, masked."""

    url: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    idle: float
    account: str | None = field(default=None)


class Reader(Protocol):
    """Makes ima2's events of what comes back; :class:`~ima2_openai.answer.Answer` is the usual one."""

    @property
    def final(self) -> bool:
        """Nothing that matters follows; reading may stop."""
        ...

    def opened(self, status: int, headers: Mapping[str, str]) -> Iterator[CallEvent]:
        """The service answers, maybe with a refusal."""
        ...

    def take(self, event: Mapping[str, Any], name: str | None = None) -> Iterator[CallEvent]:
        """One event of a stream."""
        ...

    def whole(self, document: Any) -> Iterator[CallEvent]:
        """The one JSON document of an answer that is no stream."""
        ...

    def end(self, cut: Ima2Error | None = None) -> Iterator[CallEvent]:
        """Nothing follows; raises what became of it when no picture came."""
        ...


async def exchange(
    post: Post, context: Context, service: Service, answer: Reader | None = None
) -> AsyncGenerator[CallEvent, None]:
    """Send once, yield what comes. A picture that arrived is kept whatever happens afterwards.

    :raises Ima2Error: no picture came, for exactly one reason.
    """
    answer, cut = answer or Answer(service, context.spool), None
    content = json.dumps(post.body).encode()
    yield Sending(account=post.account)
    try:
        async with aclosing(_send(post, content, context, service, answer)) as events:
            async for event in events:
                yield event
    except UpstreamError as error:
        cut = _advised(error)
    for event in answer.end(cut):
        yield event


def _advised(error: UpstreamError) -> UpstreamError:
    """A broken connection with what to do about it; a refusal has its own advice."""
    paid, retry = "Look at the service's usage page: it may have been charged.", "Check the network, then try again."
    return error.but(step="generate", hint=error.hint or (retry if error.paid == "no" else paid))


async def _send(
    post: Post, content: bytes, context: Context, service: Service, answer: Reader
) -> AsyncGenerator[CallEvent, None]:
    import httpx

    headers = {
        "Accept": "text/event-stream, application/json",
        "Content-Type": "application/json",
        **post.headers,
    }
    timeout = httpx.Timeout(post.idle, connect=min(post.idle, CONNECT_SECONDS))
    with network_errors("generate", "maybe"):
        async with context.client.stream(
            "POST", post.url, headers=headers, content=content, timeout=timeout
        ) as response:
            for event in answer.opened(response.status_code, response.headers):
                yield event
            if not response.is_success:
                raise await _refusal(response, service)
            async with aclosing(_read(response, context, service, answer)) as events:
                async for event in events:
                    yield event


async def _refusal(response: httpx.Response, service: Service) -> Ima2Error:
    async with Chunks(response) as chunks:
        body = await chunks.start()
    headers = response.headers
    return refused(
        service,
        response.status_code,
        body,
        retry_after=retry_after(headers),
        request_id=headers.get("x-request-id") or headers.get("x-oai-request-id"),
    )


async def _read(
    response: httpx.Response, context: Context, service: Service, answer: Reader
) -> AsyncGenerator[CallEvent, None]:
    """Whether it is a stream, one JSON object or a web page is told by the first byte, not by a header."""
    async with Chunks(response) as chunks:
        match await chunks.first():
            case b"<":
                raise _web_page(service, await chunks.start())
            case b"{":
                for event in answer.whole(await sse.document(chunks, context.spool)):
                    yield event
            case _:
                async with aclosing(_streamed(chunks, context, answer)) as events:
                    async for event in events:
                        yield event


async def _streamed(chunks: Chunks, context: Context, answer: Reader) -> AsyncGenerator[CallEvent, None]:
    async with aclosing(sse.events(chunks, context.spool)) as received:
        async for message in received:
            for event in answer.take(message.data, message.name):
                yield event
            if answer.final:
                chunks.finished()
                return


def _web_page(service: Service, start: bytes) -> NoImage:
    text = f"{service.title} answered with a web page in place of the result: {read(start).message}"
    hint = "Check a proxy or VPN, then look at your usage page before you try again."
    return NoImage(text, code="STREAM_PARSE_FAILED", step="generate", paid="maybe", hint=hint)
