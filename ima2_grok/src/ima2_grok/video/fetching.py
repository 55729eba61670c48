"""Bringing a clip home: from an address that may be dead by now, without a credential."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from ima2.errors import UpstreamError, UpstreamTimeout
from ima2.upstream.download import download

from ima2_grok.session import base_url
from ima2_grok.video.container import is_mp4

if TYPE_CHECKING:
    from ima2.hookspecs import Context

MAX_BYTES = 100 * 2**20
FAILED = "GROK_VIDEO_DOWNLOAD_FAILED"


async def fetch(url: str, context: Context) -> Path:
    """The clip in the spool, a whole MP4 by its content.

    :raises UpstreamError: ``GROK_VIDEO_DOWNLOAD_FAILED``: it could not be had from this address, or what was there is
        no MP4; then it is ``kept``, since it was paid for. ``GROK_VIDEO_TIMEOUT``: not within the time.
    """
    into = context.spool.new(".mp4")
    try:
        async with asyncio.timeout(float(context.settings["video_download_timeout_ms"]) / 1000):
            await download(url, into, base=base_url(context), max_bytes=MAX_BYTES)
    except TimeoutError as error:
        text = "The clip was not downloaded in time."
        raise UpstreamTimeout(text, code="GROK_VIDEO_TIMEOUT", step="download", paid="yes") from error
    except UpstreamError as error:
        raise error.but(code=FAILED, status=502, details={**error.details, "upstreamCode": error.code}) from error
    if await asyncio.to_thread(is_mp4, into):
        return into
    text = "What xAI gave for a clip is no whole MP4."
    raise UpstreamError(text, code=FAILED, step="download", paid="yes", kept=(str(into),))
