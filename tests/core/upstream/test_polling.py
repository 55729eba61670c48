from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ima2.errors import AuthFailed, RateLimited, UpstreamError, UpstreamTimeout
from ima2.models import Progress
from ima2.upstream.polling import Pace, Ready, Waiting, fraction, poll
from ima2_kit.context import QuickClock

EVEN = Pace(jitter=0)


class Clock(QuickClock):
    """Writes down what was waited."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await super().sleep(seconds)


def broken(retry_after: float | None = None) -> UpstreamError:
    return UpstreamError("bad gateway", retryable=True, retry_after=retry_after)


def asking(answers: Sequence[Any], *, last: Any = None) -> Callable[[], Any]:
    """Gives the answers in order, then ``last`` for ever; an exception is raised."""
    queue = list(answers)

    async def ask() -> Any:
        answer = queue.pop(0) if queue else last
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return ask


def polled(answers: Sequence[Any], pace: Pace = EVEN, *, last: Any = None) -> tuple[list[Any], list[float]]:
    clock = Clock()

    async def run() -> list[Any]:
        seen: list[Any] = []
        try:
            async with aclosing(poll(asking(answers, last=last), clock, pace)) as events:
                async for event in events:
                    seen += [event]
        except UpstreamError as error:
            seen.append(error)
        return seen

    return asyncio.run(run()), clock.waits


def test_asks_at_once_and_tells_what_each_question_brought() -> None:
    seen, waits = polled([Waiting(), Waiting(0.1), Waiting(0.1), Waiting(0.9), Ready("clip")])
    assert seen == [*(Progress(fraction=each) for each in (None, 0.1, 0.1, 0.9)), Ready("clip")]
    assert waits == [5.0] * 4


def test_what_is_ready_needs_no_waiting() -> None:
    assert polled([Ready(1)]) == ([Ready(1)], [])


def test_failures_bring_nothing_new() -> None:
    seen, _ = polled([broken(), Waiting(0.5), *[broken()] * 3, Ready(1)])
    assert seen == [Progress(), *[Progress(fraction=0.5)] * 4, Ready(1)]


def test_waits_grow_while_questions_fail_and_recover() -> None:
    _, waits = polled([*[broken()] * 5, Waiting(), broken(), Ready(1)])
    assert waits == [5, 10, 20, 30, 30, 5, 5]


def test_the_service_may_ask_for_a_longer_wait_not_for_a_shorter() -> None:
    limited = RateLimited("slow down", retry_after=70)
    _, waits = polled([limited, broken(1), Waiting(), Ready(1)])
    assert waits == [70, 10, 5]


def test_a_final_error_ends_it() -> None:
    seen, waits = polled([Waiting(), AuthFailed("no"), Ready(1)])
    assert [type(each) for each in seen] == [Progress, AuthFailed]
    assert len(waits) == 1


def test_the_budget_ends_it_with_one_last_question() -> None:
    seen, waits = polled([], Pace(jitter=0, interval=7, budget=20), last=Waiting(0.01))
    assert waits == [7, 7, 6]
    assert isinstance(seen[-1], UpstreamTimeout)
    assert seen[-1].paid == "maybe"
    assert seen[-1].__cause__ is None


def test_an_absurd_wait_is_cut_to_the_budget() -> None:
    seen, waits = polled([RateLimited("slow", retry_after=1e9), Ready("in time")], Pace(budget=100))
    assert (seen[-1], waits) == (Ready("in time"), [100])


def test_the_last_failure_is_told() -> None:
    seen, _ = polled([], Pace(budget=60), last=broken())
    assert isinstance(seen[-1].__cause__, UpstreamError)
    assert "bad gateway" in seen[-1].message


def test_many_drift_apart() -> None:
    _, waits = polled([Waiting()] * 50 + [Ready(1)], Pace(jitter=0.1))
    assert all(4.5 <= wait <= 5.5 for wait in waits)
    assert len(set(waits)) > 40


def test_cancelled_while_waiting() -> None:
    async def run() -> None:
        class Patient(QuickClock):
            async def sleep(self, seconds: float) -> None:
                await asyncio.sleep(3600)

        async def all_of_it() -> None:
            async with aclosing(poll(asking([], last=Waiting()), Patient(), EVEN)) as events:
                async for _ in events:
                    waiting.set()

        waiting = asyncio.Event()
        task = asyncio.create_task(all_of_it())
        await waiting.wait()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (0, 0.0), (1, 0.01), (35, 0.35), (100, 1.0), (4000, 1.0), (-5, 0.0), (0.35, 0.35), (1.0, 1.0), (35.5, 0.355),
        (10**400, 1.0),
        (None, None), ("40", None), (True, None), (float("nan"), None), (float("inf"), None), ({}, None),
    ],
)  # fmt: skip
def test_fraction(said: object, meant: float | None) -> None:
    assert fraction(said) == meant


@given(st.one_of(st.integers(), st.floats(), st.text(), st.none(), st.booleans()))
def test_any_fraction_can_be_told(said: object) -> None:
    Progress(fraction=fraction(said))
