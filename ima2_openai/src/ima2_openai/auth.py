"""Signing in by pasting a key: checked by form, then by the service, then stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from ima2.errors import InvalidRequest, UpstreamError
from ima2.hookspecs import Ask, LoginEvent, LoginMethod, LoginSession, SignedIn

from ima2_openai import keys
from ima2_openai.catalogue_live import fetch

if TYPE_CHECKING:
    from ima2.hookspecs import Context

_RESTRICTED = ("missing scopes", "insufficient permissions")


class KeyAuth:
    """See :class:`ima2.hookspecs.Auth`."""

    methods: tuple[LoginMethod, ...] = ("api_key",)

    def __init__(self, context: Context) -> None:
        self._context = context

    def login(self, method: LoginMethod) -> LoginSession:
        """Begin.

        :raises InvalidRequest: ``UNKNOWN_LOGIN_METHOD``.
        """
        if method not in self.methods:
            text = f"OpenAI's API takes a key, not {method}."
            raise InvalidRequest(text, code="UNKNOWN_LOGIN_METHOD", hint=keys.LOGIN)
        return KeyLogin(self._context)

    async def logout(self) -> None:
        """Forget the stored key; one in the environment or in ``config.json`` stays."""
        async with self._context.credentials.lock():
            self._context.credentials.delete()


class KeyLogin:
    """See :class:`ima2.hookspecs.LoginSession`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lines: asyncio.Queue[str] = asyncio.Queue()

    async def __aiter__(self) -> AsyncIterator[LoginEvent]:
        """Ask for the key, check it, store it."""
        yield Ask("OpenAI API key", secret=True)
        key = keys.Key(keys.check_form(await self._lines.get()), "stored")
        await self._prove(key)
        async with self._context.credentials.lock():
            self._context.credentials.write({**self._context.credentials.read(), keys.STORED: key.value})
        yield SignedIn(account=key.masked)

    async def answer(self, text: str) -> None:
        """The pasted key."""
        self._lines.put_nowait(text)

    async def aclose(self) -> None:
        """Nothing is held open."""

    async def _prove(self, key: keys.Key) -> None:
        """Ask the service for its models.

        A restricted key may be good and still not list models: then the refusal itself says that it was recognised.
        """
        try:
            await fetch(self._context, key)
        except UpstreamError as error:
            if any(words in error.message.lower() for words in _RESTRICTED):
                return
            raise InvalidRequest(
                f"The key was not stored, because OpenAI did not accept it. {error.message}",
                code="KEY_VALIDATION_FAILED",
                field=keys.STORED,
                hint=keys.LOGIN,
                retryable=error.retryable,
                details=error.details,
            ) from error
