"""A user's own picture on its way into the gallery."""

from __future__ import annotations

import asyncio
import secrets
import time
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from aiohttp import web

import ima2
from ima2.errors import InvalidRequest, NoImage
from ima2.models import Artifact
from ima2.server.body import read_body
from ima2.server.keys import POLICY, STUDIO

_MAX_NAME = 200


async def import_picture(request: web.Request) -> Artifact:
    """Store the raw body as ``imported-<time>-<6 hex>``.

    :raises InvalidRequest: ``EMPTY_IMPORT``, ``IMPORT_BAD_FORMAT``.
    """
    studio = request.app[STUDIO]
    data = await read_body(request, request.app[POLICY])
    if not data:
        raise InvalidRequest("The body holds no picture.", code="EMPTY_IMPORT")
    now = time.time()
    name = f"imported-{time.strftime('%Y%m%d%H%M%S', time.gmtime(now))}-{secrets.token_hex(3)}"
    spooled = studio.paths.spool / name
    try:
        await asyncio.to_thread(_write, spooled, data)
        facts = {"created_at": int(now * 1000)}
        return await studio.store.store(spooled, name, facts=facts, sidecar=_sidecar(request, int(now * 1000)))
    except NoImage:
        raise InvalidRequest("The body is no PNG, JPEG, WebP or MP4.", code="IMPORT_BAD_FORMAT") from None
    finally:
        await asyncio.to_thread(spooled.unlink, missing_ok=True)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _sidecar(request: web.Request, created_at: int) -> dict[str, Any]:
    return {
        "schema": "ima2.generation.v1",
        "app": "ima2",
        "version": ima2.__version__,
        "createdAt": created_at,
        "kind": "imported",
        "canvasVersion": False,
        "originalFilename": _original_name(request.headers.get("X-Ima2-Original-Filename", "")),
    }


def _original_name(header: str) -> str | None:
    """The last part of a name, for display alone; it never becomes a path."""
    name = PurePosixPath(unquote(header).replace("\\", "/")).name
    return "".join(character for character in name if character.isprintable())[:_MAX_NAME] or None
