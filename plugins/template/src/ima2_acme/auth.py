"""The API key: asked for once, kept in the provider's own file, read again for each call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from ima2.errors import InvalidRequest
from ima2.hookspecs import Ask, LoginEvent, LoginMethod, LoginSession, SignedIn

if TYPE_CHECKING:
    from ima2.hookspecs import Context


def find_key(context: Context) -> str | None:
    """The key from the environment, else the stored one."""
    key = context.settings["api_key"] or context.credentials.read().get("api_key")
    return str(key) if key else None


class KeyAuth:
    """See :class:`ima2.hookspecs.Auth`."""

    methods: tuple[LoginMethod, ...] = ("api_key",)

    def __init__(self, context: Context) -> None:
        self._context = context

    def login(self, method: LoginMethod) -> LoginSession:
        """Begin to sign in."""
        return KeyLogin(self._context)

    async def logout(self) -> None:
        """Forget the stored key."""
        async with self._context.credentials.lock():
            self._context.credentials.delete()


class KeyLogin:
    """See :class:`ima2.hookspecs.LoginSession`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lines: asyncio.Queue[str] = asyncio.Queue()

    async def __aiter__(self) -> AsyncIterator[LoginEvent]:
        """Ask, and store what was answered beside whatever the file holds already."""
        yield Ask("Acme API key", secret=True)
        key = (await self._lines.get()).strip()
        if not key:
            raise InvalidRequest("That was no key.", code="AUTH_API_KEY_INVALID", hint="ima2 login acme")
        async with self._context.credentials.lock():
            self._context.credentials.write({**self._context.credentials.read(), "api_key": key})
        yield SignedIn()

    async def answer(self, text: str) -> None:
        """The key."""
        self._lines.put_nowait(text)

    async def aclose(self) -> None:
        """Nothing is held open."""
