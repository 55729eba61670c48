"""The question whether a clip is ready."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote

from ima2.errors import AuthFailed, UpstreamTimeout
from ima2.upstream.client import network_errors, retry_after
from ima2.upstream.polling import Ready, Waiting

from ima2_grok.session import authorized, base_url
from ima2_grok.video.errors import POLL
from ima2_grok.video.status import Outcome, read

if TYPE_CHECKING:
    import httpx
    from ima2.hookspecs import Context

SECONDS = 60.0


async def ask(upstream_id: str, context: Context) -> Waiting | Ready[Outcome]:
    """Ask, and once more with a renewed sign-in when the first was refused. Raises as :func:`status.read`."""
    headers = await authorized(context)
    try:
        return await _ask(upstream_id, context, headers)
    except AuthFailed as error:
        if not error.retryable:
            raise
        renewed = await authorized(context, force_refresh=True)
        if renewed == headers:
            raise error.but(retryable=False) from None
    try:
        return await _ask(upstream_id, context, renewed)
    except AuthFailed as error:
        raise error.but(retryable=False) from None


async def _ask(upstream_id: str, context: Context, headers: dict[str, str]) -> Waiting | Ready[Outcome]:
    response = await _get(f"{base_url(context)}/videos/{quote(upstream_id, safe='')}", context, headers)
    return read(response.status_code, response.content, retry_after(response.headers))


async def _get(url: str, context: Context, headers: dict[str, str]) -> httpx.Response:
    try:
        async with asyncio.timeout(SECONDS):
            with network_errors(POLL.name, "no"):
                return await context.client.get(url, headers={**headers, "accept": "application/json"})
    except TimeoutError as error:
        raise UpstreamTimeout("xAI did not say in time how the clip is.", step=POLL.name, retryable=True) from error
