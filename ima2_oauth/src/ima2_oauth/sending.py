"""One paid call, over the route that takes it.

The request is counted as sent when it leaves for the first time (``Sending``), and that is said once. It leaves a
second time in two cases alone, in both of which the service has refused it before it looked at it, so that the second
time is the first that anything can be drawn or charged:

- 401: the access token itself was refused. It is renewed, once, and only a different token is tried.
- 4xx with the words for a missing image tool (:func:`ima2_oauth.errors.lacks_capability`): the other route is taken,
  once, when the request left the choice open.

Everything else is final: a silence, a broken connection, 5xx, 429, moderation, an answer without a picture.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from ima2.errors import Ima2Error, NotReady, Paid, UpstreamTimeout
from ima2.models import Call, CallEvent, Media, Phase, Sending, Usage, Warning
from ima2_openai.answer import Answer
from ima2_openai.errors import Service
from ima2_openai.exchange import Post, Reader, exchange

from ima2_oauth import findings, hosted, native
from ima2_oauth.errors import CHATGPT, IMAGES, advised, lacks_capability, token_refused
from ima2_oauth.generate import TITLES
from ima2_oauth.pictures import Pictures, load
from ima2_oauth.route import Route
from ima2_oauth.session import account, authorized, base_url, note_limits

if TYPE_CHECKING:
    from ima2.hookspecs import Context

Events = AsyncGenerator[CallEvent, None]


async def generate(call: Call, context: Context) -> Events:
    """The events of one call; see :func:`ima2.hookspecs.dispatched.DispatchedSpecs.ima2_generate_image`."""
    pictures = await asyncio.to_thread(load, call, context)
    for warning in pictures.warnings:
        yield warning
    seconds = float(context.settings["generation_timeout"]) / 1000
    drawn = False
    async with aclosing(_on_time(_over_routes(call, context, pictures), seconds)) as events:
        async for event in events:
            found: list[Warning] = []
            if isinstance(event, Media):
                drawn = True
                found += findings.drift(call, event)  # now: the file is moved as soon as it is told of
            elif isinstance(event, Usage) and drawn:
                found += findings.ignored_inputs(call, event)
            yield event
            for warning in found:
                yield warning


async def _on_time(events: Events, seconds: float) -> Events:
    """The same events, within so many seconds for all of them together.

    :raises UpstreamTimeout: they were not.
    """
    end, sent = asyncio.get_running_loop().time() + seconds, False
    async with aclosing(events):
        while True:
            try:
                async with asyncio.timeout_at(end) as limit:
                    event = await anext(events, None)
            except TimeoutError:
                if not limit.expired():
                    raise
                raise _too_late(seconds, "maybe" if sent else "no") from None
            if event is None:
                return
            sent = sent or isinstance(event, Sending)
            yield event


def _too_late(seconds: float, paid: Paid) -> UpstreamTimeout:
    hint = "Look at your usage page before you try again; IMA2_OAUTH_GENERATION_TIMEOUT_MS gives more time"
    return UpstreamTimeout(f"ChatGPT did not finish within {seconds:g} s.", step="generate", paid=paid, hint=hint)


async def _over_routes(call: Call, context: Context, pictures: Pictures) -> Events:
    first, routes = call.parameters["route"], call.parameters["routes"]
    other: Route = "images" if first == "responses" else "responses"
    try:
        async with aclosing(_signed_in(call, context, pictures, first)) as events:
            async for event in events:
                yield event
        return
    except Ima2Error as error:
        refusal = advised(error)
        if other not in routes or not lacks_capability(refusal):
            raise refusal from None
    yield _moved(refusal, other)
    try:
        async with aclosing(_signed_in(call, context, pictures, other)) as events:
            async for event in events:
                if not isinstance(event, Sending):
                    yield event
    except Ima2Error as error:
        raise advised(error) from None


async def _signed_in(call: Call, context: Context, pictures: Pictures, route: Route) -> Events:
    headers = await authorized(context)
    try:
        async with aclosing(_once(call, context, pictures, route, headers)) as events:
            async for event in events:
                yield event
        return
    except Ima2Error as error:
        if not token_refused(error):
            raise
        refusal = error
    try:
        renewed = await authorized(context, force_refresh=True)
    except NotReady:  # it is over; the first refusal says why
        raise refusal from None
    if renewed["Authorization"] == headers["Authorization"]:
        raise refusal
    async with aclosing(_once(call, context, pictures, route, renewed)) as events:
        async for event in events:
            if not isinstance(event, Sending | Phase):
                yield event


async def _once(call: Call, context: Context, pictures: Pictures, route: Route, headers: Mapping[str, str]) -> Events:
    """One request over one route."""
    said = call.parameters["routes"][route]
    post, service, reader = await asyncio.to_thread(_request, call, context, pictures, route, headers)
    yield Phase(name="generate", message=f"{TITLES[route]}, {said['model']}")
    async with aclosing(exchange(post, context, service, reader)) as events:
        async for event in events:
            yield _on(route, event)


def _request(
    call: Call, context: Context, pictures: Pictures, route: Route, headers: Mapping[str, str]
) -> tuple[Post, Service, Reader]:
    said, spool = call.parameters["routes"][route], context.spool
    if route == "responses":
        path, body, extra = hosted.PATH, hosted.body(said, call.prompt, pictures), hosted.headers(said)
        service, reader = CHATGPT, Heard(Answer(CHATGPT, spool), lambda found: note_limits(context, found))
    else:
        path, body, extra = (
            native.path(pictures),
            native.body(said, call.prompt, pictures),
            {"Accept": "application/json"},
        )
        service = IMAGES
        reader = Heard(native.Drawn(spool, str(said["model"])), lambda found: note_limits(context, found))
    idle = float(context.settings["generation_timeout"]) / 1000
    post = Post(f"{base_url(context)}/{path}", {**headers, **extra}, body, idle=idle, account=account(context))
    return post, service, reader


class Heard:
    """Passes an answer on to its reader, and the quota windows it tells of to whoever keeps them."""

    def __init__(self, reader: Reader, note: Callable[[Mapping[str, str]], None]) -> None:
        self._reader = reader
        self._note = note

    @property
    def final(self) -> bool:
        """As the reader says."""
        return self._reader.final

    def opened(self, status: int, headers: Mapping[str, str]) -> Iterator[CallEvent]:
        """The headers of any answer, a refusal's too."""
        self._note(headers)
        yield from self._reader.opened(status, headers)

    def take(self, event: Mapping[str, Any], name: str | None = None) -> Iterator[CallEvent]:
        """An ``error`` event may carry the headers that could no longer be sent."""
        if isinstance(said := event.get("headers"), Mapping):
            self._note({str(key).lower(): str(value) for key, value in said.items()})
        yield from self._reader.take(event, name)

    def whole(self, document: Any) -> Iterator[CallEvent]:
        """As it is."""
        yield from self._reader.whole(document)

    def end(self, cut: Ima2Error | None = None) -> Iterator[CallEvent]:
        """As it is."""
        yield from self._reader.end(cut)


def _on(route: Route, event: CallEvent) -> CallEvent:
    """With the route among what is claimed of a picture."""
    if isinstance(event, Media):
        return event.model_copy(update={"claimed": {**event.claimed, "route": route}})
    return event


def _moved(refusal: Ima2Error, other: Route) -> Warning:
    text = f"{refusal.message} Nothing was drawn; the {TITLES[other]} was taken."
    return Warning(code="ROUTE_MOVED", field="route", normalized_to=other, reason=refusal.code, message=text)
