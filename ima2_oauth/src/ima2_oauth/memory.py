"""What has become of tokens: which OpenAI has refused for good, and which may have been used up without an answer.

It lies in ima2's own credential file under ``ima2``, also for Codex's sign-in, whose file is not ours to mark. Tokens
stand in it by their digests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ima2_oauth.signin import SignIn, digest
from ima2_oauth.told import number_of, object_of

if TYPE_CHECKING:
    from ima2.hookspecs import Context, Credentials

KEY = "ima2"
MOST = 8
"""Refused tokens that are remembered."""
WAIT = 30.0
"""Seconds in which a refresh token that may have been used up is not sent again."""


def refused(context: Context) -> frozenset[str]:
    """Digests of tokens that are of no use any more."""
    listed = _notes(context.credentials).get("refused")
    return frozenset(each for each in listed if isinstance(each, str)) if isinstance(listed, list) else frozenset()


def usable(context: Context, sign_in: SignIn) -> bool:
    """Whether it is worth trying: the access token lives, or can be renewed."""
    dead = refused(context)
    if sign_in.alive(context.clock.now()) and digest(sign_in.access_token) not in dead:
        return True
    return sign_in.refresh_token is not None and digest(sign_in.refresh_token) not in dead


def wait_for(context: Context, sign_in: SignIn) -> float:
    """Seconds until its refresh token may be sent again; 0 for now."""
    unsure = object_of(_notes(context.credentials).get("unsure"))
    since = context.clock.now() - (number_of(unsure.get("at")) or 0.0)
    same = unsure.get("token") == digest(sign_in.refresh_token)
    return WAIT - since if same and 0 <= since < WAIT else 0.0


def note_refused(credentials: Credentials, *tokens: str | None) -> None:
    """Remember tokens that OpenAI has refused for good; the caller holds the lock of ``credentials``."""
    listed = _notes(credentials).get("refused")
    before = listed if isinstance(listed, list) else []
    fresh = [digest(token) for token in tokens if token]
    _write(credentials, {"refused": [*(each for each in before if each not in fresh), *fresh][-MOST:]})


def note_unsure(credentials: Credentials, sign_in: SignIn, now: float) -> None:
    """Remember that nobody knows whether its refresh token was used up; the caller holds the lock."""
    _write(credentials, {"unsure": {"token": digest(sign_in.refresh_token), "at": now}})


def _notes(credentials: Credentials) -> Mapping[str, Any]:
    return object_of(credentials.read().get(KEY))


def _write(credentials: Credentials, changes: Mapping[str, Any]) -> None:
    stored = credentials.read()
    credentials.write({**stored, KEY: {**object_of(stored.get(KEY)), **changes}})
