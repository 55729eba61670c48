"""The listener: gives the scripted answers in order and writes down what it received."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from ima2_kit.upstreams.answer import Answer, json_answer

MAX_BODY = 256 * 2**20
"""Bytes of a request body; references travel as base64 inside it."""
LOG_PATH = "/_log"
_HOP = frozenset({"content-length", "transfer-encoding", "connection", "content-encoding", "date", "server"})
"""Headers that the listener writes itself."""


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came in. Header names are lower case; ``path`` has no query.

    ``port`` is the client's: two requests with the same one came over the same connection.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    port: int = 0

    @property
    def json(self) -> Any:
        """The parsed body; None when it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def to_dict(self) -> dict[str, Any]:
        """The entry in ``/_log``; a body that is no JSON shows as text."""
        parsed = self.json
        body = {"json": parsed} if parsed is not None else {"text": self.body.decode(errors="replace")}
        return {
            "method": self.method,
            "path": self.path,
            "query": dict(self.query),
            "headers": dict(self.headers),
            "port": self.port,
            **body,
        }


class ScriptedUpstream:
    """A service that says what the script says, on a free port of 127.0.0.1.

    :param script: answers by route (``"POST /v1/responses"``), given in order. A route whose answers are used up
        answers 500 with code ``script_exhausted``, so that a call too many is seen.
    :param refuse: asked before the script; what it answers is given, and the script waits for the next request.
    """

    def __init__(
        self,
        script: Mapping[str, Iterable[Answer]] | None = None,
        *,
        refuse: Callable[[Received], Answer | None] | None = None,
    ) -> None:
        self._refuse = refuse
        self._script = {route: list(answers) for route, answers in (script or {}).items()}
        self.received: list[Received] = []
        self._leaving = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.url = ""

    def say(self, route: str, *answers: Answer) -> None:
        """Add answers to a route."""
        self._script.setdefault(route, []).extend(answers)

    def sent(self, route: str) -> list[Received]:
        """The requests that came to a route."""
        method, path = route.split(" ", 1)
        return [each for each in self.received if (each.method, each.path) == (method, path)]

    async def start(self, port: int = 0) -> None:
        """Listen; ``self.url`` is then ``http://127.0.0.1:<port>``."""
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_get(LOG_PATH, self._log)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Close the port and let go of clients that are kept in silence."""
        self._leaving.set()
        if self._runner:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _log(self, _: web.Request) -> web.Response:
        return web.json_response([each.to_dict() for each in self.received])

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.read()
        port = request.transport.get_extra_info("peername")[1] if request.transport else 0
        received = Received(request.method, request.path, dict(request.query), headers, body, port)
        self.received.append(received)
        refusal = self._refuse(received) if self._refuse else None
        return await self._send(request, refusal or self._next(f"{request.method} {request.path}"))

    def _next(self, route: str) -> Answer:
        answers = self._script.get(route, [])
        if not answers:
            said = {"message": f"The script has no answer left for {route}.", "type": "script", "param": None}
            return json_answer({"error": {**said, "code": "script_exhausted"}}, 500)
        return answers[0] if answers[0].repeat else answers.pop(0)

    async def _send(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        await self._pause(answer.wait)
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
        response = web.StreamResponse(status=answer.status, headers=kept)
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for piece in answer.split():
                await self._pause(answer.delay)
                await response.write(piece)
        if answer.ending == "silence":
            await self._leaving.wait()
        if answer.ending != "whole":
            _drop(request)
        return response

    async def _pause(self, seconds: float) -> None:
        if seconds:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._leaving.wait(), seconds)


def _drop(request: web.Request) -> None:
    """End the connection in the middle of the body: what was written goes out, the last chunk never comes."""
    if request.transport:
        request.transport.close()
