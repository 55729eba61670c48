"""Bodies that the bridge reads, and refusals that it hands on in the one form that OpenAI's libraries read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web
from ima2.errors import InvalidRequest
from ima2.upstream.bridge import Answer
from ima2_openai.envelope import read

from ima2_oauth.errors import request_id

MOST = 60 * 2**20
"""Bytes of a request. Above 64 MB the service drops input images, or calls them a breach of its rules."""
MOST_REFUSED = 2**20


async def content(request: web.BaseRequest) -> bytes:
    """The whole body.

    :raises InvalidRequest: ``BODY_TOO_LARGE`` (413).
    """
    return b"".join([chunk async for chunk in bounded(request.content.iter_any())])


async def bounded(chunks: AsyncIterator[bytes], most: int = MOST) -> AsyncIterator[bytes]:
    """The same chunks, as long as they are not too many.

    :raises InvalidRequest: ``BODY_TOO_LARGE`` (413).
    """
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > most:
            text = f"A request has at most {MOST >> 20} MiB here; the service drops pictures above that."
            raise InvalidRequest(text, code="BODY_TOO_LARGE", status=413)
        yield chunk


async def json_object(request: web.BaseRequest) -> dict[str, Any]:
    """The body as a JSON object.

    :raises InvalidRequest: ``METHOD_NOT_ALLOWED`` (405), ``INVALID_JSON``, ``BODY_TOO_LARGE``.
    """
    if request.method != "POST":
        raise InvalidRequest("This is asked for with POST.", code="METHOD_NOT_ALLOWED", status=405)
    try:
        value = json.loads(await content(request))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidRequest("The body is no JSON object.", code="INVALID_JSON")
    return value


async def refused(answer: Answer) -> web.Response:
    """The service's refusal; ``X-Should-Retry: false`` keeps libraries from sending again what may be charged."""
    said = read(await answer.read(MOST_REFUSED))
    kind = said.type or ("upstream_error" if answer.response.status_code >= 500 else "invalid_request_error")
    error = {"message": said.message, "type": kind, "param": said.param or None, "code": said.code or None}
    headers = {"Server": "ima2", "X-Should-Retry": "false"}
    if name := request_id(answer.response.headers):
        headers["X-Request-Id"] = name
    if after := answer.response.headers.get("retry-after"):
        headers["Retry-After"] = after
    return web.json_response({"error": error}, status=answer.response.status_code, headers=headers)
