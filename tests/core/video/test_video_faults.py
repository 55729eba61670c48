"""A clip whose way is blocked on this side: a full disk, a spool that is gone, a missing provider."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from clip_service import CancellingProvider, ClipProvider, Service
from full_disk import BODY, FILM, Env, a_moment, brought, ended, house_on, naming, on_its_way, studio
from ima2.errors import Ima2Error, StorageFailed
from ima2.kernel.jobs.naming import stem
from ima2.kernel.opening import open_studio
from ima2.kernel.studio import Studio
from ima2.settings.paths import Paths


def test_an_id_that_can_not_be_written_down_at_once_is_written_later(env: Env, service: Service) -> None:
    async def main() -> None:
        async with house_on(env, ClipProvider(service), lambda changes: naming(changes) and disk.refused < 3) as made:
            house, disk = made
            job = await ended(house)
            (row,) = await house.ledger.calls("job")
            assert (job.state, row.upstream_id, disk.refused) == ("done", "up-1", 3)

    asyncio.run(main())
    assert len(service.submits) == 1


def test_an_id_that_waited_too_long_is_still_the_way_back(env: Env, service: Service) -> None:
    async def main() -> None:
        async with house_on(env, ClipProvider(service), lambda changes: naming(changes) and disk.refused < 5) as made:
            house, disk = made
            job = await ended(house)
            assert job.error
            assert (job.state, job.error["paid"], job.error["hint"]) == ("unknown", "maybe", "ima2 jobs resume job")

    asyncio.run(main())
    later = ClipProvider(service)
    studio(env, later, brought)
    assert later.resumed == ["up-1"]
    assert len(service.submits) == 1


def test_an_id_that_can_not_be_written_down_at_all_is_told(
    env: Env, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """The job asks what is to be done; nothing is sent again unasked."""

    async def main() -> None:
        async with house_on(env, ClipProvider(service), naming) as (house, _):
            job = await ended(house)
            assert job.error
            told = {name: job.error.get(name) for name in ("upstreamId", "paid", "code")}
            assert (job.state, told) == ("unknown", {"upstreamId": "up-1", "paid": "maybe", "code": "JOB_UNKNOWN"})
            assert "ima2 jobs retry job" in job.error["hint"]

    with caplog.at_level(logging.ERROR):
        asyncio.run(main())
    assert "up-1" in caplog.text
    assert len(service.submits) == 1


@pytest.mark.parametrize("until_job", [False, True])
def test_a_call_that_can_not_be_ended_ends_as_a_question(env: Env, service: Service, until_job: bool) -> None:
    """Neither its id nor its end can be written down; the job's own end can, now or when it is resumed."""

    def refuses(changes: dict[str, Any]) -> bool:
        return naming(changes) or (changes.get("state") == "unknown" and (until_job or "phase" not in changes))

    async def main() -> None:
        async with house_on(env, ClipProvider(service), refuses) as (house, disk):
            if not until_job:
                job = await ended(house)
            else:
                with pytest.raises(StorageFailed) as caught:
                    await ended(house)
                assert (caught.value.details["upstreamId"], caught.value.paid) == ("up-1", "maybe")
                assert house.runner.interrupted(await house.job("job"))
                disk.refuses = lambda _: False
                await house.resume("job")
                job = await house.wait("job")
            assert job.error
            assert (job.state, job.error["paid"]) == ("unknown", "maybe")
            assert "ima2 jobs retry job" in job.error["hint"]

    asyncio.run(main())
    studio(env, ClipProvider(service), sent_again)
    assert len(service.submits) == 2


async def sent_again(house: Studio) -> None:
    await house.retry("job")
    assert (await house.wait("job")).state == "done"


def test_a_job_that_had_to_be_broken_off_is_gone_on_with_in_the_same_process(env: Env, service: Service) -> None:
    """Its id is on record when the disk fills up; nothing can be written for a while."""
    full = False

    async def fill() -> None:
        nonlocal full
        full = True

    async def main() -> None:
        nonlocal full
        provider = ClipProvider(service, {"progress": fill})
        async with house_on(env, provider, lambda changes: full and "read" not in changes) as (house, _):
            with pytest.raises(StorageFailed):
                await ended(house)
            provider.at = {}
            assert (await house.job("job")).state == "running"
            assert [job.id for job in await house.runner.orphans()] == ["job"]
            with pytest.raises(StorageFailed):
                await house.resume("job")
            full = False
            await brought(house)
            assert await house.runner.orphans() == []

    asyncio.run(main())
    assert len(service.submits) == 1


