"""Bringing a result home at once: xAI's addresses die within minutes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from ima2.errors import Ima2Error, UpstreamError, UpstreamTimeout
from ima2.upstream.download import download

from ima2_grok.session import base_url

if TYPE_CHECKING:
    from ima2.hookspecs import Context

MAX_BYTES = 50 * 2**20
TRIES = 3
PAUSE = 0.5
"""Seconds before a further try; it doubles."""
_HEAD = 16
_CODES = {"DOWNLOAD_FAILED": "GROK_IMAGE_DOWNLOAD_FAILED"}


async def fetch(url: str, context: Context) -> Path:
    """The file behind ``url``, a picture by its content, in the spool. No credential is sent there.

    :raises UpstreamError: ``GROK_IMAGE_DOWNLOAD_FAILED`` (dead address, unreachable), ``GROK_IMAGE_WRONG_TYPE``,
        ``DOWNLOAD_TOO_LARGE``, ``DOWNLOAD_FORBIDDEN_ADDRESS``. The picture has been paid for: but for the last,
        ``providerUrl`` in ``details`` says where it was, for as long as it lives.
    :raises UpstreamTimeout: ``GROK_IMAGE_TIMEOUT``.
    """
    try:
        async with asyncio.timeout(float(context.settings["download_timeout_ms"]) / 1000):
            path = await _patiently(url, context)
    except TimeoutError as error:
        raise _lost(
            UpstreamTimeout("The picture was not downloaded in time.", code="GROK_IMAGE_TIMEOUT"), url
        ) from error
    except UpstreamError as error:
        if error.code == "DOWNLOAD_FORBIDDEN_ADDRESS":
            raise
        raise _lost(error.but(code=_CODES.get(error.code, error.code)), url) from error
    return await asyncio.to_thread(named, path, url)


async def _patiently(url: str, context: Context) -> Path:
    """Downloading again costs nothing."""
    for attempt in range(TRIES):
        try:
            into = context.spool.new(".part")
            return await download(url, into, base=base_url(context), max_bytes=MAX_BYTES)
        except UpstreamError as error:
            if not error.retryable or attempt == TRIES - 1:
                raise
            await context.clock.sleep(PAUSE * 2**attempt)
    raise AssertionError("unreachable")


def named(path: Path, url: str | None = None) -> Path:
    """The file with the suffix that its content asks for. ``GROK_IMAGE_WRONG_TYPE`` when it is no picture."""
    with path.open("rb") as file:
        suffix = suffix_of(file.read(_HEAD))
    if suffix is None:
        path.unlink()
        raise _lost(UpstreamError("What xAI gave for a picture is none.", code="GROK_IMAGE_WRONG_TYPE"), url)
    return path.rename(path.with_suffix(suffix))


def suffix_of(head: bytes) -> str | None:
    """By the first bytes, whatever address and header say; None when it is no PNG, JPEG or WebP."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return ".png"
    if head.startswith(b"\xff\xd8\xff"):
        return ".jpg"
    return ".webp" if head.startswith(b"RIFF") and head[8:12] == b"WEBP" else None


def _lost(error: Ima2Error, url: str | None) -> Ima2Error:
    """Paid, and not here."""
    details = {**error.details, "providerUrl": url} if url else error.details
    hint = "the picture is paid for: save it from providerUrl (--json) while that lives" if url else error.hint
    return error.but(step="download", paid="yes", retryable=False, hint=hint, details=details)
