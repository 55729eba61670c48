"""Signing in with the browser of this machine: it comes back to a port that is open for this sign-in alone."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import suppress

from ima2.errors import Conflict
from ima2.hookspecs import LoginEvent, OpenUrl
from ima2.upstream.callback import Callback
from ima2.upstream.sockets import TAKEN, listening

from ima2_oauth.authorization import DEVICE_LOGIN, PASTE_LOGIN, PATH, code_in, page, ports, request_for
from ima2_oauth.login import ChatGptLogin, login_failed


class BrowserLogin(ChatGptLogin):
    """Open the page, wait for the browser."""

    async def steps(self) -> AsyncGenerator[LoginEvent, None]:
        """An :class:`OpenUrl`, then :class:`SignedIn`."""
        listeners = _listeners(ports(self.context))
        request = request_for(self.context, listeners[0].getsockname()[1])
        callback = Callback(listeners[0], PATH, lambda query: code_in(request, query), also=listeners[1:])
        async with callback:
            yield OpenUrl(page(self.context, request))
            code = await self._code(callback)
        yield await self.keep(request.form(code))

    async def _code(self, callback: Callback) -> str:
        """The code, or the end of the user's time."""
        seconds = float(self.context.settings["login_timeout"])
        coming = asyncio.ensure_future(callback.wait())
        late = asyncio.ensure_future(self.context.clock.sleep(seconds))
        try:
            await asyncio.wait({coming, late}, return_when=asyncio.FIRST_COMPLETED)
            if coming.done():
                return coming.result()
        finally:
            coming.cancel()
            late.cancel()
        text = f"The browser did not come back within {seconds:g} seconds."
        raise login_failed(text, code="OAUTH_LOGIN_EXPIRED", hint=PASTE_LOGIN)


def _listeners(wanted: tuple[int, ...]) -> tuple[socket.socket, ...]:
    """On the first port that is free, for both addresses that ``localhost`` may mean.

    :raises Conflict: ``LOGIN_PORTS_TAKEN``.
    """
    for port in wanted:
        try:
            first = listening("127.0.0.1", port)
        except OSError as error:
            if error.errno not in TAKEN:
                raise
            continue
        with suppress(OSError):
            return first, listening("::1", first.getsockname()[1])
        return (first,)
    text = f"The browser could come back to port {' or '.join(map(str, wanted))} alone, and other programs have them."
    raise Conflict(text, code="LOGIN_PORTS_TAKEN", hint=DEVICE_LOGIN)
