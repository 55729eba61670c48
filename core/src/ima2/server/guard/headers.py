"""Headers of every answer, errors and files too."""

from __future__ import annotations

from types import MappingProxyType

from aiohttp import web

NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""Content policy of what is no page: it may load, run and be framed by nothing."""
SANDBOX = f"sandbox; {NOTHING}"
"""Content policy of stored files, which hold whatever a stranger's service sent."""
CLIP = f"{NOTHING}; media-src 'self'"
"""Of a stored clip: who opens its address gets the browser's own player, which loads it from there. A sandbox has no
origin to load from; and a clip, sent as one and not sniffed, runs nothing.
"""

_ALWAYS = MappingProxyType(
    {
        "Content-Security-Policy": NOTHING,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
)


async def add_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Signal handler of ``on_response_prepare``; a route's own stricter or wider policy stays."""
    response.headers["Server"] = "ima2"
    for name, value in _ALWAYS.items():
        response.headers.setdefault(name, value)
    if request.path.startswith("/api"):
        response.headers.setdefault("Cache-Control", "no-store, max-age=0")
