"""Signing in: one object that the command line and the page both drive."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, Protocol

LoginMethod = Literal["browser", "device", "paste", "api_key"]


@dataclass(frozen=True, slots=True)
class OpenUrl:
    """Open this address in a browser."""

    url: str


@dataclass(frozen=True, slots=True)
class ShowCode:
    """Type ``code`` at ``url``; it is good for ``expires_in`` seconds."""

    code: str
    url: str
    expires_in: int | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """Wants a line of text, given with :meth:`LoginSession.answer`; hidden while typed when ``secret``."""

    question: str
    secret: bool = False


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Done and stored. ``account`` is masked."""

    account: str | None = None
    plan: str | None = None


LoginEvent = OpenUrl | ShowCode | Ask | SignedIn


class LoginSession(Protocol):
    """An async iterator of login events that ends with :class:`SignedIn` or raises an ``Ima2Error``."""

    def __aiter__(self) -> AsyncIterator[LoginEvent]:
        """Iterate over the events."""
        ...

    async def answer(self, text: str) -> None:
        """Give the line that the last :class:`Ask` wanted."""
        ...

    async def aclose(self) -> None:
        """Stop and release ports; nothing is stored."""
        ...


class Auth(Protocol):
    """What ``ima2_auth`` returns."""

    methods: tuple[LoginMethod, ...]

    def login(self, method: LoginMethod) -> LoginSession:
        """Begin to sign in."""
        ...

    async def logout(self) -> None:
        """Forget the stored credential."""
        ...