def test_a_job_that_had_to_be_broken_off_can_be_cancelled(env: Env, service: Service) -> None:
    full = False

    async def fill() -> None:
        nonlocal full
        full = True

    async def main() -> None:
        nonlocal full
        async with house_on(
            env, CancellingProvider(service, {"progress": fill}), lambda changes: full and "read" not in changes
        ) as (house, _):
            with pytest.raises(StorageFailed):
                await ended(house)
            full = False
            assert (await house.cancel("job")).aborted

    asyncio.run(main())
    assert service.cancelled == ["up-1"]


def test_an_order_on_its_way_is_heard_before_it_is_cancelled(env: Env, service: Service) -> None:
    """Its answer has the id by which the service can be asked to stop."""

    async def work(house: Studio) -> None:
        await on_its_way(house)
        said = await house.cancel("job")
        assert (said.aborted, said.message) == (True, "It is stopped; nothing is charged.")

    studio(env, CancellingProvider(service, {"posted": a_moment}), work)
    assert service.cancelled == ["up-1"]


def test_a_refusal_that_is_heard_while_cancelling_costs_nothing(env: Env, service: Service) -> None:
    async def refuse() -> None:
        await a_moment()
        raise Ima2Error("no such model", code="REFUSED", status=400)

    async def work(house: Studio) -> None:
        await on_its_way(house)
        said = await house.cancel("job")
        assert "nothing is charged" in said.message

    studio(env, ClipProvider(service, {"posted": refuse}), work)


def test_an_order_on_its_way_is_heard_before_the_process_ends(env: Env, service: Service) -> None:
    studio(env, ClipProvider(service, {"posted": a_moment}), on_its_way)
    later = ClipProvider(service)
    studio(env, later, brought)
    assert (later.resumed, len(service.submits)) == (["up-1"], 1)


def test_an_order_on_its_way_is_heard_before_its_time_is_up(env: Env, service: Service) -> None:
    async def posted() -> None:
        await asyncio.sleep(3)

    async def late(house: Studio) -> None:
        await house.submit({**BODY, "timeout": 2}, surface="video")
        job = await house.wait("job")
        assert job.error
        assert (job.state, job.error["hint"]) == ("unknown", "ima2 jobs resume job")

    studio(env, ClipProvider(service, {"posted": posted}), late)
    studio(env, ClipProvider(service), brought)
    assert len(service.submits) == 1


def test_a_process_that_ends_does_not_wait_for_a_service(env: Env, service: Service) -> None:
    async def work(house: Studio) -> None:
        await house.submit(BODY, surface="video")
        async for event in house.bus.subscribe(after=0, job_id="job"):
            if event.name == "submitted":
                break
        async with asyncio.timeout(30):
            await house.runner.stop(3600)

    studio(env, ClipProvider(service, {"submitted": "hang"}), work)
    studio(env, ClipProvider(service), brought)
    assert len(service.submits) == 1


async def unstored(house: Studio) -> Path:
    """A clip that is whole in the spool, where the gallery has no place for it."""
    accepted = await house.submit(BODY, surface="video")
    blocked = house.paths.generated / f"{stem(accepted.job, FILM, 0)}.mp4"
    blocked.mkdir(parents=True)
    job = await house.wait("job")
    assert job.state == "unknown"
    assert job.error
    blocked.rmdir()
    return Path(job.error["kept"][0])


def test_a_clip_that_is_gone_from_the_spool_is_asked_for_again(env: Env, service: Service) -> None:
    async def work(house: Studio) -> None:
        shutil.rmtree((await unstored(house)).parent)
        await brought(house)

    provider = ClipProvider(service, {"download": a_moment})
    studio(env, provider, work)
    assert (provider.resumed, len(service.submits)) == ([None, "up-1"], 1)


