"""What crosses a bridge does not stay in its memory: measured from outside, in a process of its own."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from core.bridge.crossing import upstream

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the peak of a process is asked for with getrusage")

PEAK = 32 * 2**20
BODY = 100_000_000
LINE = 30_000_000
BLOCK = os.urandom(1_000_000)


async def blocks(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // len(BLOCK)):
        yield BLOCK


def digest(size: int) -> str:
    hashed = hashlib.sha256()
    for _ in range(size // len(BLOCK)):
        hashed.update(BLOCK)
    return hashed.hexdigest()


async def take(request: web.BaseRequest) -> web.StreamResponse:
    """Hashes what comes; refuses the first credential, after all has come."""
    hashed, size = hashlib.sha256(), 0
    async for chunk in request.content.iter_any():
        hashed.update(chunk)
        size += len(chunk)
    if request.raw_path.endswith("?stale") and request.headers["Authorization"] == "Bearer key-1":
        return web.Response(status=401)
    return web.json_response({"sha256": hashed.hexdigest(), "size": size})


async def give(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    async for block in blocks(BODY):
        await response.write(block)
    return response


async def one_line(request: web.BaseRequest) -> web.StreamResponse:
    """An event whose data is one line of 30 MB, as a picture in base64 is."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b"event: image\ndata: ")
    for _ in range(LINE // 1_000_000):
        await response.write(b"A" * 1_000_000)
    await response.write(b"\n\n")
    return response


def grown_by(
    handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
    use: Callable[[httpx.AsyncClient, str], Awaitable[None]],
) -> int:
    """Bytes by which the bridge's peak grew while it was used."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response() if request.path.endswith("/warm-up") else await handler(request)

    async def go() -> int:
        async with asyncio.timeout(110), upstream(answer) as url:
            program = Path(__file__).with_name("bridge_process.py")
            pipe = asyncio.subprocess.PIPE
            env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
            child = await asyncio.create_subprocess_exec(
                sys.executable, str(program), url, stdin=pipe, stdout=pipe, env=env
            )
            assert child.stdin is not None
            assert child.stdout is not None

            async def asked() -> int:
                assert child.stdin is not None
                assert child.stdout is not None
                child.stdin.write(b"\n")
                return int(await child.stdout.readline())

            base = f"http://127.0.0.1:{int(await child.stdout.readline())}/v1"
            async with httpx.AsyncClient(trust_env=False, timeout=100) as client:
                await client.get(f"{base}/models/warm-up")
                before = await asked()
                await use(client, base)
                after = await asked()
            child.stdin.close()
            await child.wait()
            return after - before

    return asyncio.run(go())


async def post(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    answer = await client.post(url, content=blocks(BODY), headers={"Content-Length": str(BODY)})
    value: dict[str, Any] = answer.json()
    return value


def test_a_hundred_megabytes_cross_upwards() -> None:
    async def use(client: httpx.AsyncClient, base: str) -> None:
        assert await post(client, f"{base}/files") == {"sha256": digest(BODY), "size": BODY}

    assert grown_by(take, use) < PEAK


def test_and_once_more_when_the_credential_was_stale() -> None:
    async def use(client: httpx.AsyncClient, base: str) -> None:
        assert await post(client, f"{base}/files?stale") == {"sha256": digest(BODY), "size": BODY}

    assert grown_by(take, use) < PEAK


def test_a_hundred_megabytes_cross_downwards_to_a_slow_reader() -> None:
    async def use(client: httpx.AsyncClient, base: str) -> None:
        hashed = hashlib.sha256()
        async with client.stream("GET", f"{base}/files/file-1/content") as answer:
            pieces = answer.aiter_raw()
            hashed.update(await anext(pieces))
            await asyncio.sleep(0.5)
            async for piece in pieces:
                hashed.update(piece)
        assert hashed.hexdigest() == digest(BODY)

    assert grown_by(give, use) < PEAK


def test_a_line_of_thirty_megabytes_crosses() -> None:
    async def use(client: httpx.AsyncClient, base: str) -> None:
        size = 0
        async with client.stream("POST", f"{base}/responses", content=b"{}") as answer:
            async for piece in answer.aiter_raw():
                size += len(piece)
        assert size == len("event: image\ndata: ") + LINE + 2

    assert grown_by(one_line, use) < PEAK
