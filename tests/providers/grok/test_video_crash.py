"""SIGKILL while xAI films: the clip arrives, one order was sent, one file is stored. Real processes and sockets."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ima2_kit.upstreams import Answer, ScriptedUpstream, xai, xai_video
from ima2_kit.upstreams.xai_video import ID, ORDER, POLL, file, finished, ordered, pending
from providers.grok.filming import MP4

TESTS = Path(__file__).parents[2]
CHILD = Path(__file__).with_name("video_crash_child.py")
FIRST, SECOND = "GET /first.mp4", "GET /second.mp4"
HELD = Answer(wait=3600)
KILLED = -9
pytestmark = pytest.mark.timeout(300)


@dataclass
class House:
    """One data directory and one xAI. An address of a clip is dead once the process that was given it is."""

    folder: Path
    upstream: ScriptedUpstream

    def script(self) -> None:
        """A run in which every poll after the first last word gives another address."""
        url = self.upstream.url
        for route, answers in xai_video.good_run(url, MP4, n=2).items():
            if route != POLL:
                self.upstream.say(route, *(answer.but(repeat=route in (xai.SEARCH, xai.PLAN)) for answer in answers))
        polls = [pending(1), pending(56), finished(f"{url}/first.mp4"), finished(f"{url}/second.mp4").but(repeat=True)]
        self.upstream.say(POLL, *polls)
        self.upstream.say(FIRST, file(MP4), Answer(404, repeat=True))
        self.upstream.say(SECOND, file(MP4).but(repeat=True))

    async def child(self, what: str, **more: str) -> asyncio.subprocess.Process:
        env = {
            "IMA2_CONFIG_DIR": str(self.folder),
            "IMA2_PLUGINS": "off",
            "XAI_API_KEY": "xai-test-0123456789abcdef",
            "IMA2_XAI_BASE_URL": f"{self.upstream.url}/v1",
            "IMA2_GROK_VIDEO_POLL_INTERVAL_MS": "20",
            "PYTHONPATH": str(TESTS),
        }
        return await asyncio.create_subprocess_exec(
            sys.executable, str(CHILD), what, env={**os.environ, **env, **more}, stdout=asyncio.subprocess.PIPE
        )

    async def killed_at(self, route: str, number: int) -> None:
        """The process is gone once the n-th request to ``route`` is there."""
        child = await self.child("submit")
        async with asyncio.timeout(60):
            while len(self.upstream.sent(route)) < number:
                await asyncio.sleep(0.01)
        child.kill()
        assert await child.wait() == KILLED

    async def recovered(self) -> dict[str, Any]:
        child = await self.child("recover")
        async with asyncio.timeout(60):
            out, _ = await child.communicate()
        assert child.returncode == 0
        told: dict[str, Any] = json.loads(out)
        return told

    @property
    def orders(self) -> int:
        return len(self.upstream.sent(ORDER))


def arrived(told: dict[str, Any]) -> bool:
    """The job is done under the one upstream id, and its one file is in the gallery's list."""
    whole = (told["state"], told["code"], told["upstream"]) == ("done", None, ID)
    return whole and len(told["files"]) == 1 and told["files"] == told["listed"]


def in_house(folder: Path, work: Callable[[House], Awaitable[None]], script: Mapping[str, Sequence[Answer]]) -> None:
    """Work against an xAI that gives the answers of ``script`` before those of a good run."""

    async def main() -> None:
        async with ScriptedUpstream(script) as upstream:
            house = House(folder, upstream)
            house.script()
            await work(house)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("route", "number"),
    [(xai.SEARCH, 1), (xai.PLAN, 1), (POLL, 1), (POLL, 2), (POLL, 3), (FIRST, 1)],
)
def test_killed_while_it_waits_for_xai(tmp_path: Path, route: str, number: int) -> None:
    """The n-th question is never answered. Before the order, planning begins anew; after it, only asking does."""
    before = {POLL: [pending()] * (number - 1), FIRST: []}.get(route, [])

    async def work(house: House) -> None:
        await house.killed_at(route, number)
        assert arrived(await house.recovered())
        assert house.orders == 1

    in_house(tmp_path, work, {route: [*before, HELD]})


def test_killed_in_the_middle_of_the_download(tmp_path: Path) -> None:
    """The address is dead when the house comes back; xAI is asked for another."""

    async def work(house: House) -> None:
        await house.killed_at(FIRST, 1)
        told = await house.recovered()
        assert arrived(told)
        assert (house.orders, len(house.upstream.sent(SECOND))) == (1, 1)

    in_house(tmp_path, work, {FIRST: [Answer(200, {}, MP4, stop=100, ending="silence")]})


def test_killed_before_the_order_was_answered(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        await house.killed_at(ORDER, 1)
        told = await house.recovered()
        assert (told["state"], told["code"], told["files"]) == ("unknown", "JOB_UNKNOWN", [])
        assert house.orders == 1
        again = await house.recovered()
        assert (again["state"], house.orders) == ("unknown", 1)

    in_house(tmp_path, work, {ORDER: [HELD, ordered("never")]})


def test_killed_twice(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        await house.killed_at(POLL, 1)
        child = await house.child("recover")
        async with asyncio.timeout(60):
            while not house.upstream.sent(FIRST):
                await asyncio.sleep(0.01)
        child.kill()
        await child.wait()
        assert arrived(await house.recovered())
        assert house.orders == 1

    in_house(tmp_path, work, {POLL: [HELD], FIRST: [HELD]})


def test_killed_before_each_file_gets_its_name(tmp_path: Path) -> None:
    """The download, the note of it, the clip in the gallery, its sidecar: whichever name was never given."""
    died = 0

    async def scenario(number: int) -> bool:
        async with ScriptedUpstream() as upstream:
            house = House(tmp_path / str(number), upstream)
            house.script()
            child = await house.child("submit", DIE_AT_NAME=str(number))
            out, _ = await child.communicate()
            if child.returncode == 0:
                assert arrived(json.loads(out))
                return False
            assert child.returncode == KILLED
            assert arrived(await house.recovered())
            assert house.orders == 1
            return True

    while asyncio.run(scenario(died + 1)):
        died += 1
    assert died >= 3
