"""Whether a call still moves."""

from __future__ import annotations

from ima2.hookspecs import Clock

STALLED_SECONDS = 180.0


class Movement:
    """Watches the progress of one call."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._fraction: float | None = None
        self._moved_at = clock.monotonic()

    def stalled(self, fraction: float | None) -> bool:
        """Take a report of progress; True when none of the last three minutes' brought anything new."""
        now = self._clock.monotonic()
        if fraction != self._fraction:
            self._fraction, self._moved_at = fraction, now
        return now - self._moved_at >= STALLED_SECONDS
