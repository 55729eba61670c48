"""Routes as data: what a handler serves is written beside it, and the app, the guard and OpenAPI read the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from types import ModuleType

from aiohttp import web
from pydantic import BaseModel

from ima2.server.envelope import Family

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_MARK = "__ima2_endpoint__"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route.

    :ivar path: in aiohttp's spelling (``/api/jobs/{id}``).
    :ivar family: the form of its errors.
    :ivar body: the model of a JSON body, for the documentation; the kernel does the parsing.
    :ivar query: query parameters by name, with a sentence each.
    :ivar raw_image: it takes the bytes of a picture instead of JSON.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    family: Family = "nested"
    body: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    query: tuple[tuple[str, str], ...] = ()
    raw_image: bool = False
    status: int = 200
    media_type: str = "application/json"


def endpoint(
    method: str,
    path: str,
    *,
    family: Family = "nested",
    body: type[BaseModel] | None = None,
    answer: type[BaseModel] | None = None,
    query: tuple[tuple[str, str], ...] = (),
    raw_image: bool = False,
    status: int = 200,
    media_type: str = "application/json",
) -> Callable[[Handler], Handler]:
    """Describe a handler. Its docstring's first line becomes the summary."""

    def mark(handler: Handler) -> Handler:
        summary = (handler.__doc__ or "").strip().partition("\n")[0]
        route = Endpoint(method, path, handler, summary, family, body, answer, query, raw_image, status, media_type)
        setattr(handler, _MARK, route)
        return handler

    return mark


def endpoints_in(modules: Iterable[ModuleType]) -> tuple[Endpoint, ...]:
    """The routes that these modules define, in the order they are written."""
    found = (getattr(value, _MARK, None) for module in modules for value in vars(module).values())
    return tuple(route for route in found if route is not None)
