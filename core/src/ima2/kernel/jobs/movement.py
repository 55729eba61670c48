"""How far a job is, and whether it still moves."""

from __future__ import annotations

from ima2.hookspecs import Clock

STALLED_SECONDS = 180.0


class Movement:
    """Watches the progress of a job's calls. What is told is the mean of all, and never falls."""

    def __init__(self, clock: Clock, calls: int = 1) -> None:
        self._clock = clock
        self._calls = calls
        self._furthest: dict[int, float] = {}
        self._moved_at = clock.monotonic()
        self._told: tuple[float | None, bool] | None = None

    def reached(self, call: int, fraction: float | None) -> None:
        """Take a report of progress; nothing, or less than before, is no movement."""
        if fraction is not None and fraction > self._furthest.get(call, -1.0):
            self._furthest[call], self._moved_at = fraction, self._clock.monotonic()

    def news(self) -> tuple[float | None, bool] | None:
        """How far it is, and whether three minutes brought nothing new; None when just this was told before."""
        mean = sum(self._furthest.values()) / self._calls if self._furthest else None
        told = mean, self._clock.monotonic() - self._moved_at >= STALLED_SECONDS
        if told == self._told:
            return None
        self._told = told
        return told
