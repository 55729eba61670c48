"""What every way of signing in shares."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ima2.hookspecs import LoginEvent


class Login(ABC):
    """A :class:`ima2.hookspecs.LoginSession`; each way brings its :meth:`steps`."""

    def __init__(self) -> None:
        self._lines: asyncio.Queue[str] = asyncio.Queue()
        self._running = self.steps()

    @abstractmethod
    def steps(self) -> AsyncGenerator[LoginEvent, None]:
        """The events, the last one :class:`ima2.hookspecs.SignedIn`."""

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
