"""A clip that upstream works on takes nobody's place."""

from __future__ import annotations

import asyncio

import pytest
from clip_service import ClipProvider, Service
from ima2.kernel.opening import open_studio

Env = dict[str, str]


async def reached(service: Service, count: int) -> None:
    async with asyncio.timeout(20):
        while len(service.submits) < count:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("at", "submits"), [("submitted", 3), ("posted", 1)])
def test_a_place_is_free_once_upstream_has_named_the_clip(env: Env, service: Service, at: str, submits: int) -> None:
    """One place, three jobs, and none of them ever ends."""
    provider = ClipProvider(service, {at: "hang"}, concurrency=1)

    async def main() -> None:
        async with open_studio(env, plugins={"film": provider}) as house:
            for number in range(3):
                body = {"prompt": f"kite {number}", "provider": "film"}
                await house.submit(body, surface="video")
            await reached(service, submits)
            for _ in range(50):
                await asyncio.sleep(0.005)
            assert len(service.submits) == submits

    asyncio.run(main())


def test_after_a_restart_all_are_asked_for_at_once(env: Env, service: Service) -> None:
    async def begin() -> None:
        provider = ClipProvider(service, {"submitted": "hang"}, concurrency=1)
        async with open_studio(env, plugins={"film": provider}) as house:
            for number in range(3):
                await house.submit({"prompt": f"kite {number}", "provider": "film"}, surface="video")
            await reached(service, 3)

    async def come_back() -> None:
        provider = ClipProvider(service, {"submitted": "hang"}, concurrency=1)
        async with open_studio(env, plugins={"film": provider}, engine=True):
            async with asyncio.timeout(20):
                while len(provider.resumed) < 3:
                    await asyncio.sleep(0.01)
        assert sorted(str(each) for each in provider.resumed) == ["up-1", "up-2", "up-3"]

    asyncio.run(begin())
    asyncio.run(come_back())
    assert len(service.submits) == 3


def test_places_come_back_however_a_call_ends(env: Env, service: Service) -> None:
    """Nothing is given back twice: one place stays one."""
    provider = ClipProvider(service, concurrency=1)

    async def main() -> None:
        async with open_studio(env, plugins={"film": provider}) as house:
            for number in range(4):
                accepted = await house.submit({"prompt": f"kite {number}", "provider": "film"}, surface="video")
                assert (await house.wait(accepted.job.id)).state == "done"
            lane = house.parts.lane(provider.info)
            assert not lane.locked()
            await lane.acquire()
            assert lane.locked()

    asyncio.run(main())
