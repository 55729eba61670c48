"""Whether this provider can work now, from local reads alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ima2.errors import NotReady
from ima2.hookspecs import Status
from ima2.upstream.redact import mask_address

from ima2_oauth import limits, memory
from ima2_oauth.credentials import LOGIN, Found, find, why_none

if TYPE_CHECKING:
    from ima2.hookspecs import Context


def status(context: Context) -> Status:
    """A sign-in, or what is missing. Whether OpenAI still takes it shows with the first request."""
    try:
        found = find(context)
        why = "" if found else why_none(context)
    except NotReady as error:
        return _missing(error.message, error.code, hint=error.hint)
    if found is None:
        return _missing(why, "OAUTH_AUTH_REQUIRED")
    if not memory.usable(context, found.sign_in):
        return _missing("the ChatGPT sign-in is over", "AUTH_CHATGPT_EXPIRED")
    return _signed_in(context, found)


def _signed_in(context: Context, found: Found) -> Status:
    models = [model.id for model in context.live_models]
    return Status(
        ready=True,
        account=mask_address(found.sign_in.email),
        plan=limits.known_plan(context) or found.sign_in.plan,
        expires_at=round(found.sign_in.ends_at),
        source=found.source,
        quota=tuple(window.shown() for window in limits.remembered(context)),
        legacy={"status": "ready", **({"models": models} if models else {})},
    )


def _missing(why: str, code: str, *, hint: str | None = LOGIN) -> Status:
    return Status(ready=False, why=why, hint=hint, legacy={"status": "auth_required", "code": code})
