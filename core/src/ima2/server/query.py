"""Reading the query and the path of a request."""

from __future__ import annotations

from aiohttp import web

from ima2.errors import InvalidRequest

_MAX_DIGITS = 15


def whole(request: web.Request, name: str, *, default: int, low: int, high: int) -> int:
    """A whole number, brought into its bounds.

    :raises InvalidRequest: it is no number.
    """
    found = optional_whole(request, name)
    return min(max(default if found is None else found, low), high)


def optional_whole(request: web.Request, name: str) -> int | None:
    """A whole number of the query, or None. Raises like :func:`whole`."""
    text = request.query.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise InvalidRequest(f"{name} is a whole number.", code="INVALID_FIELD", field=name)
    return int(text)


def flag(request: web.Request, name: str) -> bool:
    """``1`` and ``true`` are true."""
    return request.query.get(name) in ("1", "true")
