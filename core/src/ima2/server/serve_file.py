"""Sending stored bytes in a way that they stay bytes, whatever they hold."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from aiohttp import web

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
    return web.FileResponse(path, headers=headers)
