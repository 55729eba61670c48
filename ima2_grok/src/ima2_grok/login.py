"""What every way of signing in shares: the answers of the user, and keeping what came of it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING

from ima2.hookspecs import LoginEvent, SignedIn

from ima2_grok.claims import plan
from ima2_grok.credentials import STORED, sign_in_file
from ima2_grok.session import store
from ima2_grok.signin import SignIn
from ima2_grok.status import masked
from ima2_grok.tokens import Tokens

if TYPE_CHECKING:
    from ima2.hookspecs import Context


class Login(ABC):
    """A :class:`ima2.hookspecs.LoginSession`; each way brings its :meth:`steps`."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._lines: asyncio.Queue[str] = asyncio.Queue()
        self._running = self.steps()

    @abstractmethod
    def steps(self) -> AsyncGenerator[LoginEvent, None]:
        """The events, the last one :class:`SignedIn`."""

    def __aiter__(self) -> AsyncIterator[LoginEvent]:
        """The one run of this session."""
        return self._running

    async def answer(self, text: str) -> None:
        """The line that was asked for."""
        self._lines.put_nowait(text)

    async def aclose(self) -> None:
        """Stop; a port that was listened on is free again."""
        await self._running.aclose()

    async def line(self) -> str:
        """The next answer of the user."""
        return await self._lines.get()

    async def keep(self, tokens: Tokens, endpoint: str) -> SignedIn:
        """Store a new sign-in; a key that was stored before gives way to it.

        :raises StorageFailed: ``CREDENTIALS_UNWRITABLE``.
        """
        signed_in = SignIn.of(tokens, endpoint=endpoint, now=self.context.clock.now())
        file = sign_in_file(self.context)
        async with file.lock():
            store(file, signed_in)
        await self._drop_key()
        return SignedIn(account=masked(signed_in.email), plan=plan(signed_in.access_token))

    async def _drop_key(self) -> None:
        credentials = self.context.credentials
        async with credentials.lock():
            stored = credentials.read()
            if STORED in stored:
                credentials.write({name: value for name, value in stored.items() if name != STORED})
