"""The models the account is shown: ``GET /models``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ima2.errors import UpstreamError
from ima2.upstream.client import network_errors, retry_after

from ima2_openai.catalogue import live
from ima2_openai.errors import refused
from ima2_openai.service import OPENAI, address, request_id

if TYPE_CHECKING:
    from ima2.hookspecs import Context, ModelInfo

    from ima2_openai.keys import Key

SECONDS = 10.0


async def fetch(context: Context, key: Key) -> list[ModelInfo]:
    """Host models of the live list. Costs nothing.

    :raises UpstreamError: the service refused, or could not be reached within 10 s.
    """
    with network_errors("models", "no"):
        response = await context.client.get(address(context, "models"), headers=key.headers, timeout=SECONDS)
    if not response.is_success:
        raise refused(
            OPENAI,
            response.status_code,
            response.content,
            step="models",
            retry_after=retry_after(response.headers),
            request_id=request_id(response.headers),
        )
    return live(_ids(response.content))


def _ids(body: bytes) -> list[str]:
    import json

    try:
        value: Any = json.loads(body)
        return [str(entry["id"]) for entry in value["data"]]
    except (ValueError, KeyError, TypeError) as error:
        text = "OpenAI's model list could not be read."
        raise UpstreamError(text, code="UPSTREAM_GATEWAY", step="models", hint="ima2 doctor") from error
