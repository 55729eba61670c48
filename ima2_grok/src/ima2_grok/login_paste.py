"""Signing in with a browser on another machine: the user pastes the address it ended at."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from ima2.hookspecs import Ask, LoginEvent, OpenUrl

from ima2_grok.authorization import Authorization
from ima2_grok.endpoints import discover
from ima2_grok.login import GrokLogin
from ima2_grok.login_browser import PATH, PORT

QUESTION = "The page will not load at the end. Paste its address, or the code"


class PasteLogin(GrokLogin):
    """Open the page, ask for its last address. Nothing listens, so the browser shows that it can't connect."""

    async def steps(self) -> AsyncGenerator[LoginEvent, None]:
        """An :class:`OpenUrl`, an :class:`Ask`, then :class:`SignedIn`."""
        endpoints = await discover(self.context)
        authorization = Authorization.at(f"http://127.0.0.1:{PORT}{PATH}")
        yield OpenUrl(authorization.url(endpoints.authorize))
        yield Ask(QUESTION)
        code = authorization.pasted(await self.line())
        tokens = await authorization.redeem(self.context, endpoints, code)
        yield await self.keep(tokens, endpoints.token)
