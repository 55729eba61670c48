"""Observers: told in order, never waited for, never able to hurt."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from ima2.hookspecs import hookimpl
from ima2.kernel.plugins.dispatch import Dispatcher
from ima2.kernel.plugins.observers import Observers
from ima2.models import Artifact, Job, JobEvent, Request, Resolution

Make = Callable[..., Dispatcher]
JOB = Job(
    id="j",
    request=Request(id="j", prompt="p"),
    provider="acme",
    resolution=Resolution(provider="acme", reason=""),
    owner="o",
    created_at=0,
    phase_at=0,
)
ARTIFACT = Artifact(
    id="a", filename="a.png", sha256="0", media_type="image/png", kind="image", size=1, width=1, height=1, created_at=0
)


def event(seq: int) -> JobEvent:
    return JobEvent(seq=seq, job_id="j", name="phase", data={"text": "a secret wish"}, at=0)


class Sync:
    """Looks on in plain functions."""

    def __init__(self, act: Callable[[int], Any] = lambda seq: None) -> None:
        self.seen: list[Any] = []
        self.act = act

    @hookimpl
    def ima2_job_event(self, event: JobEvent) -> Any:
        self.seen.append(event.seq)
        return self.act(event.seq)

    @hookimpl
    def ima2_artifact_saved(self, artifact: Artifact, job: Job) -> None:
        self.seen.append((artifact.filename, job.id))


class Async:
    """Looks on in coroutines."""

    def __init__(self, act: Callable[[int], Awaitable[Any]]) -> None:
        self.seen: list[int] = []
        self.act = act

    @hookimpl
    async def ima2_job_event(self, event: JobEvent) -> None:
        await self.act(event.seq)
        self.seen.append(event.seq)


async def nothing(seq: int) -> None:
    await asyncio.sleep(0)


def tell(observers: Observers, count: int, first: int = 1) -> None:
    for seq in range(first, first + count):
        observers.job_event(event(seq))


def test_sync_and_async_observers_see_all_in_order(make: Make) -> None:
    plain, coroutine = Sync(), Async(nothing)

    async def run() -> None:
        observers = Observers(make(plain=plain, coroutine=coroutine))
        tell(observers, 5)
        observers.artifact_saved(ARTIFACT, JOB)
        tell(observers, 1, first=6)
        assert plain.seen == [], "nobody is told on the caller's time"
        await observers.aclose()

    asyncio.run(run())
    assert plain.seen == [1, 2, 3, 4, 5, ("a.png", "j"), 6]
    assert coroutine.seen == [1, 2, 3, 4, 5, 6]


def test_without_observers_nothing_runs_not_even_a_loop(make: Make) -> None:
    observers = Observers(make())
    tell(observers, 3)
    asyncio.run(observers.aclose())


@pytest.mark.parametrize("error", [ValueError("a secret wish"), SystemExit(1), StopIteration()])
def test_a_failure_is_noted_and_not_felt(make: Make, error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    def fail(seq: int) -> None:
        if seq == 2:
            raise error

    async def fail_later(seq: int) -> None:
        fail(seq)

    bad, worse, good = Sync(fail), Async(fail_later), Sync()
    dispatcher = make(bad=bad, worse=worse, good=good)

    async def run() -> None:
        observers = Observers(dispatcher)
        tell(observers, 3)
        await observers.aclose()

    asyncio.run(run())
    assert good.seen == [1, 2, 3]
    assert bad.seen == [1, 2, 3]
    assert worse.seen == [1, 3]
    assert {failure.plugin for failure in dispatcher.host.failures} == {"bad", "worse"}
    assert "secret" not in caplog.text


def test_a_hanging_observer_is_told_no_more_and_delays_nobody(make: Make) -> None:
    release = threading.Event()
    stuck, good = Sync(lambda seq: release.wait()), Sync()
    dispatcher = make(stuck=stuck, good=good)

    async def run() -> None:
        observers = Observers(dispatcher, deadline=0.2)
        tell(observers, 3)
        while len(good.seen) < 3 or not dispatcher.host.failures:
            await asyncio.sleep(0.01)
        tell(observers, 1, first=4)
        await observers.aclose()

    asyncio.run(run())
    release.set()
    assert stuck.seen == [1]
    assert good.seen == [1, 2, 3, 4]
    assert dispatcher.host.failures[0].error == "took longer than 0.2 s; it is told nothing more"


def test_a_slow_coroutine_is_cancelled_and_the_next_event_is_told(make: Make) -> None:
    async def slow_once(seq: int) -> None:
        if seq == 1:
            await asyncio.Event().wait()

    slow = Async(slow_once)
    dispatcher = make(slow=slow)

    async def run() -> None:
        observers = Observers(dispatcher, deadline=0.1)
        tell(observers, 2)
        while not slow.seen:
            await asyncio.sleep(0.01)
        await observers.aclose()

    asyncio.run(run())
    assert slow.seen == [2]
    assert dispatcher.host.failures[0].error == "took longer than 0.1 s"


def test_too_many_events_drop_the_oldest_with_one_line(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    plain = Sync()

    async def run() -> None:
        observers = Observers(make(plain=plain), queue_length=10)
        tell(observers, 500)
        await observers.aclose()

    with caplog.at_level(logging.WARNING):
        asyncio.run(run())
    assert plain.seen == list(range(491, 501))
    assert len(caplog.records) == 1
    assert "plugin plain is too slow" in caplog.text


def test_closing_does_not_wait_for_ever(make: Make) -> None:
    async def never(seq: int) -> None:
        await asyncio.Event().wait()

    stuck = Async(never)

    async def run() -> None:
        observers = Observers(make(stuck=stuck))
        tell(observers, 3)
        await observers.aclose(deadline=0.05)
        tell(observers, 1)
        await observers.aclose(deadline=0.05)

    asyncio.run(run())
    assert stuck.seen == []
