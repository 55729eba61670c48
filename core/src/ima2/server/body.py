"""Request bodies: read with limits, parsed strictly, before any of it means anything."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any

from aiohttp import ClientConnectionError, web
from aiohttp.http_exceptions import HttpProcessingError
from pydantic_core import from_json

from ima2.errors import Ima2Error, InvalidRequest
from ima2.server.guard.policy import Policy

MAX_DEPTH = 64
MAX_MARKS = 200_000
"""Commas and brackets of a body: what bounds the objects it becomes. Base64 has none of them."""
_THREAD_BYTES = 1 << 20
"""Bodies above this are parsed in a thread."""


async def read_body(request: web.BaseRequest, policy: Policy) -> bytes:
    """The whole body, decompressed.

    :raises Ima2Error: 413 ``BODY_TOO_LARGE``, 408 ``BODY_TOO_SLOW``, 400 ``BODY_UNREADABLE``.
    """
    if (request.content_length or 0) > policy.body_limit:
        raise _too_large(policy)
    parts: list[bytes] = []
    size = 0
    while True:
        try:
            async with asyncio.timeout(policy.body_idle):
                part = await request.content.readany()
        except TimeoutError:
            raise Ima2Error("The body stood still for too long.", code="BODY_TOO_SLOW", status=408) from None
        except (HttpProcessingError, ClientConnectionError, web.RequestPayloadError, ValueError):
            raise InvalidRequest("The body can't be read.", code="BODY_UNREADABLE") from None
        if not part:
            return b"".join(parts)
        size += len(part)
        if size > policy.body_limit:
            raise _too_large(policy)
        parts.append(part)


async def read_object(request: web.BaseRequest, policy: Policy) -> dict[str, Any]:
    """The body as a JSON object; an empty body is ``{}``.

    :raises InvalidRequest: ``INVALID_JSON``, ``JSON_TOO_DEEP``, ``JSON_TOO_COMPLEX``, ``DUPLICATE_FIELD``.
    """
    data = await read_body(request, policy)
    if not data:
        return {}
    value = await asyncio.to_thread(parse, data) if len(data) > _THREAD_BYTES else parse(data)
    if not isinstance(value, dict):
        raise InvalidRequest("The body is no JSON object.", code="INVALID_JSON")
    return value


def parse(data: bytes) -> Any:
    """Strict JSON: UTF-8, at most :data:`MAX_DEPTH` deep, finite numbers, no field twice.

    :raises InvalidRequest: see :func:`read_object`.
    """
    if sum(map(data.count, (b",", b"[", b"{"))) > MAX_MARKS:
        raise InvalidRequest("The JSON has too many parts.", code="JSON_TOO_COMPLEX", status=413)
    try:
        value = from_json(data, allow_inf_nan=False)
    except ValueError as error:
        if "recursion limit" in str(error):
            raise _too_deep() from None
        raise InvalidRequest("The body is no valid JSON.", code="INVALID_JSON") from None
    _check(value)
    # A field given twice means one thing to one parser and another to the next: not where money is spent.
    json.loads(data, object_pairs_hook=_unique, parse_int=str, parse_float=str)
    return value


def _check(value: Any) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH + 1:
            raise _too_deep()
        if any(isinstance(each, float) and not math.isfinite(each) for each in level):
            raise InvalidRequest("A number of the body is too large.", code="INVALID_JSON")
        level = [child for each in level for child in _children(each)]


def _children(value: Any) -> list[Any]:
    return value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []


def _unique(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidRequest(f"The field {twice[:80]!r} is given twice.", code="DUPLICATE_FIELD", field=twice[:80])


def _too_deep() -> InvalidRequest:
    return InvalidRequest(f"The JSON is nested more than {MAX_DEPTH} deep.", code="JSON_TOO_DEEP")


def _too_large(policy: Policy) -> Ima2Error:
    return Ima2Error(
        f"The body is larger than {policy.body_limit:,} bytes.",
        code="BODY_TOO_LARGE",
        status=413,
        hint="IMA2_BODY_LIMIT sets the limit",
    )
