"""The models the account has: ``GET /models``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ima2.errors import UpstreamError
from ima2.upstream.client import network_errors, retry_after

from ima2_oauth.catalogue import live
from ima2_oauth.errors import CHATGPT, refused, request_id
from ima2_oauth.session import authorized, base_url

if TYPE_CHECKING:
    from ima2.hookspecs import Context, ModelInfo

SECONDS = 15.0


async def fetch(context: Context) -> list[ModelInfo]:
    """What the account may use, by the service's own word. Costs nothing.

    :raises NotReady: nobody is signed in.
    :raises UpstreamError: the service refused or could not be reached. A refused list does not mean that the sign-in is
        over: it has been seen to refuse a token with which pictures were still made (public reports, 2026-10).
    """
    headers = {**await authorized(context), "Accept": "application/json"}
    version = {"client_version": str(context.settings["client_version"])}
    with network_errors("models", "no"):
        response = await context.client.get(
            f"{base_url(context)}/models", params=version, headers=headers, timeout=SECONDS
        )
    if not response.is_success:
        raise refused(
            response.status_code,
            response.content,
            step="models",
            retry_after=retry_after(response.headers),
            request_id=request_id(response.headers),
        )
    return _read(response.content)


def _read(body: bytes) -> list[ModelInfo]:
    try:
        return live(json.loads(body))
    except (ValueError, RecursionError) as error:
        text = f"{CHATGPT.title}'s model list could not be read."
        raise UpstreamError(text, code="UPSTREAM_GATEWAY", step="models", hint="ima2 doctor") from error