def test_what_a_clip_cost_is_on_record_before_it_is_stored(env: Env, service: Service) -> None:
    async def work(house: Studio) -> None:
        await unstored(house)
        (row,) = await house.ledger.calls("job")
        assert row.usage
        assert (row.state, row.usage.cost_usd) == ("storing", 0.5)
        await brought(house)
        job = await house.job("job")
        assert job.usage
        assert job.usage.cost_usd == 0.5

    studio(env, ClipProvider(service, {"download": a_moment}), work)


def test_to_give_a_job_up_keeps_the_clip_that_has_come(env: Env, service: Service) -> None:
    async def work(house: Studio) -> None:
        spooled = await unstored(house)
        whole = spooled.read_bytes()
        job = await house.drop("job")
        assert job.error
        (kept,) = map(Path, job.error["kept"])
        assert (kept.read_bytes(), spooled.exists(), job.error["code"]) == (whole, False, "JOB_DROPPED")

    studio(env, ClipProvider(service, {"download": a_moment}), work)


def test_what_waits_stays_where_it_is_when_it_can_not_be_kept(env: Env, service: Service) -> None:
    async def work(house: Studio) -> None:
        spooled = await unstored(house)
        (house.paths.data / "kept").write_text("in the way")
        with pytest.raises(StorageFailed):
            await house.drop("job")
        assert (spooled.exists(), (await house.job("job")).state) == (True, "unknown")
        (house.paths.data / "kept").unlink()
        assert (await house.drop("job")).state == "failed"

    studio(env, ClipProvider(service, {"download": a_moment}), work)


def test_to_cancel_gives_up_no_clip_that_the_service_still_has(env: Env, service: Service) -> None:
    """It had come, its process died, and the spool is gone."""

    async def cancel(house: Studio) -> None:
        assert not (await house.cancel("job")).aborted
        job = await house.job("job")
        assert job.error
        assert (job.state, job.error["code"], job.error["hint"]) == ("unknown", "RESULT_LOST", "ima2 jobs resume job")
        await brought(house)

    studio(env, ClipProvider(service, {"download": a_moment}), unstored)
    paths = Paths.from_env(env)
    with closing(sqlite3.connect(paths.database)) as connection, connection:
        connection.execute("UPDATE job SET state = 'running', finished_at = NULL, owner = 'gone'")
    shutil.rmtree(paths.spool)
    studio(env, ClipProvider(service), cancel)
    assert len(service.submits) == 1


def test_an_end_that_can_not_be_written_down_says_what_is_kept(env: Env, service: Service) -> None:
    full = True

    async def main() -> None:
        nonlocal full

        def refuses(changes: dict[str, Any]) -> bool:
            return full and changes.get("state") == "done" and "phase" in changes

        async with house_on(env, ClipProvider(service), refuses) as (house, _):
            with pytest.raises(StorageFailed) as caught:
                await ended(house)
            (artifact,) = await house.store.artifacts()
            told = caught.value
            assert (told.paid, told.kept, told.hint) == ("yes", (artifact.filename,), "ima2 jobs resume job")
            full = False
            await brought(house)

    asyncio.run(main())
    assert len(service.submits) == 1


@pytest.mark.parametrize("word", ["resume", "retry"])
@pytest.mark.parametrize("state", ["unknown", "interrupted"])
def test_without_its_provider_a_job_stays_as_it_is(env: Env, service: Service, word: str, state: str) -> None:
    async def lose(house: Studio) -> None:
        if state == "interrupted":
            await house.submit(BODY, surface="video")
            async for event in house.bus.subscribe(after=0, job_id="job"):
                if event.name == "submitted":
                    return
        else:
            assert (await ended(house)).state == state

    async def ask(house: Studio) -> None:
        before = await house.job("job")
        with pytest.raises(Ima2Error) as caught:
            await getattr(house, word)("job")
        wrong_word = word == "retry" and state == "interrupted"
        assert caught.value.code == ("JOB_NOT_UNKNOWN" if wrong_word else "UNKNOWN_PROVIDER")
        assert await house.job("job") == before

    async def without() -> None:
        async with open_studio(env) as house:
            await ask(house)

    at = {"submitted": "hang"} if state == "interrupted" else {"progress": OSError(28, "full")}
    studio(env, ClipProvider(service, at), lose)
    asyncio.run(without())
