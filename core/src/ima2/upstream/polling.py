"""Asking a service again and again until a result is ready."""

from __future__ import annotations

import math
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from ima2.errors import UpstreamError, UpstreamTimeout
from ima2.hookspecs import Clock
from ima2.models import Progress

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pace:
    """How often and how long to ask; seconds.

    :ivar jitter: part of a wait by which it is made longer or shorter, so that many that began together drift apart.
    :ivar budget: from the first question to the last.
    :ivar stalled_after: without movement for so long it counts as stalled, which changes nothing but what is told.
    :ivar longest: what a wait grows to while questions fail; a service may ask for more.
    """

    interval: float = 5.0
    jitter: float = 0.1
    budget: float = 900.0
    stalled_after: float = 180.0
    longest: float = 30.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not ready. ``fraction`` is 0–1, None when the service gives none."""

    fraction: float | None = None


@dataclass(frozen=True, slots=True)
class Ready(Generic[T]):
    """What was waited for."""

    value: T


async def poll(
    ask: Callable[[], Awaitable[Waiting | Ready[T]]], clock: Clock, pace: Pace
) -> AsyncGenerator[Progress | Ready[T], None]:
    """Ask at once, then at the pace, until ``Ready``, which comes last. Progress comes when it has changed.

    A retryable ``UpstreamError`` of ``ask`` (429, 5xx, a broken connection) is one unanswered question: the waits grow,
    its ``retry_after`` is kept to, and only the budget ends it. Any other error goes through.

    :raises UpstreamTimeout: the budget is spent. Its cause is the last failure, when the last question was one.
    """
    progress = _Movement(clock.monotonic(), pace.stalled_after)
    deadline, failures = clock.monotonic() + pace.budget, 0
    while True:
        failure: UpstreamError | None = None
        try:
            said = await ask()
        except UpstreamError as error:
            if not error.retryable:
                raise
            said, failure = progress.waiting, error
        if isinstance(said, Ready):
            yield said
            return
        now = clock.monotonic()
        if news := progress.take(said, now):
            yield news
        failures = failures + 1 if failure else 0
        left = deadline - clock.monotonic()
        if left <= 0:
            raise _late(pace, failure) from failure
        await clock.sleep(min(_wait(pace, failures, failure), left))


def fraction(value: object) -> float | None:
    """Progress on whatever scale, as 0–1: whole numbers are percent (1 is a hundredth), others up to 1 are fractions.

    None for what is no number.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return min(max(value, 0), 100) / 100
    if not isinstance(value, float) or not math.isfinite(value):
        return None
    return min(max(value / 100 if value > 1 else value, 0.0), 1.0)


class _Movement:
    """Where it stands, and for how long."""

    def __init__(self, now: float, stalled_after: float) -> None:
        self.waiting = Waiting()
        self._moved = now
        self._stalled_after = stalled_after
        self._told: Progress | None = None

    def take(self, said: Waiting, now: float) -> Progress | None:
        """Something to tell, or None."""
        if said != self.waiting:
            self.waiting, self._moved = said, now
        news = Progress(fraction=said.fraction, stalled=now - self._moved >= self._stalled_after)
        if news == self._told:
            return None
        self._told = news
        return news


def _wait(pace: Pace, failures: int, failure: UpstreamError | None) -> float:
    grown = min(pace.interval * 2.0 ** min(max(failures - 1, 0), 10), max(pace.longest, pace.interval))
    spread = random.uniform(-pace.jitter, pace.jitter)  # noqa: S311 - spreads load, keeps no secret
    asked = failure.retry_after if failure and failure.retry_after is not None else 0.0
    return max(grown * (1 + spread), asked + abs(spread) * pace.interval if asked else 0.0)


def _late(pace: Pace, failure: UpstreamError | None) -> UpstreamTimeout:
    last = f" The last answer: {failure.message}" if failure else ""
    return UpstreamTimeout(f"It was not ready after {pace.budget:g} s.{last}", paid="maybe")
