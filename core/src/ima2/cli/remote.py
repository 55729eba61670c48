"""A running server as a backend."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from ima2 import __version__
from ima2.cli.backend import Answer, Body, Event
from ima2.cli.discovery import Server
from ima2.cli.identity import identity
from ima2.cli.wire import answer_of, error_of, frames, on_the_wire
from ima2.errors import ServerUnreachable, StorageFailed
from ima2.models.request import Surface
from ima2.settings.paths import Paths

ANSWER_SECONDS = 60.0
"""A stream is pinged every 15 s; silence beyond this is a lost connection."""
RECONNECT_TRIES = 10
RECONNECT_SECONDS = 1.0
POLL_SECONDS = 0.5
_ROUTES: dict[Surface, str] = {"classic": "/api/generate", "edit": "/api/edit", "video": "/api/video/generate"}


@asynccontextmanager
async def open_remote(server: Server) -> AsyncIterator[ServerBackend]:
    """Open the connection pool; redirects are never followed, and no proxy is asked."""
    paths = Paths.from_env()
    headers = {
        "x-ima2-client": f"cli/{__version__}",
        "x-ima2-browser-id": identity(paths),
        **({"x-ima2-token": server.token} if server.token else {}),
    }
    async with httpx.AsyncClient(
        base_url=server.url, headers=headers, timeout=ANSWER_SECONDS, trust_env=False, follow_redirects=False
    ) as client:
        yield ServerBackend(server.url, client, paths)


class ServerBackend:
    """See :class:`ima2.cli.backend.Backend`."""

    def __init__(self, url: str, client: httpx.AsyncClient, paths: Paths) -> None:
        self.url: str | None = url
        self._client = client
        self._paths = paths

    async def run(self, body: Body, *, surface: Surface) -> AsyncIterator[Event]:
        """Post and follow. The idempotency key makes a second post find the job of the first."""
        payload = {**on_the_wire(body), "inline": False, "async": False}
        headers = {"idempotency-key": str(body["requestId"])}
        async for event in self._follow(_ROUTES[surface], str(body["requestId"]), payload, headers):
            yield event

    async def retry(self, job_id: str) -> AsyncIterator[Event]:
        """``POST /api/jobs/<id>/retry``, then watch."""
        await self._ask("POST", f"/api/jobs/{_segment(job_id)}/retry", json={})
        async for event in self._watch(job_id):
            yield event

    async def resume(self, job_id: str) -> AsyncIterator[Event]:
        """``POST /api/jobs/<id>/resume``, then watch."""
        await self._ask("POST", f"/api/jobs/{_segment(job_id)}/resume", json={})
        async for event in self._watch(job_id):
            yield event

    async def _watch(self, job_id: str) -> AsyncIterator[Event]:
        """Ask for the job until it has ended; its earlier events belong to an earlier try."""
        phase = None
        while True:
            try:
                job = await self.job(job_id)
            except ServerUnreachable:
                raise self._lost(job_id) from None
            if job["state"] == "done":
                yield Event("done", job)
                return
            if job["state"] in ("failed", "cancelled", "unknown"):
                raise error_of(job.get("error") or {}, 500)
            if job["phase"] != phase:
                phase = job["phase"]
                yield Event("phase", {"requestId": job_id, "phase": phase})
            await asyncio.sleep(POLL_SECONDS)

    async def _follow(
        self, route: str, job_id: str, payload: Mapping[str, Any], headers: Mapping[str, str]
    ) -> AsyncIterator[Event]:
        seen = 0
        for _ in range(RECONNECT_TRIES):
            try:
                async with aclosing(self._stream(route, payload, headers)) as stream:
                    async for number, event in stream:
                        if number and number <= seen:
                            continue
                        seen = number or seen
                        yield event
                        if event.name == "done":
                            return
            except httpx.TransportError:
                pass
            await asyncio.sleep(RECONNECT_SECONDS)
        raise self._lost(job_id)

    def _lost(self, job_id: str) -> ServerUnreachable:
        return ServerUnreachable(
            f"{self.url} does not answer any more. If it runs, job {job_id} goes on there; if not, it can be resumed.",
            paid="maybe",
            hint=f"ima2 jobs resume {job_id}",
            details={"requestId": job_id},
        )

    async def _stream(
        self, route: str, payload: Mapping[str, Any], headers: Mapping[str, str]
    ) -> AsyncGenerator[tuple[int, Event], None]:
        accept = {"accept": "text/event-stream", **headers}
        async with self._client.stream("POST", route, json=payload, headers=accept) as response:
            if not response.headers.get("content-type", "").startswith("text/event-stream"):
                await response.aread()
                yield 0, Event("done", answer_of(response))
                return
            async for number, name, data in frames(response.aiter_bytes()):
                if name == "error":
                    raise error_of(data, 500)
                yield number, Event(name, data)

    async def preview(self, body: Body, *, surface: Surface) -> Answer:
        """``POST /api/preview``."""
        route = "/api/video/preview" if surface == "video" else "/api/preview"
        return await self._ask("POST", route, json=on_the_wire(body))

    async def cancel(self, job_id: str) -> Answer:
        """``DELETE /api/inflight/<id>``."""
        return await self._ask("DELETE", f"/api/inflight/{_segment(job_id)}")

    async def file(self, picture: Mapping[str, Any]) -> Path | None:
        """The server's own file, when its gallery is ours."""
        path = self._paths.generated / str(picture.get("filename"))
        inside = path.resolve().is_relative_to(self._paths.generated.resolve())
        if inside and path.is_file() and await asyncio.to_thread(_sha256, path) == picture.get("sha256"):
            return path
        return None

    async def fetch(self, picture: Mapping[str, Any], folder: Path) -> Path:
        """Download what is not here; whole and as announced, or not at all."""
        if path := await self.file(picture):
            return path
        filename = str(picture.get("filename"))
        target = folder / Path(filename).name
        async with self._client.stream("GET", f"/generated/{quote(filename)}") as response:
            if response.status_code != 200:
                await response.aread()
                answer_of(response)
            with target.open("wb") as file:
                async for part in response.aiter_bytes():
                    file.write(part)
        if _sha256(target) != picture.get("sha256"):
            raise StorageFailed(f"{filename} did not arrive whole; the server still has it.", kept=(filename,))
        return target

    async def frame(self, filename: str, position: float | None) -> bytes:
        """``GET /api/video/frame``."""
        query = {"file": filename, "position": "last" if position is None else f"{position:g}"}
        response = await self._request("GET", "/api/video/frame", params=query)
        if not response.is_success:
            answer_of(response)
        return response.content

    async def partial(self, event: Event, folder: Path) -> Path | None:
        """``GET`` of the address that the event names."""
        url = str(event.data["url"])
        try:
            response = await self._client.get(url)
        except httpx.TransportError:
            return None
        if response.status_code != 200:
            return None
        path = folder / url.rpartition("/")[2]
        path.write_bytes(response.content)
        return path

    async def inflight(self, *, kind: str | None, session: str | None, terminal: bool) -> Answer:
        """``GET /api/inflight``."""
        query = {"kind": kind, "sessionId": session, "includeTerminal": "1" if terminal else None}
        return await self._ask("GET", "/api/inflight", params=_said(query))

    async def jobs(self, *, states: tuple[str, ...], limit: int) -> Answer:
        """``GET /api/jobs``."""
        query = {"state": ",".join(states) or None, "limit": limit}
        return await self._ask("GET", "/api/jobs", params=_said(query))

    async def job(self, job_id: str) -> Answer:
        """``GET /api/jobs/<id>``."""
        return await self._ask("GET", f"/api/jobs/{_segment(job_id)}")

    async def drop(self, job_id: str) -> Answer:
        """``POST /api/jobs/<id>/drop``."""
        return await self._ask("POST", f"/api/jobs/{_segment(job_id)}/drop", json={})

    async def history(self, **query: Any) -> Answer:
        """``GET /api/history``."""
        return await self._ask("GET", "/api/history", params=_said(query))

    async def trash(self, filename: str, *, permanent: bool) -> Answer:
        """``DELETE /api/history/<filename>``."""
        tail = "/permanent" if permanent else ""
        return await self._ask("DELETE", f"/api/history/{_segment(filename)}{tail}")

    async def restore(self, filename: str, trash_id: str | None) -> Answer:
        """``POST /api/history/<filename>/restore``."""
        return await self._ask("POST", f"/api/history/{_segment(filename)}/restore", json=_said({"trashId": trash_id}))

    async def favorite(self, filename: str) -> Answer:
        """``POST /api/history/favorite``."""
        return await self._ask("POST", "/api/history/favorite", json={"filename": filename})

    async def providers(self) -> Answer:
        """``GET /api/providers``."""
        return await self._ask("GET", "/api/providers")

    async def models(self, provider: str | None, *, refresh: bool) -> Answer:
        """``GET /api/models``."""
        return await self._ask("GET", "/api/models", params=_said({"provider": provider, "refresh": refresh or None}))

    async def capabilities(self) -> Answer:
        """``GET /api/capabilities``."""
        return await self._ask("GET", "/api/capabilities")

    async def _ask(self, method: str, route: str, **arguments: Any) -> Answer:
        return answer_of(await self._request(method, route, **arguments))

    async def _request(self, method: str, route: str, **arguments: Any) -> httpx.Response:
        try:
            return await self._client.request(method, route, **arguments)
        except httpx.TransportError as error:
            raise ServerUnreachable(f"{self.url} does not answer ({type(error).__name__}).", hint="ima2 ping") from None


def _said(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}


def _segment(text: str) -> str:
    return quote(text, safe="")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
