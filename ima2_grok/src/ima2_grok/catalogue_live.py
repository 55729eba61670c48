"""The models that xAI lists for the account.

Image models are at ``GET /image-generation-models``, else among ``/models``; video models at
``/video-generation-models``, text models at ``/language-models``.
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
from ima2_grok.words import catalogue as words

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
    films = [entry for entry in await _others("video-generation-models", context) if clips.films(entry["id"])]
    return [*found, *clips.live(films), *words.live(await _others("language-models", context))]


async def _others(path: str, context: Context) -> list[Mapping[str, Any]]:
    """Models of another kind. No list of them is no failure: what is known here stays."""
    response = await _get(path, context)
    return _entries(response.content) if response.is_success else []


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
