"""A sign-in as it lies in ``auth.json``: Codex's file and ima2's own have the same shape.

::

    {"auth_mode": "chatgpt", "OPENAI_API_KEY": null,
     "tokens": {"id_token": "…", "access_token": "…", "refresh_token": "…", "account_id": "…"},
     "last_refresh": "2026-11-22T10:15:30.123456Z"}

All but ``tokens.access_token`` may be missing (Codex sources, 2026-08).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self

from ima2.upstream.jwt import claims

from ima2_oauth.told import number_of, object_of, text_of

YOUNG = 60.0
"""Seconds in which a token is not renewed again: who finds it refused holds the one before it."""
UNTOLD = 8 * 86400.0
"""Seconds an access token that does not say its end is taken to live (Codex sources, 2026-08)."""
_OPENAI = "https://api.openai.com/auth"
_PROFILE = "https://api.openai.com/profile"


@dataclass(frozen=True, slots=True)
class SignIn:
    """Times are epoch seconds of this machine's clock."""

    access_token: str
    refresh_token: str | None = None
    id_token: str | None = None
    stored_account: str | None = None
    refreshed_at: float | None = None

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self | None:
        """From the file's object; None when it holds no ChatGPT sign-in. Fields of a wrong type count as missing."""
        tokens = object_of(stored.get("tokens"))
        access_token = text_of(tokens.get("access_token"))
        if access_token is None or stored.get("auth_mode") not in (None, "chatgpt"):
            return None
        return cls(
            access_token=access_token,
            refresh_token=text_of(tokens.get("refresh_token")),
            id_token=text_of(tokens.get("id_token")),
            stored_account=text_of(tokens.get("account_id")),
            refreshed_at=_epoch(stored.get("last_refresh")),
        )

    def renewed(self, answer: Mapping[str, Any], now: float) -> Self:
        """With a token answer, whose every field may be absent; what it leaves out stays as it was."""
        return replace(
            self,
            access_token=text_of(answer.get("access_token")) or self.access_token,
            refresh_token=text_of(answer.get("refresh_token")) or self.refresh_token,
            id_token=text_of(answer.get("id_token")) or self.id_token,
            stored_account=self.account_id,
            refreshed_at=now,
        )

    def stored(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """The file's new object: the tokens and their time; everything else stays as others have put it there."""
        ours = {
            "id_token": self.id_token,
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "account_id": self.account_id,
        }
        at = datetime.fromtimestamp(self.refreshed_at or 0, UTC).isoformat(timespec="microseconds")
        tokens = {**object_of(before.get("tokens")), **{name: value for name, value in ours.items() if value}}
        return {**before, "tokens": tokens, "last_refresh": at.replace("+00:00", "Z")}

    @property
    def account_id(self) -> str | None:
        """The workspace that pays; what the file says before what the tokens say."""
        return self.stored_account or next(filter(None, map(_account, self._claims())), None)

    @property
    def plan(self) -> str | None:
        """As OpenAI calls it (``plus``); an open set."""
        return next((plan for said in self._claims() if (plan := text_of(_auth(said).get("chatgpt_plan_type")))), None)

    @property
    def email(self) -> str | None:
        """Whose it is; shown masked."""
        found = (said.get("email") or object_of(said.get(_PROFILE)).get("email") for said in self._claims())
        return next((email for each in found if (email := text_of(each))), None)

    @property
    def fedramp(self) -> bool:
        """Whether the account is served apart from the others, which a header must say."""
        return any(_auth(said).get("chatgpt_account_is_fedramp") is True for said in self._claims())

    @property
    def ends_at(self) -> float:
        """When the access token ends, at the latest.

        Its lifetime is also counted from when it was stored here: on a clock that goes ahead a fresh token would seem
        over for good, and be renewed with every call. Taken too late, the end shows in a refusal, which renews it.
        """
        said = claims(self.access_token)
        end, begin = number_of(said.get("exp")), number_of(said.get("iat"))
        if end is None:
            return (self.refreshed_at or 0.0) + UNTOLD
        if begin is None or self.refreshed_at is None or end <= begin:
            return end
        return max(end, self.refreshed_at + end - begin)

    def alive(self, now: float, *, margin: float = 0.0) -> bool:
        """Whether the access token is good for ``margin`` more seconds."""
        return now + margin < self.ends_at

    def young(self, now: float) -> bool:
        """Whether it was renewed just now, here or by another process."""
        return self.refreshed_at is not None and 0 <= now - self.refreshed_at < YOUNG

    def _claims(self) -> tuple[Mapping[str, Any], ...]:
        return claims(self.id_token), claims(self.access_token)


def digest(token: str | None) -> str:
    """Tells tokens apart without being one."""
    return hashlib.sha256((token or "").encode()).hexdigest()[:16]


def _auth(said: Mapping[str, Any]) -> Mapping[str, Any]:
    return object_of(said.get(_OPENAI))


def _account(said: Mapping[str, Any]) -> str | None:
    organizations = said.get("organizations")
    first = organizations[0] if isinstance(organizations, list) and organizations else None
    named = (
        _auth(said).get("chatgpt_account_id"),
        said.get("chatgpt_account_id"),
        object_of(first).get("id"),
    )
    return next((found for each in named if (found := text_of(each))), None)


def _epoch(value: Any) -> float | None:
    try:
        then = datetime.fromisoformat(value) if isinstance(value, str) else None
        return None if then is None else (then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
