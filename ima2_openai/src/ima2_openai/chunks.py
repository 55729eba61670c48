"""A response body in chunks, that can be looked into before it is read and is left properly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import httpx

LOOK_AHEAD = 64 * 1024
GRACE_SECONDS = 0.5
"""For the body to end after its last event, so that the connection can be used again."""
_BLANK = b"\xef\xbb\xbf \t\r\n"


class Chunks:
    """An async iterator of bytes.

    httpx reads through generators inside generators. Dropping them half-way leaves closing tasks to the garbage
    collector; reading on, and being cancelled at it, ends them all in place.
    """

    def __init__(self, response: httpx.Response) -> None:
        self._chunks = response.aiter_bytes()
        self._seen = b""
        self._left = False

    async def first(self) -> bytes:
        """The first byte that is no blank; empty when there is none."""
        while not self._seen.lstrip(_BLANK) and len(self._seen) < LOOK_AHEAD:
            if not (chunk := await anext(self._chunks, b"")):
                break
            self._seen += chunk
        return self._seen.lstrip(_BLANK)[:1]

    async def start(self) -> bytes:
        """About the first 64 KiB."""
        async for chunk in self._chunks:
            self._seen += chunk
            if len(self._seen) > LOOK_AHEAD:
                break
        return self._seen

    def finished(self) -> None:
        """What matters has come: on leaving, the body gets a moment to end."""
        self._left = True

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if seen := self._seen:
            self._seen = b""
            return seen
        return await anext(self._chunks)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # In a task of its own: Python 3.11 leaves a generator marked as running when its closing is cancelled.
        reading = asyncio.create_task(self._read_on())
        try:
            await asyncio.wait({reading}, timeout=GRACE_SECONDS if self._left else 0)
        finally:
            reading.cancel()
        await asyncio.wait({reading})

    async def _read_on(self) -> None:
        import httpx

        with suppress(httpx.HTTPError, httpx.StreamError):
            async for _ in self._chunks:
                pass
