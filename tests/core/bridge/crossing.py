"""A bridge, what stands behind it, and a credential that can be made stale."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from aiohttp import web
from ima2.errors import Ima2Error
from ima2.upstream.bridge import Bridge, BridgeSpec
from ima2.upstream.client import make_client

ROUTES = ("models", "responses", "chat/completions", "files")
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass
class Credential:
    """Gives ``key-1``, then the next one whenever a fresh one is wanted."""

    number: int = 1
    refreshes: int = 0
    frozen: bool = False
    failure: Ima2Error | None = None

    async def __call__(self, force_refresh: bool) -> Mapping[str, str]:
        if self.failure:
            raise self.failure
        if force_refresh:
            self.refreshes += 1
            self.number += 0 if self.frozen else 1
        return {"authorization": f"Bearer key-{self.number}", "user-agent": "bridge-test"}


@dataclass
class Crossing:
    """Both ends: the bridge's address, and every request that came out behind it."""

    bridge: Bridge
    client: httpx.AsyncClient
    credential: Credential
    upstream: str
    seen: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    @property
    def v1(self) -> str:
        return f"{self.bridge.url}/v1"

    async def raw(self, data: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.bridge.port)
        writer.write(data)
        await writer.drain()
        try:
            async with asyncio.timeout(20):
                return await reader.read()
        finally:
            writer.close()


def spec(upstream: str, credential: Any, **changes: Any) -> BridgeSpec:
    plain = BridgeSpec(
        name="acme",
        host="127.0.0.1",
        port=0,
        upstream=upstream,
        routes=ROUTES,
        authorize=credential,
        should_refresh=lambda status, body: status == 401 or (status == 403 and b"stale" in body),
        health=lambda: {"who": "acme"},
    )
    return replace(plain, **changes)


@asynccontextmanager
async def upstream(handler: Handler) -> AsyncIterator[str]:
    """A service; its address."""
    server = web.Server(handler, access_log=None, handler_cancellation=True, auto_decompress=False)
    runner = web.ServerRunner(server, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def crossing(handler: Handler, **changes: Any) -> AsyncIterator[Crossing]:
    credential, seen = Credential(), list[tuple[str, str, dict[str, str]]]()

    async def watched(request: web.BaseRequest) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        seen.append((request.method, request.raw_path, headers))
        return await handler(request)

    async with (
        upstream(watched) as url,
        make_client() as inner,
        httpx.AsyncClient(trust_env=False) as client,
        Bridge(spec(f"{url}/v1", credential, **changes), inner) as bridge,
    ):
        yield Crossing(bridge, client, credential, url, seen)


def cross(handler: Handler, work: Callable[[Crossing], Awaitable[Any]], **changes: Any) -> Any:
    async def go() -> Any:
        async with asyncio.timeout(100), crossing(handler, **changes) as both:
            return await work(both)

    return asyncio.run(go())


async def whole(request: web.BaseRequest) -> bytes:
    """A body of any size."""
    return b"".join([chunk async for chunk in request.content.iter_any()])


async def fine(request: web.BaseRequest) -> web.StreamResponse:
    """Answers with what it got."""
    body = await request.read()
    return web.json_response({"path": request.raw_path, "body": body.decode("latin-1")})
