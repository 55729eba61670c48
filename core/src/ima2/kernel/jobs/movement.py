"""How far a call is, and whether it still moves."""

from __future__ import annotations

from ima2.hookspecs import Clock

STALLED_SECONDS = 180.0


class Movement:
    """Watches the progress of one call, which never falls."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._furthest: float | None = None
        self._moved_at = clock.monotonic()
        self._told: tuple[float | None, bool] | None = None

    def news(self, fraction: float | None) -> tuple[float | None, bool] | None:
        """Take a report of progress.

        The furthest so far, and whether none of the last three minutes' reports brought anything new; None when just
        this was told before.
        """
        now = self._clock.monotonic()
        if fraction is not None and (self._furthest is None or fraction > self._furthest):
            self._furthest, self._moved_at = fraction, now
        told = self._furthest, now - self._moved_at >= STALLED_SECONDS
        if told == self._told:
            return None
        self._told = told
        return told
