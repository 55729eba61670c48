"""Where a browser comes back to after a sign-in: a page on loopback, for one visit."""

from __future__ import annotations

import asyncio
import html
import socket
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from aiohttp import web

from ima2.errors import Ima2Error

Judge = Callable[[Mapping[str, str]], str | None]
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Server": "ima2",
}


class Callback:
    """Listens for as long as the block lasts.

    :param listener: a listening socket on loopback; it is closed at the end.
    :param path: where the browser comes to; everything else is 404.
    :param judge: takes the query and gives the code, None when it belongs to something else, which is then waited out,
        or raises an ``Ima2Error``, which ends the wait.
    :param pages: origins whose scripts may fetch the page instead of sending the browser there.
    :param also: more sockets like ``listener``: a name such as ``localhost`` may mean several addresses.
    """

    def __init__(
        self,
        listener: socket.socket,
        path: str,
        judge: Judge,
        *,
        pages: tuple[str, ...] = (),
        also: tuple[socket.socket, ...] = (),
    ) -> None:
        self._listeners = (listener, *also)
        self._path = path
        self._judge = judge
        self._pages = pages
        self._code: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._runner = web.ServerRunner(web.Server(self._answer, access_log=None), shutdown_timeout=1.0)

    async def wait(self) -> str:
        """The code.

        :raises Ima2Error: as the judge did.
        """
        return await asyncio.shield(self._code)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        for each in self._listeners:
            await web.SockSite(self._runner, each).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()
        for each in self._listeners:
            each.close()
        self._code.cancel()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = {**_HEADERS, **self._permission(request)}
        if request.path != self._path or request.method not in ("GET", "OPTIONS"):
            return _page("There is nothing here.", 404, headers)
        if request.method == "OPTIONS":
            return web.Response(status=204, headers=headers)
        if self._code.done():
            return _page("This sign-in is over. Close this tab.", 410, headers)
        return self._settle(dict(request.query), headers)

    def _settle(self, query: Mapping[str, str], headers: Mapping[str, str]) -> web.Response:
        try:
            code = self._judge(query)
        except Ima2Error as error:
            self._code.set_exception(error)
            # Who was waiting may have left; then nobody is to be told.
            self._code.exception()
            return _page(error.message, 400, headers)
        if code is None:
            return _page("This address belongs to another sign-in. The right one may still come.", 400, headers)
        self._code.set_result(code)
        return _page("Go back to ima2. You can close this tab.", 200, headers)

    def _permission(self, request: web.BaseRequest) -> dict[str, str]:
        """A page of the service may fetch the callback, also across the browser's border to this machine."""
        origin = request.headers.get("Origin", "")
        if origin not in self._pages:
            return {}
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": "GET",
            "Access-Control-Allow-Headers": "Content-Type",
            "Access-Control-Allow-Private-Network": "true",
            "Vary": "Origin",
        }


def _page(text: str, status: int, headers: Mapping[str, str]) -> web.Response:
    body = f"<!doctype html><meta charset=utf-8><title>ima2</title><p>{html.escape(text)}</p>"
    return web.Response(text=body, status=status, content_type="text/html", headers=headers)
