"""``GET /v1/models`` of the bridge: the service's own list in the form of OpenAI's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from aiohttp import web
from ima2.errors import InvalidRequest, UpstreamError
from ima2.upstream.bridge import Forwarder, Message, Target, pass_on

from ima2_oauth.told import json_object, object_of, text_of

if TYPE_CHECKING:
    from ima2.hookspecs import Context

IMAGE_MODEL = "gpt-image-2"
"""The service lists no image models; this is the name its image routes take (openai-oauth 2.0.0, 2026-07)."""
MOST = 4 * 2**20
"""Bytes of a list that are read."""


async def models(context: Context, request: web.BaseRequest, forwarder: Forwarder) -> web.StreamResponse:
    """``{"object": "list", "data": [{"id", "object", "created", "owned_by"}]}``; hidden models are left out.

    :raises InvalidRequest: ``METHOD_NOT_ALLOWED``.
    :raises UpstreamError: ``MODELS_UNAVAILABLE``.
    """
    if request.method not in ("GET", "HEAD"):
        raise InvalidRequest("Models are listed with GET.", code="METHOD_NOT_ALLOWED", status=405)
    query = urlencode({"client_version": context.settings["client_version"]})
    message = Message("GET", forwarder.address(Target("models", f"?{query}")), (("Accept", "application/json"),))
    async with forwarder.exchange(message) as answer:
        if not answer.response.is_success:
            return await pass_on(request, answer)
        body = json_object(await answer.read(MOST))
    if not isinstance(body.get("models"), list):
        raise UpstreamError("ChatGPT's list of models can't be read.", code="MODELS_UNAVAILABLE", step="bridge")
    data = [_entry(slug) for slug in (*_listed(body), IMAGE_MODEL)]
    return web.json_response({"object": "list", "data": data}, headers={"Server": "ima2"})


def _listed(body: Mapping[str, Any]) -> Iterator[str]:
    for each in body["models"]:
        model = object_of(each)
        slug = text_of(model.get("slug"))
        if slug and slug != IMAGE_MODEL and model.get("visibility", "list") == "list":
            yield slug


def _entry(slug: str) -> dict[str, Any]:
    return {"id": slug, "object": "model", "created": 0, "owned_by": "codex-oauth"}
