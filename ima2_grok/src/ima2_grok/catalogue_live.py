"""The models that xAI lists for the account.

Image models are at ``GET /image-generation-models``, else among ``/models``; video models at
``/video-generation-models``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ima2.errors import UpstreamError
from ima2.upstream.client import network_errors, retry_after

from ima2_grok.catalogue import draws, live
from ima2_grok.errors import MODELS, refused
from ima2_grok.reading import listed, mapping, text
from ima2_grok.session import authorized, base_url
from ima2_grok.video import catalogue as clips

if TYPE_CHECKING:
    import httpx
    from ima2.hookspecs import Context, ModelInfo

SECONDS = 10.0


async def fetch(context: Context) -> list[ModelInfo]:
    """The list. Costs nothing.

    :raises UpstreamError: xAI refused, could not be reached within 10 s, or gave something that is no list.
    """
    response = await _get("image-generation-models", context)
    if response.status_code == 404:
        response = await _get("models", context)
    if not response.is_success:
        after = retry_after(response.headers)
        raise refused(MODELS, response.status_code, response.content, retry_after=after)
    found = live(entry for entry in _entries(response.content) if "image" in entry["id"] and draws(entry["id"]))
    if not found:
        raise UpstreamError("xAI lists no image model for this account.", code="GROK_NO_IMAGE_MODEL", step="models")
    return [*found, *await _video(context)]


async def _video(context: Context) -> list[ModelInfo]:
    """Those that make clips. No list of them is no failure: what is known here stays."""
    response = await _get("video-generation-models", context)
    entries = _entries(response.content) if response.is_success else []
    return clips.live(entry for entry in entries if clips.films(entry["id"]))


async def _get(path: str, context: Context) -> httpx.Response:
    headers = await authorized(context)
    with network_errors(MODELS.name, "no"):
        return await context.client.get(f"{base_url(context)}/{path}", headers=headers, timeout=SECONDS)


def _entries(body: bytes) -> list[Mapping[str, Any]]:
    try:
        value = mapping(json.loads(body))
    except (ValueError, RecursionError):
        value = {}
    entries = listed(value.get("models")) or listed(value.get("data"))
    return [mapping(entry) for entry in entries if text(mapping(entry).get("id"))]
