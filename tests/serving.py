"""A real server on a real socket, for the time of a block."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from fakes import FakeProvider
from ima2.kernel.opening import open_studio
from ima2.kernel.studio import Studio
from ima2.server.app import create_app
from ima2.server.guard.policy import Policy
from ima2.server.listen import GuardedSite, bind
from ima2.server.serve import make_runner
from ima2.server.streams import Streams

Env = dict[str, str]


@dataclass
class Served:
    studio: Studio
    client: httpx.AsyncClient
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def make(self, **body: Any) -> dict[str, Any]:
        answer = await self.client.post("/api/generate", json={"prompt": "a red kite", "provider": "fake", **body})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def raw(self, data: bytes) -> bytes:
        """What comes back for these very bytes, until the server closes or says nothing more for a moment."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        await writer.drain()
        try:
            return await drained(reader)
        finally:
            writer.close()

    @asynccontextmanager
    async def frames(self, path: str = "/api/events", **options: Any) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """The frames of a stream as ``{id, event, data}``; comments as ``{comment}``."""
        method = options.pop("method", "GET")
        async with self.client.stream(method, path, **options) as response:
            assert response.status_code == 200, await response.aread()
            yield parsed(response)


async def drained(reader: asyncio.StreamReader) -> bytes:
    data = b""
    while True:
        try:
            async with asyncio.timeout(1.0 if data else 15):
                part = await reader.read(1 << 16)
        except (TimeoutError, ConnectionError):
            return data
        if not part:
            return data
        data += part


async def parsed(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    frame: dict[str, Any] = {}
    async for line in response.aiter_lines():
        if not line:
            if frame:
                yield frame
            frame = {}
        elif line.startswith(":"):
            frame["comment"] = line[1:].strip()
        else:
            name, _, value = line.partition(": ")
            frame[name] = json.loads(value) if name == "data" else value


@asynccontextmanager
async def serving(
    env: Env,
    *providers: FakeProvider,
    guard: bool = True,
    policy: Policy | None = None,
    streams: Streams | None = None,
    keepalive: float = 30.0,
    plugins: dict[str, object] | None = None,
    port: int = 0,
    **limits: Any,
) -> AsyncIterator[Served]:
    given = {**{provider.info.id: provider for provider in providers}, **(plugins or {})}
    async with open_studio(env, plugins=given) as studio:
        runner = make_runner(create_app(studio, guard=guard, policy=policy, streams=streams), keepalive=keepalive)
        await runner.setup()
        listener = bind("127.0.0.1", port)
        port = listener.getsockname()[1]
        try:
            await GuardedSite(runner, listener, **limits).start()
            base = f"http://127.0.0.1:{port}"
            async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=30) as client:
                yield Served(studio, client, port)
        finally:
            await runner.cleanup()
            listener.close()


def run(env: Env, work: Callable[[Served], Awaitable[Any]], *providers: FakeProvider, **options: Any) -> Any:
    """Serve, work, end."""

    async def main() -> Any:
        async with serving(env, *(providers or (FakeProvider(),)), **options) as served:
            return await work(served)

    return asyncio.run(main())
