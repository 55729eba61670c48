"""A place among the paid calls of a provider."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self


class Place:
    """Waits for a place when entered. It is given back once: at the end, or as soon as the work is upstream's alone."""

    def __init__(self, lane: asyncio.Semaphore) -> None:
        self._lane = lane
        self._held = False

    async def __aenter__(self) -> Self:
        await self._lane.acquire()
        self._held = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.give_back()

    def give_back(self) -> None:
        """Let the next one begin."""
        if self._held:
            self._held = False
            self._lane.release()
