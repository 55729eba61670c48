"""Clips through the whole house: ledger, events, answer, resuming."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from ima2.kernel.opening import open_studio
from ima2.kernel.studio import Studio
from ima2.models import JobEvent
from ima2_kit.upstreams import Answer, ScriptedUpstream, json_answer, xai_video
from ima2_kit.upstreams.xai_video import CLIP, CLIP_PATH, ID, ORDER, POLL, failed, file, finished, ordered, pending
from providers.grok.filming import MP4

from ima2_grok import plugin

SLOW = pending(1).but(repeat=True)


@asynccontextmanager
async def house(folder: Path, upstream: ScriptedUpstream, *, engine: bool = False, **env: str) -> AsyncIterator[Studio]:
    given = {
        "IMA2_CONFIG_DIR": str(folder),
        "IMA2_PLUGINS": "off",
        "XAI_API_KEY": "xai-test-0123456789abcdef",
        "IMA2_XAI_BASE_URL": f"{upstream.url}/v1",
        "IMA2_GROK_VIDEO_POLL_INTERVAL_MS": "5",
        **env,
    }
    async with open_studio(given, plugins={"grok": plugin}, engine=engine) as studio:
        yield studio


@asynccontextmanager
async def upstream_with(script: Mapping[str, Sequence[Answer]]) -> AsyncIterator[ScriptedUpstream]:
    async with ScriptedUpstream() as upstream:
        for route, answers in {**xai_video.good_run(upstream.url, MP4, n=3), **script}.items():
            upstream.say(route, *answers)
        yield upstream


async def make(studio: Studio, **body: Any) -> Any:
    accepted = await studio.submit(
        {"prompt": "a red kite", "provider": "grok", "requestId": "job", **body}, surface="video"
    )
    return await studio.wait(accepted.job.id)


async def events_of(studio: Studio) -> list[JobEvent]:
    seen = []
    async for event in studio.bus.subscribe(after=0, job_id="job"):
        seen.append(event)  # noqa: PERF401
    return seen


def test_a_clip_in_the_gallery(tmp_path: Path) -> None:
    async def main() -> None:
        async with upstream_with({}) as upstream, house(tmp_path, upstream) as studio:
            job = await make(studio, duration=5)
            assert job.state == "done", job.error
            answer = await studio.answer(job)
            events = await events_of(studio)
        assert [row.name for row in events if row.name not in ("phase", "planning")] == [
            "submitted",
            "progress",
            "progress",
            "video",
            "done",
        ]
        submitted = next(row.data for row in events if row.name == "submitted")
        assert (submitted["upstreamId"], submitted["xaiVideoRequestId"]) == (ID, ID)
        told = [(row.data["progress"], row.data["stalled"]) for row in events if row.name == "progress"]
        assert told == [(0.01, False), (0.56, False)]
        assert answer["mediaType"] == "video"
        assert (answer["effectiveModel"], answer["modelFallback"]) == ("grok-imagine-video", None)
        assert answer["video"]["xaiVideoRequestId"] == ID
        assert answer["revisedPrompt"] == xai_video.PROMPT
        assert answer["costUsd"] == pytest.approx(0.25 + 0.01615085 + 0.00005395)
        assert [path.read_bytes() for path in tmp_path.rglob("generated/[!.]*.mp4")] == [MP4]

    asyncio.run(main())


def test_the_id_is_on_disk_before_anyone_is_told(tmp_path: Path) -> None:
    """Whoever hears ``submitted`` finds the id in the ledger."""

    async def main() -> None:
        async with upstream_with({POLL: [SLOW]}) as upstream, house(tmp_path, upstream) as studio:
            await studio.submit({"prompt": "x", "provider": "grok", "requestId": "job"}, surface="video")
            async for event in studio.bus.subscribe(after=0, job_id="job"):
                if event.name == "submitted":
                    break
            [row] = await studio.ledger.calls("job")
            assert (row.state, row.upstream_id) == ("submitted", ID)
            await studio.cancel("job")

    asyncio.run(main())


def test_a_late_clip_is_fetched_when_asked_for(tmp_path: Path) -> None:
    async def main() -> None:
        async with upstream_with({POLL: [pending(1)] * 3}) as upstream:
            limits = {"IMA2_GROK_VIDEO_TIMEOUT_MS": "10"}
            async with house(tmp_path, upstream, **limits) as studio:
                job = await make(studio)
                assert (job.state, job.error["code"], job.error["paid"]) == ("unknown", "GROK_VIDEO_TIMEOUT", "maybe")
                assert job.error["hint"] == "ima2 jobs resume job"
            upstream.say(POLL, finished(upstream.url + CLIP_PATH).but(repeat=True))
            async with house(tmp_path, upstream) as studio:
                await studio.resume("job")
                job = await studio.wait("job")
                assert job.state == "done", job.error
                assert len(await studio.store.artifacts()) == 1
            assert len(upstream.sent(ORDER)) == 1

    asyncio.run(main())


def test_a_failed_clip_is_not_asked_for_again(tmp_path: Path) -> None:
    async def main() -> None:
        script = {POLL: [failed("invalid_argument")]}
        async with upstream_with(script) as upstream, house(tmp_path, upstream) as studio:
            job = await make(studio)
            assert (job.state, job.error["code"]) == ("failed", "GROK_VIDEO_REQUEST_FAILED")
            assert len(upstream.sent(POLL)) == 1

    asyncio.run(main())


def test_stopped_with_the_house_and_taken_up_again(tmp_path: Path) -> None:
    """A server that ends in peace gives up what runs; the next one goes on with it."""

    async def main() -> None:
        async with upstream_with({POLL: []}) as upstream:
            upstream.say(POLL, *[pending(7)] * 3, Answer(202, wait=30))
            async with house(tmp_path, upstream) as studio:
                await studio.submit({"prompt": "x", "provider": "grok", "requestId": "job"}, surface="video")
                while len(upstream.sent(POLL)) < 4:
                    await asyncio.sleep(0.01)
            upstream.say(POLL, finished(upstream.url + CLIP_PATH).but(repeat=True))
            async with house(tmp_path, upstream, engine=True) as studio:
                assert (await studio.wait("job")).state == "done"
            assert (len(upstream.sent(ORDER)), len(upstream.sent(CLIP))) == (1, 1)

    asyncio.run(main())


def test_three_clips_one_blocked(tmp_path: Path) -> None:
    """Two are stored; the third's fate is told as a warning."""

    async def main() -> None:
        async with ScriptedUpstream() as upstream:
            script = xai_video.good_run(upstream.url, MP4)
            script[ORDER] = [ordered(f"id-{number}") for number in range(3)]
            for number in range(3):
                link = finished(f"{upstream.url}/{number}.mp4" if number else "", respect_moderation=bool(number))
                script[f"GET /v1/videos/id-{number}"] = [pending(), link]
                script[f"GET /{number}.mp4"] = [file(MP4 + bytes([0, 0, 0, 8 + number]) + b"free" + bytes(number))]
            for route, answers in script.items():
                upstream.say(route, *answers)
            async with house(tmp_path, upstream) as studio:
                job = await make(studio, n=3)
                answer = await studio.answer(job)
        assert (job.state, answer["count"], answer["requested"]) == ("done", 2, 3)
        [partial] = [each for each in answer["warnings"] if each["code"] == "PARTIAL_RESULT"]
        assert partial["reason"] == "GROK_VIDEO_MODERATION_BLOCKED"

    asyncio.run(main())


def test_cancelled_while_it_is_filmed(tmp_path: Path) -> None:
    async def main() -> None:
        async with upstream_with({POLL: [SLOW]}) as upstream, house(tmp_path, upstream) as studio:
            await studio.submit({"prompt": "x", "provider": "grok", "requestId": "job"}, surface="video")
            while not upstream.sent(POLL):
                await asyncio.sleep(0.01)
            cancellation = await studio.cancel("job")
            assert cancellation.aborted
            assert "may still charge" in cancellation.message
            job = await studio.job("job")
            assert (job.state, job.error["paid"] if job.error else None) == ("cancelled", "maybe")

    asyncio.run(main())


def test_an_answer_of_an_account_that_may_not(tmp_path: Path) -> None:
    refusal = json_answer({"code": "permission-denied", "error": "not on your plan"}, 403)

    async def main() -> None:
        async with upstream_with({ORDER: [refusal]}) as upstream, house(tmp_path, upstream) as studio:
            job = await make(studio)
            assert (job.state, job.error["code"], job.error["paid"]) == ("failed", "GROK_AUTH_FAILED", "no")

    asyncio.run(main())
