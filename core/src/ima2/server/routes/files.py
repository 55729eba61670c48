"""The gallery's files."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from aiohttp import web

from ima2.errors import InvalidRequest, NotFound
from ima2.server.endpoint import endpoint
from ima2.server.keys import STUDIO
from ima2.server.serve_file import TYPES, send
from ima2.storage.artifacts import FileArtifactStore
from ima2.storage.names import located

_THUMB = ".thumb.jpg"


@endpoint("GET", "/generated/{path:.*}", media_type="image/*")
async def generated(request: web.Request) -> web.StreamResponse:
    """A picture, a clip or a thumbnail; sidecars and hidden files are not served."""
    store, name = request.app[STUDIO].store, request.match_info["path"]
    path = await asyncio.to_thread(_found, store.folder, name)
    if path is None and name.endswith(_THUMB):
        path = await _thumbnail(store, name.removesuffix(_THUMB))
    if path is None:
        raise NotFound("There is no such file.")
    return await send(request, path)


def _found(folder: Path, name: str) -> Path | None:
    try:
        path = located(folder, name)
        return path if path.suffix.lower() in TYPES and path.is_file() else None
    except (InvalidRequest, OSError, ValueError):
        return None


async def _thumbnail(store: FileArtifactStore, stem: str) -> Path | None:
    """Thumbnails are made when they are first looked at."""
    for suffix in ("", *TYPES):
        with contextlib.suppress(InvalidRequest):
            if made := await store.thumbnail(f"{stem}{suffix}"):
                return made
    return None
