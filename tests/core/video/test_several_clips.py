"""Several clips in one job, and jobs that are stopped: a job ends when all of it has, and nothing goes on behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from clip_service import LOST, REFUSED, CancellingProvider, ClipProvider, Service
from fakes import FakeProvider, png
from full_disk import BODY, Env, a_moment, brought, house_on, naming, studio
from ima2.errors import Ima2Error, JobUnknown, StorageFailed
from ima2.hookspecs import Context, hookimpl
from ima2.kernel.jobs.planning import default_plan
from ima2.kernel.opening import open_studio
from ima2.kernel.studio import Studio
from ima2.models import PlanEvent, Planned, Request, Sending

TWO = {**BODY, "n": 2}


async def stubborn() -> None:
    """Until it is cancelled, and a little longer."""
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        await asyncio.sleep(0.2)


def ending(changes: dict[str, Any]) -> bool:
    """Whether it is a call's end as unknown."""
    return changes.get("state") == "unknown" and "phase" not in changes


async def ordering(house: Studio, **body: Any) -> None:
    """Until an order is on its way."""
    await house.submit({**TWO, **body}, surface="video")
    while not any(row.state == "sending" for row in await house.ledger.calls("job")):
        await asyncio.sleep(0.01)


def test_a_fault_of_one_begins_no_other_and_orders_none_twice(env: Env, service: Service) -> None:
    full = True

    async def main() -> None:
        nonlocal full
        provider = ClipProvider(service, {"sending:0": REFUSED, "sending": a_moment}, concurrency=1)

        def refuses(changes: dict[str, Any]) -> bool:
            return full and changes.get("state") == "failed"

        async with house_on(env, provider, refuses) as (house, _):
            await house.submit({**BODY, "n": 3}, surface="video")
            with pytest.raises(StorageFailed):
                await house.wait("job")
            assert service.submits == []
            full, provider.at = False, {}
            await house.resume("job")
            job = await house.wait("job")
            assert (job.state, len(service.submits), len(await house.store.artifacts())) == ("done", 1, 1)
            assert [row.state for row in await house.ledger.calls("job")] == ["done", "cancelled", "cancelled"]

    asyncio.run(main())


def test_an_order_is_heard_while_another_waits_for_its_place(env: Env, service: Service) -> None:
    async def cancel(house: Studio) -> None:
        await ordering(house)
        assert (await house.cancel("job")).aborted
        rows = await house.ledger.calls("job")
        assert [(row.state, row.upstream_id) for row in rows] == [("cancelled", "up-1"), ("cancelled", None)]

    studio(env, CancellingProvider(service, {"posted": a_moment}, concurrency=1), cancel)
    assert (len(service.submits), service.cancelled) == (1, ["up-1"])


def test_the_time_of_a_job_ends_it_when_its_orders_are_heard(env: Env, service: Service) -> None:
    async def slow() -> None:
        await asyncio.sleep(3)

    async def late(house: Studio) -> None:
        await house.submit({**TWO, "timeout": 2}, surface="video")
        job = await house.wait("job")
        assert job.error
        rows = await house.ledger.calls("job")
        assert (job.state, job.error["hint"]) == ("unknown", "ima2 jobs resume job")
        assert [(row.state, row.upstream_id) for row in rows] == [("unknown", "up-1"), ("cancelled", None)]

    async def fetch(house: Studio) -> None:
        await house.resume("job")
        job = await house.wait("job")
        assert (job.state, len(await house.store.artifacts())) == ("done", 1)
        assert [each.code for each in job.warnings] == ["PARTIAL_RESULT"]

    studio(env, ClipProvider(service, {"posted": slow}, concurrency=1), late)
    studio(env, ClipProvider(service), fetch)
    assert len(service.submits) == 1


