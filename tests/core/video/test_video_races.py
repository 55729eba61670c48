"""Who takes a job when several want it at once, and a job whose end is called for in the middle of something."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from clip_service import CancellingProvider, ClipProvider, Service
from fakes import FakeProvider
from full_disk import BODY, Env, FullDisk, a_moment, ended, house_on, naming, on_its_way, studio
from ima2.errors import Ima2Error, JobUnknown, StorageFailed
from ima2.kernel.jobs.bus import EventBus
from ima2.kernel.jobs.call_events import CallEvents
from ima2.kernel.jobs.movement import Movement
from ima2.kernel.opening import open_studio
from ima2.kernel.plugins.observers import Observers
from ima2.kernel.studio import Studio
from ima2.models import Sending, Submitted

LOST = JobUnknown("no answer", step="generate")


def ending(changes: dict[str, Any]) -> bool:
    return changes.get("state") in ("sending", "failed", "unknown")


@pytest.mark.parametrize("others", ["resume", "adopt_all", "cancel"])
def test_a_job_that_was_broken_off_is_taken_by_one(env: Env, service: Service, others: str) -> None:
    """Nothing had been sent. Two at once send one order, or none when one of them cancels."""
    full = True

    async def main() -> None:
        nonlocal full
        provider = ClipProvider(service, {"sending": a_moment})
        async with house_on(env, provider, lambda changes: full and ending(changes)) as (house, _):
            with pytest.raises(StorageFailed):
                await ended(house)
            full = False
            other = house.runner.adopt_all() if others == "adopt_all" else getattr(house, others)("job")
            await asyncio.gather(house.resume("job"), other, return_exceptions=True)
            job = await house.wait("job")
            sent = 0 if others == "cancel" else 1
            assert (job.state, len(service.submits)) == ("done" if sent else "cancelled", sent), job.error

    asyncio.run(main())


def test_an_acceptance_that_is_broken_off_leaves_nothing_to_be_ordered_later(env: Env, service: Service) -> None:
    async def work(house: Studio) -> None:
        for number in range(12):
            body = {**BODY, "requestId": f"job{number}"}
            accepting = asyncio.ensure_future(house.submit(body, surface="video"))
            await asyncio.sleep(number / 500)
            accepting.cancel()
            await asyncio.gather(accepting, return_exceptions=True)
            await house.cancel(f"job{number}")
        assert {job.state for job in await house.ledger.jobs()} <= {"cancelled"}

    async def later() -> None:
        async with open_studio(env, plugins={"film": ClipProvider(service)}, engine=True) as house:
            await asyncio.sleep(0.5)
            assert {job.state for job in await house.ledger.jobs()} <= {"cancelled"}

    studio(env, ClipProvider(service, {"sending": "hang"}), work)
    asyncio.run(later())
    assert service.submits == []


def test_a_job_that_could_not_be_sent_again_is_not_stuck(env: Env, service: Service) -> None:
    full = True

    async def main() -> None:
        nonlocal full
        provider = ClipProvider(service, {"posted": LOST})
        async with house_on(env, provider, lambda changes: full and changes.get("state") == "ready") as (house, _):
            assert (await ended(house)).state == "unknown"
            provider.at = {}
            with pytest.raises(StorageFailed):
                await house.retry("job")
            full = False
            assert [job.id for job in await house.runner.orphans()] == ["job"]
            await house.resume("job")
            assert (await house.wait("job")).state == "unknown"
            await house.retry("job")
            assert (await house.wait("job")).state == "done"

    asyncio.run(main())
    assert len(service.submits) == 2


def test_cancelled_twice_an_order_is_heard_all_the_same(env: Env, service: Service) -> None:
    async def work(house: Studio) -> None:
        await on_its_way(house)
        first = asyncio.ensure_future(house.cancel("job"))
        await asyncio.sleep(0.1)
        await asyncio.gather(first, house.cancel("job"))
        job = await house.job("job")
        assert job.error
        assert (job.state, job.error["paid"]) == ("cancelled", "no")

    studio(env, CancellingProvider(service, {"posted": a_moment}), work)
    assert service.cancelled == ["up-1"]


def test_cancelled_as_its_process_ends_an_order_is_heard_all_the_same(env: Env, service: Service) -> None:
    cancelling: list[asyncio.Future[Any]] = []

    async def work(house: Studio) -> None:
        await on_its_way(house)
        cancelling.append(asyncio.ensure_future(house.cancel("job")))
        await asyncio.sleep(0.1)

    async def look(house: Studio) -> None:
        (row,) = await house.ledger.calls("job")
        assert row.upstream_id == "up-1"

    studio(env, CancellingProvider(service, {"posted": a_moment}), work)
    studio(env, CancellingProvider(service), look)


def test_an_id_that_came_before_the_end_is_written_down_after_it(env: Env, service: Service) -> None:
    async def main() -> None:
        provider = ClipProvider(service, {"sending": "hang"})
        async with open_studio(env, plugins={"film": provider}) as house:
            job = (await house.submit(BODY, surface="video")).job
            while not (rows := await house.ledger.calls("job")):
                await asyncio.sleep(0.01)
            disk = FullDisk(house.ledger, naming)
            parts = replace(house.parts, ledger=disk)
            events = CallEvents(parts, job, rows[0], provider.info, Movement(parts.clock), resumed=False)
            await events.take(Sending())
            writing = asyncio.ensure_future(events.take(Submitted(upstream_id="up-7")))
            while not disk.refused:
                await asyncio.sleep(0.01)
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            disk.refuses = lambda _: False
            await events.write_down_late()
            (row,) = await house.ledger.calls("job")
            assert (row.state, row.upstream_id) == ("submitted", "up-7")

    asyncio.run(main())


def test_a_disk_that_fails_for_a_while_stops_no_watch(env: Env, service: Service) -> None:
    async def left(house: Studio) -> None:
        await house.submit(BODY, surface="video")
        async for event in house.bus.subscribe(after=0, job_id="job"):
            if event.name == "submitted":
                return

    async def main() -> None:
        def refuses(changes: dict[str, Any]) -> bool:
            return changes.get("read") == "jobs" and disk.refused < 3

        async with house_on(env, ClipProvider(service), refuses) as made:
            house, disk = made
            watch = asyncio.ensure_future(house.runner.watch())
            async with asyncio.timeout(30):
                assert (await house.wait("job")).state == "done"
            watch.cancel()

    studio(env, ClipProvider(service, {"submitted": "hang"}), left)
    asyncio.run(main())
    assert len(service.submits) == 1


def test_a_log_that_can_not_be_read_for_a_while_is_read_on(env: Env) -> None:
    async def main() -> None:
        async with open_studio(env, plugins={"fake": FakeProvider()}) as house:
            disk = FullDisk(house.ledger, lambda changes: changes.get("read") == "events" and disk.refused < 3)
            bus: Any = EventBus(disk, Observers(house.dispatcher))
            await bus.start()
            job = (await house.submit({"prompt": "x", "provider": "fake"})).job
            async with asyncio.timeout(30):
                while disk.refused < 3:
                    await asyncio.sleep(0.05)
                seen = [event.name async for event in bus.subscribe(after=0, job_id=job.id)]
            await bus.stop()
            assert seen[-1] == "done"

    asyncio.run(main())


def test_who_comes_too_late_is_told_so(env: Env, service: Service) -> None:
    async def work(house: Studio) -> None:
        assert (await ended(house)).state == "unknown"
        asked = await asyncio.gather(house.drop("job"), house.drop("job"), return_exceptions=True)
        assert sum(isinstance(each, Ima2Error) for each in asked) == 1

    studio(env, ClipProvider(service, {"posted": LOST}), work)
