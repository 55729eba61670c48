"""The forms that errors have on the wire. Existing clients expect three, by family of routes."""

from __future__ import annotations

from typing import Any, Literal

from aiohttp import web

from ima2.errors import Ima2Error

Family = Literal["flat", "nested", "ok", "classic"]
RETRY_AFTER = 5
"""Seconds, with every 429 that knows nothing better."""
_NESTED_ANYWAY = frozenset({"INVALID_PROMPT", "PROMPT_TOO_LONG", "INVALID_COUNT"})
"""These come nested from ``POST /api/generate``, which is flat otherwise: existing clients read them so."""


def envelope(error: Ima2Error, family: Family, request_id: str | None = None) -> dict[str, Any]:
    """The body.

    ``flat``: ``{error: text, code, …}``. ``nested``: ``{error: {code, message}, code, …}``.
    ``ok``: ``{ok: false, error: text, code, …}``. ``classic``: flat, or nested. A job's own id comes first.
    """
    facts = ({"requestId": request_id} if request_id else {}) | error.to_dict()
    if family == "nested" or (family == "classic" and error.code in _NESTED_ANYWAY):
        return {**facts, "error": {"code": error.code, "message": error.message}, "message": error.message}
    return {"ok": False, **facts} if family == "ok" else facts


def error_response(error: Ima2Error, family: Family, request_id: str | None = None) -> web.Response:
    """The answer, with ``Retry-After`` where waiting helps."""
    headers = {}
    if error.retry_after is not None or error.status == 429:
        seconds = RETRY_AFTER if error.retry_after is None else error.retry_after
        headers["Retry-After"] = str(max(1, round(seconds)))
    return web.json_response(envelope(error, family, request_id), status=error.status, headers=headers)