def test_orders_on_their_way_are_heard_before_the_process_ends(env: Env, service: Service) -> None:
    async def fetch(house: Studio) -> None:
        await house.resume("job")
        job = await house.wait("job")
        assert (job.state, len(await house.store.artifacts())) == ("done", 2), job.error

    studio(env, ClipProvider(service, {"posted": a_moment}, concurrency=2), ordering)
    studio(env, ClipProvider(service), fetch)
    assert len(service.submits) == 2


def test_to_cancel_also_asks_for_the_clip_that_was_lost_sight_of(env: Env, service: Service) -> None:
    async def work(house: Studio) -> None:
        await house.submit(TWO, surface="video")
        while {row.state for row in await house.ledger.calls("job")} != {"unknown", "submitted"}:
            await asyncio.sleep(0.01)
        assert (await house.cancel("job")).message == "It is stopped; nothing is charged."

    at = {"progress:0": LOST, "submitted:1": "hang"}
    studio(env, CancellingProvider(service, at, concurrency=2), work)
    assert sorted(service.cancelled) == ["up-1", "up-2"]


def test_a_picture_that_has_come_is_stored_whatever_stops_the_other(env: Env) -> None:
    async def main() -> None:
        big = png(2000, 2000)
        provider = FakeProvider([Sending(), big], [Sending(), "hang"], concurrency=2)
        async with open_studio(env, plugins={"fake": provider}) as house:
            job = (await house.submit({"prompt": "x", "provider": "fake", "n": 2})).job
            while not any(row.media for row in await house.ledger.calls(job.id)):
                await asyncio.sleep(0)
            await house.cancel(job.id)
            assert len(await house.store.artifacts()) == 1

    asyncio.run(main())


def test_a_wish_to_stop_outlives_the_process_that_was_to_hear_it(env: Env, service: Service) -> None:
    """Nothing had been sent, and nothing is sent by the process that takes over."""

    async def main() -> None:
        plugins = {"film": ClipProvider(service, {"sending": "hang"})}
        first = AsyncExitStack()
        house = await first.enter_async_context(open_studio(env, plugins=plugins))
        await house.submit(BODY, surface="video")
        while not await house.ledger.calls("job"):
            await asyncio.sleep(0.01)
        async with open_studio(env, plugins={"film": ClipProvider(service)}) as other:
            asked = asyncio.ensure_future(other.cancel("job"))
            while not (await other.job("job")).error:
                await asyncio.sleep(0)
            await first.aclose()
            await other.resume("job")
            assert (await asked).aborted
            assert (await other.job("job")).state == "cancelled"

    asyncio.run(main())
    assert service.submits == []


def test_a_provider_that_is_slow_to_stop_sends_nothing_any_more(env: Env, service: Service) -> None:
    async def work(house: Studio) -> None:
        await house.submit(BODY, surface="video")
        while not await house.ledger.calls("job"):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        said = await house.cancel("job")
        assert (said.aborted, said.message) == (True, "It is stopped; nothing is charged.")

    studio(env, ClipProvider(service, {"sending": stubborn}), work)
    assert service.submits == []


def test_what_waits_under_one_name_is_kept_under_two(env: Env, service: Service) -> None:
    async def work(house: Studio) -> None:
        spool = house.contexts.job_spool("job")
        for number in range(2):
            (spool / str(number)).mkdir(parents=True)
            (spool / str(number) / "clip.mp4").write_bytes(bytes([number]))
        kept = await house.contexts.keep([str(spool / f"{number}/clip.mp4") for number in range(2)], "job")
        assert len(set(kept)) == 2

    studio(env, ClipProvider(service), work)


def test_a_process_that_ends_begins_nothing_that_another_would_order(env: Env, service: Service) -> None:
    async def main() -> None:
        for number in range(20):
            async with open_studio(env, plugins={"film": ClipProvider(service, {"sending": "hang"})}) as house:
                body = {**BODY, "requestId": f"job{number}"}
                accepting = asyncio.ensure_future(house.submit(body, surface="video"))
                await asyncio.sleep(number / 400)
            outcome = (await asyncio.gather(accepting, return_exceptions=True))[0]
            async with open_studio(env, plugins={"film": ClipProvider(service)}) as house:
                job = await house.ledger.job(f"job{number}")
                refused = isinstance(outcome, Ima2Error | RuntimeError | asyncio.CancelledError)
                assert refused is (job is None), outcome

    asyncio.run(main())


