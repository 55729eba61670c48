"""The one stream of everything: live, replayed, across restarts, with gaps, at capacity."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fakes import STREAM, FakeProvider, png
from ima2.server.streams import Frame, Streams
from serving import Env, Served, run, serving

FIVE = ["phase", "phase", "submitted", "partial", "image", "done"]


async def collect(served: Served, count: int, **options: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(20), served.frames(**options) as frames:
        async for frame in frames:
            if "comment" not in frame:
                found.append(frame)
            if len(found) == count:
                break
    return found


def names(frames: list[dict[str, Any]]) -> list[str]:
    return [frame["event"] for frame in frames]


def test_live_events_of_all_jobs(env: Env) -> None:
    async def work(served: Served) -> None:
        listening = asyncio.create_task(collect(served, 2 * len(FIVE)))
        await asyncio.sleep(0.2)
        one, two = await served.make(), await served.make()
        frames = await listening
        assert names(frames) == FIVE * 2
        assert [frame["data"]["jobId"] for frame in frames[5::6]] == [one["requestId"], two["requestId"]]
        assert all(frame["data"]["requestId"] == frame["data"]["jobId"] for frame in frames)
        assert frames[5]["data"]["_imageOmitted"] is True
        assert frames[5]["data"]["images"][0]["url"] == one["url"]
        assert "base64" not in str(frames)

    run(env, work, FakeProvider([*STREAM, png()], [*STREAM, png()]))


def test_replay_begins_after_the_last_id_seen(env: Env) -> None:
    async def work(served: Served) -> None:
        await served.make()
        everything = await collect(served, 6, headers={"Last-Event-ID": "0"})
        assert names(everything) == FIVE
        third = everything[2]["id"]
        assert names(await collect(served, 3, headers={"Last-Event-ID": third})) == FIVE[3:]
        assert names(await collect(served, 3, path=f"/api/events?lastEventId={third}")) == FIVE[3:]
        both = await collect(served, 6, path=f"/api/events?lastEventId={third}", headers={"Last-Event-ID": "0"})
        assert names(both) == FIVE

    run(env, work, FakeProvider([*STREAM, png()]))


def test_replay_goes_on_across_a_restart(env: Env) -> None:
    async def main() -> None:
        async with serving(env, FakeProvider([*STREAM, png()])) as served:
            await served.make()
            seen = (await collect(served, 6, headers={"Last-Event-ID": "0"}))[3]["id"]
        async with serving(env, FakeProvider([*STREAM, png()])) as served:
            listening = asyncio.create_task(collect(served, 8, headers={"Last-Event-ID": seen}))
            await asyncio.sleep(0.2)
            await served.make()
            frames = await listening
        assert names(frames) == FIVE[4:] + FIVE
        ids = [int(frame["id"]) for frame in frames]
        assert ids == sorted(set(ids))
        assert ids[0] == int(seen) + 1

    asyncio.run(main())


def test_an_id_from_the_future_is_a_gap(env: Env) -> None:
    async def work(served: Served) -> None:
        await served.make()
        listening = asyncio.create_task(collect(served, 7, headers={"Last-Event-ID": "999999"}))
        await asyncio.sleep(0.2)
        await served.make()
        frames = await listening
        assert names(frames) == ["replay-gap", *FIVE]
        assert frames[0]["data"] == {"lastEventId": 999999, "oldestAvailableId": 1}
        assert "id" not in frames[0]

    run(env, work, FakeProvider([*STREAM, png()], [*STREAM, png()]))


def test_what_was_trimmed_is_a_gap(env: Env) -> None:
    async def work(served: Served) -> None:
        await served.make()
        await served.studio.ledger.trim_events(2)
        frames = await collect(served, 3, headers={"Last-Event-ID": "1"})
        assert names(frames) == ["replay-gap", "image", "done"]
        assert frames[0]["data"]["oldestAvailableId"] == int(frames[1]["id"])

    run(env, work, FakeProvider([*STREAM, png()]))


@pytest.mark.parametrize("odd", ["abc", "-1", "1.5", "9" * 40, "１", "1 OR 1=1", ""])
def test_an_odd_id_counts_as_none(env: Env, odd: str) -> None:
    async def work(served: Served) -> None:
        listening = asyncio.create_task(collect(served, 1, headers={"Last-Event-ID": odd.encode()}))
        await asyncio.sleep(0.2)
        await served.make()
        assert names(await listening) == ["phase"]

    run(env, work)


def test_a_quiet_stream_is_kept_awake(env: Env) -> None:
    async def work(served: Served) -> None:
        async with asyncio.timeout(10), served.frames() as frames:
            assert await anext(frames) == {"comment": "ping"}
            assert await anext(frames) == {"comment": "ping"}

    run(env, work, streams=Streams(ping_seconds=0.1))


def test_streams_are_counted(env: Env) -> None:
    async def work(served: Served) -> None:
        async with served.client.stream("GET", "/api/events"), served.client.stream("GET", "/api/events"):
            full = await served.client.get("/api/events")
            assert (full.status_code, full.json()["error"]["code"]) == (503, "SSE_CAPACITY")
            assert full.headers["retry-after"] == "5"
            assert (await served.client.get("/api/health")).status_code == 200
            body = {"prompt": "a kite", "provider": "fake"}
            refused = await served.client.post("/api/generate", json=body, headers={"Accept": "text/event-stream"})
            assert (refused.status_code, refused.json()["code"]) == (503, "SSE_CAPACITY")
            assert await served.studio.ledger.jobs() == [], "nothing was begun that nobody would hear of"
            assert (await served.client.head("/api/events")).status_code == 405
        async with asyncio.timeout(10):
            while (await first_status(served)) == 503:
                await asyncio.sleep(0.05)

    run(env, work, streams=Streams(2, ping_seconds=0.1))


async def first_status(served: Served) -> int:
    async with served.client.stream("GET", "/api/events") as response:
        return response.status_code


def test_a_client_that_never_reads_is_dropped_and_nobody_waits_for_it(env: Env) -> None:
    async def work(served: Served) -> None:
        for _ in range(40):
            await served.studio.ledger.append("job", "text", {"delta": "x" * 500_000})
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=1 << 10)
        writer.write(b"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1\r\nLast-Event-ID: 0\r\n\r\n")
        await writer.drain()
        async with asyncio.timeout(20):
            while (await first_status(served)) != 200:
                await asyncio.sleep(0.1)
        writer.close()
        assert reader

    run(env, work, streams=Streams(1, ping_seconds=0.1, send_seconds=0.5))


def test_line_breaks_can_not_forge_a_frame() -> None:
    encoded = Frame("text", {"delta": "a\n\nevent: done\ndata: {}\r\rx\u2028y"}, 7).encode()
    assert encoded.count(b"\n") == 4
    assert b"\r" not in encoded
    assert encoded.startswith(b"id: 7\nevent: text\ndata: ")
