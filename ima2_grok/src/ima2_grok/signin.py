"""A sign-in as it lies in ``.progrok/auth.json``, the file that tools for Grok share.

::

    {"accessToken": "…", "refreshToken": "…", "expiresAt": 1790000000000,
     "tokenEndpoint": "https://auth.x.ai/oauth2/token", "email": "me@example.com", "idToken": "…"}

``expiresAt`` is epoch milliseconds; all but ``accessToken`` may be missing. ``refreshedAt`` is ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from ima2.upstream.jwt import claims

from ima2_grok.tokens import Tokens, text_of

EARLY = 300.0
"""Seconds before its end at which a token is renewed (xAI's own command line, 2026-08)."""
YOUNG = 60.0
"""Seconds in which a token is not renewed again: who finds it refused holds the one before it."""
UNTOLD = 3600.0
"""Seconds a token is taken to live when nobody says."""

_NAMES = {
    "access_token": "accessToken",
    "refresh_token": "refreshToken",
    "token_endpoint": "tokenEndpoint",
    "email": "email",
    "id_token": "idToken",
}
_TIMES = {"expires_at": "expiresAt", "refreshed_at": "refreshedAt"}


@dataclass(frozen=True, slots=True, repr=False)
class SignIn:
    """Times are epoch seconds."""

    access_token: str
    refresh_token: str | None = None
    expires_at: float | None = None
    token_endpoint: str | None = None
    email: str | None = None
    id_token: str | None = None
    refreshed_at: float | None = None

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self | None:
        """From the file's object; None when it holds no access token. Fields of a wrong type count as missing."""
        access_token = text_of(stored.get("accessToken"))
        if access_token is None:
            return None
        expires_at = _seconds(stored.get("expiresAt"), scale=1000)
        return cls(
            access_token=access_token,
            refresh_token=text_of(stored.get("refreshToken")),
            expires_at=_seconds(claims(access_token).get("exp")) if expires_at is None else expires_at,
            token_endpoint=text_of(stored.get("tokenEndpoint")),
            email=text_of(stored.get("email")),
            id_token=text_of(stored.get("idToken")),
            refreshed_at=_seconds(stored.get("refreshedAt"), scale=1000),
        )

    @classmethod
    def of(cls, tokens: Tokens, *, endpoint: str, now: float) -> Self:
        """From the answer to a login."""
        email = text_of(claims(tokens.id_token).get("email"))
        return cls(
            access_token=tokens.access,
            refresh_token=tokens.refresh,
            expires_at=_end(tokens, now),
            token_endpoint=endpoint,
            email=email,
            id_token=tokens.id_token,
            refreshed_at=now,
        )

    def renewed(self, tokens: Tokens, *, endpoint: str, now: float) -> Self:
        """With the answer to a refresh; what it leaves out stays as it was."""
        fresh = self.of(tokens, endpoint=endpoint, now=now)
        return replace(
            fresh,
            refresh_token=fresh.refresh_token or self.refresh_token,
            email=fresh.email or self.email,
            id_token=fresh.id_token or self.id_token,
        )

    def ended(self) -> Self:
        """After xAI has ended it: nothing is left that could be sent."""
        return replace(self, refresh_token=None, expires_at=0.0)

    def stored(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """The file's new object: our fields, and all that other tools have put there."""
        ours = {**_NAMES, **_TIMES}
        kept = {key: value for key, value in before.items() if key not in ours.values()}
        texts = {key: getattr(self, name) for name, key in _NAMES.items()}
        times = {key: getattr(self, name) for name, key in _TIMES.items()}
        told = {key: round(value * 1000) for key, value in times.items() if value is not None}
        return {**kept, **{key: value for key, value in texts.items() if value is not None}, **told}

    def alive(self, now: float) -> bool:
        """Whether the access token is not past its end."""
        return self.expires_at is None or now < self.expires_at

    def young(self, now: float) -> bool:
        """Whether it was renewed just now, here or by another process."""
        return self.alive(now) and self.refreshed_at is not None and 0 <= now - self.refreshed_at < YOUNG

    def fresh(self, now: float) -> bool:
        """Whether the access token can be used without renewing it first."""
        return self.young(now) or self.alive(now + EARLY)

    def usable(self, now: float) -> bool:
        """Whether it is worth trying."""
        return self.refresh_token is not None or self.alive(now)


def _end(tokens: Tokens, now: float) -> float:
    if tokens.expires_in is not None:
        return now + tokens.expires_in
    return _seconds(claims(tokens.access).get("exp")) or now + UNTOLD


def _seconds(value: Any, *, scale: int = 1) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value / scale if number and 0 <= value < 1e15 else None