def test_a_time_out_gives_up_no_clip_whose_end_could_not_be_written_down(env: Env, service: Service) -> None:
    async def main() -> None:
        def refuses(changes: dict[str, Any]) -> bool:
            return ending(changes) and not disk.refused

        async with house_on(env, ClipProvider(service, {"submitted": "hang"}), refuses) as made:
            house, disk = made
            await house.submit({**BODY, "timeout": 1}, surface="video")
            job = await house.wait("job")
            assert job.error
            assert (disk.refused, job.state, job.error["hint"]) == (1, "unknown", "ima2 jobs resume job")

    asyncio.run(main())
    studio(env, ClipProvider(service), brought)
    assert len(service.submits) == 1


@pytest.mark.parametrize("word", ["stop", "cancel"])
def test_an_id_is_written_down_late_though_another_clip_goes_on(env: Env, service: Service, word: str) -> None:
    full = True

    async def main() -> None:
        nonlocal full
        at = {"sending:1": a_moment, "posted:1": a_moment, "submitted:1": "hang"}
        provider = CancellingProvider(service, at, concurrency=2)

        def refuses(changes: dict[str, Any]) -> bool:
            return full and (naming(changes) or ending(changes))

        async with house_on(env, provider, refuses) as (house, disk):
            await house.submit(TWO, surface="video")
            while disk.refused < 7:
                await asyncio.sleep(0.005)
            full = False
            while not any(row.upstream_id for row in await house.ledger.calls("job")):
                await asyncio.sleep(0.01)
            await (house.runner.stop(0) if word == "stop" else house.cancel("job"))
            rows = await house.ledger.calls("job")
            assert [row.upstream_id for row in rows] == ["up-1", "up-2"]

    asyncio.run(main())
    assert sorted(service.cancelled) == (["up-1", "up-2"] if word == "cancel" else [])


def test_to_cancel_stops_no_clip_that_is_made_and_paid_for(env: Env, service: Service) -> None:
    made = JobUnknown("The clip is ready and could not be fetched.", step="download", paid="yes")

    async def work(house: Studio) -> None:
        await house.submit(TWO, surface="video")
        while {row.state for row in await house.ledger.calls("job")} != {"unknown", "submitted"}:
            await asyncio.sleep(0.01)
        said = await house.cancel("job")
        assert (said.aborted, "charged" in said.message) == (False, True)
        assert (await house.job("job")).state == "unknown"

    at = {"download:0": made, "submitted:1": "hang"}
    studio(env, CancellingProvider(service, at, concurrency=2), work)
    assert len(service.cancelled) == 1


def test_a_process_that_ends_fails_no_job_whose_provider_is_slow_to_stop(env: Env, service: Service) -> None:
    async def begin(house: Studio) -> None:
        await house.submit(BODY, surface="video")
        while not await house.ledger.calls("job"):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)

    studio(env, ClipProvider(service, {"sending": stubborn}), begin)
    studio(env, ClipProvider(service), brought)
    assert len(service.submits) == 1


def test_a_wish_that_no_task_has_heard_is_seen_before_anything_is_sent(env: Env, service: Service) -> None:
    """A planner that is slow to hear that it is to stop."""

    class Slow(ClipProvider):
        @hookimpl
        async def ima2_plan(self, request: Request, context: Context) -> AsyncIterator[PlanEvent]:
            await stubborn()
            yield Planned(plan=default_plan(request))

    async def work(house: Studio) -> None:
        await house.submit(BODY, surface="video")
        while (await house.job("job")).state != "planning":
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert (await house.cancel("job")).aborted

    studio(env, Slow(service), work)
    assert service.submits == []
