"""Signing in with the browser of this machine: it comes back to a port that is open for this sign-in alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from ima2.errors import AuthFailed
from ima2.hookspecs import LoginEvent, OpenUrl
from ima2.upstream.callback import Callback
from ima2.upstream.sockets import listening_near, url_of

from ima2_grok.authorization import Authorization
from ima2_grok.endpoints import discover
from ima2_grok.identity import LOGIN
from ima2_grok.login import GrokLogin

PORT = 56121
"""Where tools for Grok wait; any other port of 127.0.0.1 will do too (RFC 8252)."""
PATH = "/callback"
PAGES = ("https://accounts.x.ai", "https://auth.x.ai")
"""Pages that may ask for the callback from a script."""
SECONDS = 600.0


class BrowserLogin(GrokLogin):
    """Open the page, wait for the browser."""

    async def steps(self) -> AsyncGenerator[LoginEvent, None]:
        """An :class:`OpenUrl`, then :class:`SignedIn`."""
        endpoints = await discover(self.context)
        listener = listening_near("127.0.0.1", PORT)
        authorization = Authorization.at(url_of(listener) + PATH)
        async with Callback(listener, PATH, authorization.code, pages=PAGES) as callback:
            yield OpenUrl(authorization.url(endpoints.authorize))
            code = await self._code(callback)
        tokens = await authorization.redeem(self.context, endpoints, code)
        yield await self.keep(tokens, endpoints.token)

    async def _code(self, callback: Callback) -> str:
        """The code, or the end of the user's time."""
        coming = asyncio.ensure_future(callback.wait())
        late = asyncio.ensure_future(self.context.clock.sleep(SECONDS))
        try:
            await asyncio.wait({coming, late}, return_when=asyncio.FIRST_COMPLETED)
            if coming.done():
                return coming.result()
        finally:
            coming.cancel()
            late.cancel()
        text = "The browser did not come back within ten minutes. Nothing was stored."
        raise AuthFailed(text, code="GROK_LOGIN_EXPIRED", step="sign-in", hint=f"{LOGIN} --manual-paste")
