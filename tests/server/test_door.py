"""Connections that ask nothing, ask slowly, or are too many."""

from __future__ import annotations

import asyncio
import contextlib

from ima2.server.guard.policy import Policy
from serving import Env, Served, drained, run

HEAD = b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n"


async def connect(served: Served) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", served.port)


async def closed(reader: asyncio.StreamReader) -> bytes:
    """What came until the server hung up; it must."""
    async with asyncio.timeout(30):
        try:
            return await reader.read()
        except ConnectionError:
            return b""


def test_a_head_that_never_ends_is_cut_off(env: Env) -> None:
    async def work(served: Served) -> None:
        reader, writer = await connect(served)

        async def drip() -> None:
            with contextlib.suppress(ConnectionError):
                for byte in HEAD + b"X-Slow: " + b"a" * 10_000:
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        assert await closed(reader) == b""
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)
        writer.close()

    run(env, work, head_seconds=0.3)


def test_a_silent_connection_is_cut_off(env: Env) -> None:
    async def work(served: Served) -> None:
        reader, writer = await connect(served)
        assert await closed(reader) == b""
        writer.close()

    run(env, work, head_seconds=0.3)


def test_a_head_in_pieces_is_served_and_outlives_the_deadline(env: Env) -> None:
    async def work(served: Served) -> None:
        reader, writer = await connect(served)
        for piece in (HEAD, b"\r", b"\n"):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.05)
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200")
        await asyncio.sleep(0.6)
        writer.write(HEAD + b"Connection: close\r\n\r\n")
        assert b"200 OK" in await closed(reader)
        writer.close()

    run(env, work, head_seconds=0.4)


def test_a_second_head_that_never_ends_is_cut_off_too(env: Env) -> None:
    async def work(served: Served) -> None:
        reader, writer = await connect(served)
        writer.write(HEAD + b"\r\n" + HEAD)
        answer = await closed(reader)
        assert answer.count(b"HTTP/1.1") == 1
        writer.close()

    run(env, work, keepalive=0.4)


def test_idle_sockets_do_not_keep_a_request_out(env: Env) -> None:
    async def work(served: Served) -> None:
        idle = [await connect(served) for _ in range(300)]
        assert (await served.client.get("/api/health")).status_code == 200
        reader, _ = idle[0]
        assert await closed(reader) == b"", "the oldest idle one gave way"
        for _, writer in idle:
            writer.close()

    run(env, work, max_connections=100, head_seconds=3600)


def test_when_all_are_at_work_a_newcomer_is_told_so(env: Env) -> None:
    async def work(served: Served) -> None:
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(3):
                await stack.enter_async_context(served.client.stream("GET", "/api/events"))
            reader, writer = await connect(served)
            writer.write(HEAD + b"\r\n")
            answer = await closed(reader)
            assert answer.startswith(b"HTTP/1.1 503")
            assert b"Retry-After: 5" in answer
            writer.close()
        assert (await served.client.get("/api/health")).status_code == 200

    run(env, work, max_connections=3)


def test_a_body_that_stands_still_is_given_up(env: Env) -> None:
    async def work(served: Served) -> None:
        reader, writer = await connect(served)
        head = b"POST /api/generate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        writer.write(head + b'Content-Length: 100\r\nConnection: close\r\n\r\n{"prompt":')
        answer = await drained(reader)
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"BODY_TOO_SLOW" in answer
        writer.close()

    run(env, work, policy=Policy(body_idle=0.3))
