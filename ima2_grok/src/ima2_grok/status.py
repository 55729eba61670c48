"""Whether this provider can work now, from local reads alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ima2.errors import NotReady
from ima2.hookspecs import Status
from ima2.upstream.redact import mask_address

from ima2_grok.claims import plan
from ima2_grok.credentials import Key, find
from ima2_grok.identity import LOGIN
from ima2_grok.signin import SignIn

if TYPE_CHECKING:
    from ima2.hookspecs import Context

REQUIRED = "GROK_AUTH_REQUIRED"


def status(context: Context) -> Status:
    """A key, a sign-in, or what is missing. Whether xAI still takes it shows with the first request."""
    try:
        found = find(context)
    except NotReady as error:
        legacy = {"status": "error", "reason": error.message, "code": error.code}
        return Status(ready=False, why=error.message, hint=error.hint, legacy=legacy)
    if isinstance(found, Key):
        return Status(ready=True, account=found.masked, source=found.source, legacy={"status": "ready"})
    if found is None:
        return _missing("not signed in")
    return _signed_in(found) if found.usable(context.clock.now()) else _missing("the sign-in is over")


def _signed_in(found: SignIn) -> Status:
    return Status(
        ready=True,
        account=mask_address(found.email),
        plan=plan(found.access_token),
        expires_at=None if found.expires_at is None else round(found.expires_at),
        source="sign-in",
        legacy={"status": "ready"},
    )


def _missing(why: str) -> Status:
    return Status(ready=False, why=why, hint=LOGIN, legacy={"status": "offline", "reason": why, "code": REQUIRED})
