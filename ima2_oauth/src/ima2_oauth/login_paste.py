"""Signing in with a browser on another machine: the user pastes the address it ended at."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from ima2.hookspecs import Ask, LoginEvent, OpenUrl

from ima2_oauth.authorization import PASTE_LOGIN, code_in, page, ports, request_for
from ima2_oauth.login import ChatGptLogin, login_failed

QUESTION = "The page will not load at the end. Paste its address, or the code"


class PasteLogin(ChatGptLogin):
    """Open the page, ask for its last address. Nothing listens, so the browser shows that it can't connect."""

    async def steps(self) -> AsyncGenerator[LoginEvent, None]:
        """An :class:`OpenUrl`, an :class:`Ask`, then :class:`SignedIn`."""
        request = request_for(self.context, next(iter(ports(self.context)), 0))
        yield OpenUrl(page(self.context, request))
        yield Ask(QUESTION)
        code = code_in(request, request.pasted(await self.line()))
        if code is None:
            raise login_failed("That address holds no code.", hint=PASTE_LOGIN)
        yield await self.keep(request.form(code))
