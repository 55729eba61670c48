"""Beginning a job from a request, once for each idempotency key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from ima2.errors import InvalidRequest
from ima2.kernel.studio import Accepted
from ima2.models.request import REQUEST_ID_FORM, Surface
from ima2.server.keys import REQUEST_ID, STUDIO

MAX_KEY = 255


async def begin(request: web.Request, surface: Surface, body: Mapping[str, Any]) -> Accepted:
    """Begin the job, or find the one that this key has begun."""
    return await request.app[STUDIO].submit(
        named(request, body), surface=surface, idempotency_key=_idempotency_key(request)
    )


def named(request: web.Request, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body with the id of its job: the client's, where it is one. Answers, errors and headers carry it too."""
    given = body.get("requestId") or body.get("clientRequestId")
    if isinstance(given, str) and REQUEST_ID_FORM.fullmatch(given):
        request[REQUEST_ID] = given
    return {**body, "requestId": request[REQUEST_ID]}


def _idempotency_key(request: web.Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= MAX_KEY and key.isascii() and key.isprintable()):
        raise InvalidRequest(f"An Idempotency-Key has 1 to {MAX_KEY} ASCII characters.", code="INVALID_IDEMPOTENCY_KEY")
    return key
