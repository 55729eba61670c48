"""Real time."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    """The clock of a running house."""

    def now(self) -> float:
        """Epoch seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds for waiting."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


def milliseconds(clock: SystemClock) -> int:
    """Epoch milliseconds, the unit of the ledger and the API."""
    return int(clock.now() * 1000)
