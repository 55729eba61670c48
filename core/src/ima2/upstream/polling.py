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
    :ivar longest: what a wait grows to while questions fail; a service may ask for more.
    """

    interval: float = 5.0
    jitter: float = 0.1
    budget: float = 900.0
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
    """Ask at once, then at the pace, until ``Ready``, which comes last. After each other question progress comes.

    A retryable ``UpstreamError`` of ``ask`` (429, 5xx, a broken connection) is one unanswered question: the waits grow,
    its ``retry_after`` is kept to, and only the budget ends it. Any other error goes through.

    :raises UpstreamTimeout: the budget is spent. Its cause is the last failure, when the last question was one.
    """
    waiting, failures = Waiting(), 0
    deadline = clock.monotonic() + pace.budget
    while True:
        failure: UpstreamError | None = None
        try:
            said = await ask()
        except UpstreamError as error:
            if not error.retryable:
                raise
            said, failure = waiting, error
        if isinstance(said, Ready):
            yield said
            return
        waiting = said
        yield Progress(fraction=waiting.fraction)
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


def _wait(pace: Pace, failures: int, failure: UpstreamError | None) -> float:
    grown = min(pace.interval * 2.0 ** min(max(failures - 1, 0), 10), max(pace.longest, pace.interval))
    spread = random.uniform(-pace.jitter, pace.jitter)  # noqa: S311 - spreads load, keeps no secret
    asked = failure.retry_after if failure and failure.retry_after is not None else 0.0
    return max(grown * (1 + spread), asked + abs(spread) * pace.interval if asked else 0.0)


def _late(pace: Pace, failure: UpstreamError | None) -> UpstreamTimeout:
    last = f" The last answer: {failure.message}" if failure else ""
    return UpstreamTimeout(f"It was not ready after {pace.budget:g} s.{last}", paid="maybe")
