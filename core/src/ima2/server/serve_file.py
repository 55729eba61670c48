"""Sending stored bytes in a way that they stay bytes, whatever they hold."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from ima2.server.guard.headers import CLIP, SANDBOX

TYPES = MappingProxyType(
    {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp", ".mp4": "video/mp4"}
)
"""The only types served from disk, by suffix. Browsers are told not to guess another."""
IMMUTABLE = "private, max-age=31536000, immutable"


async def send(request: web.Request, path: Path, *, cache: str = IMMUTABLE) -> web.StreamResponse:
    """A file of a known type, whole or in ranges."""
    headers = {
        "Content-Type": TYPES[path.suffix.lower()],
        "Content-Security-Policy": CLIP if path.suffix.lower() == ".mp4" else SANDBOX,
        "Cache-Control": cache,
    }
    return File(path, headers=headers)


class File(web.FileResponse):
    """A range that can't be read counts as not asked for, and so do several at once (RFC 9110, 14.2)."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Begin to answer."""
        return await super().prepare(_readable(request))


def _readable(request: web.BaseRequest) -> web.BaseRequest:
    try:
        _ = request.http_range
    except ValueError:
        return request.clone(headers=[each for each in request.headers.items() if each[0].lower() != "range"])
    return request
