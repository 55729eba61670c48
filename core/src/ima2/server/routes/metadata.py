"""Facts embedded in a picture."""

from __future__ import annotations

import asyncio
import base64
import binascii

from aiohttp import web

from ima2.errors import InvalidRequest
from ima2.server import schemas
from ima2.server.body import read_object
from ima2.server.endpoint import endpoint
from ima2.server.keys import POLICY
from ima2.storage.metadata import Embedded, read_metadata

MAX_BASE64 = 12 << 20
"""Characters."""


@endpoint("POST", "/api/metadata/read", family="ok", body=schemas.MetadataBody)
async def read(request: web.Request) -> web.Response:
    """Read what a picture says of how it was made."""
    body = await read_object(request, request.app[POLICY])
    found = await asyncio.to_thread(_read, body.get("dataUrl"))
    if found is None:
        missing = {"metadata": None, "source": None, "code": "IMAGE_METADATA_NOT_FOUND"}
        return web.json_response({"ok": True, **missing, "warnings": []})
    return web.json_response({"ok": True, "metadata": found.metadata, "source": found.source, "warnings": []})


def _read(data_url: object) -> Embedded | None:
    return read_metadata(_decoded(data_url))


def _decoded(data_url: object) -> bytes:
    if not isinstance(data_url, str) or not data_url:
        raise InvalidRequest("dataUrl is missing.", code="IMAGE_METADATA_INVALID", field="dataUrl")
    if len(data_url) > MAX_BASE64:
        raise InvalidRequest("The picture is too large.", code="IMAGE_METADATA_TOO_LARGE", status=413, field="dataUrl")
    payload = data_url.partition(",")[2] if data_url.startswith("data:") else data_url
    try:
        return base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest("dataUrl is not base64.", code="IMAGE_METADATA_INVALID", field="dataUrl") from None
