"""The headers that authorize a request to xAI, renewed when it is time.

::

    headers = await authorized(context)
    response = await context.client.post(f"{base_url(context)}/images/generations", headers=headers, json=body)
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ima2.errors import AuthFailed, NotReady, StorageFailed, UpstreamError
from ima2.upstream.finishing import finished

from ima2_grok.claims import principal
from ima2_grok.credentials import Key, find, sign_in_file
from ima2_grok.endpoints import token_endpoint
from ima2_grok.identity import CLIENT_ID, LOGIN, USER_AGENT
from ima2_grok.signin import SignIn
from ima2_grok.tokens import Reply, post, text_of, tokens_of

if TYPE_CHECKING:
    from ima2.hookspecs import Context
    from ima2.upstream.credentials import CredentialFile

TRIES = 3
ENDED = frozenset({"invalid_grant", "invalid_client"})
"""The only words that end a sign-in; whatever else goes wrong may pass."""


async def authorized(context: Context, *, force_refresh: bool = False) -> dict[str, str]:
    """Headers with the credential and our name; lower-case names.

    A token near its end is renewed first. Many tasks and processes that come at once renew it once.

    :param force_refresh: xAI has refused the token that these headers had. A token that was renewed in the last minute
        is given as it is: then the headers may be the same as before, and asking again is of no use.
    :raises NotReady: ``GROK_AUTH_REQUIRED``: nobody is signed in, or xAI has ended the sign-in.
    :raises UpstreamError: ``GROK_REFRESH_FAILED``: the token's time is over, and renewing it did not work now.
    """
    found = find(context)
    if found is None:
        raise _needed("Nobody is signed in to Grok.")
    if isinstance(found, SignIn):
        found = await _current(context, found, force=force_refresh)
    secret = found.value if isinstance(found, Key) else found.access_token
    return {"authorization": f"Bearer {secret}", "user-agent": USER_AGENT}


def base_url(context: Context) -> str:
    """The API's address with its ``/v1``, without a slash at the end."""
    return str(context.settings["base_url"]).rstrip("/")


async def _current(context: Context, found: SignIn, *, force: bool) -> SignIn:
    if _good(found, context.clock.now(), force=force):
        return found
    file = sign_in_file(context)
    async with file.lock():
        now = context.clock.now()
        latest = SignIn.read(file.read())
        if latest is None:
            raise _needed("The Grok sign-in was removed.")
        if _good(latest, now, force=force):
            return latest
        if latest.refresh_token is None:
            return _unrenewable(latest, now, force=force)
        return await _renew(context, file, latest, patient=force or not latest.alive(now))


def _good(sign_in: SignIn, now: float, *, force: bool) -> bool:
    return sign_in.young(now) if force else sign_in.fresh(now)


def _unrenewable(sign_in: SignIn, now: float, *, force: bool) -> SignIn:
    if force or not sign_in.alive(now):
        raise _needed("The Grok sign-in is over.")
    return sign_in


async def _renew(context: Context, file: CredentialFile, sign_in: SignIn, *, patient: bool) -> SignIn:
    """Renew while the lock is held; ``patient`` when the old token is of no use any more."""
    failure: UpstreamError | None = None
    for attempt in range(TRIES if patient else 1):
        if attempt:
            await context.clock.sleep(random.uniform(0.2, 2.0))  # noqa: S311 - spreads load, keeps no secret
        try:
            return await finished(_renew_once(context, file, sign_in))
        except UpstreamError as error:
            failure = error
            if not error.retryable:
                break
    if patient and failure:
        raise failure
    return sign_in


async def _renew_once(context: Context, file: CredentialFile, sign_in: SignIn) -> SignIn:
    """One request. A refresh token is good for one use: what comes back is on disk before this returns."""
    endpoint = token_endpoint(context, sign_in.token_endpoint)
    form = {
        "grant_type": "refresh_token",
        "client_id": CLIENT_ID,
        "refresh_token": sign_in.refresh_token or "",
        **principal(sign_in.access_token),
    }
    reply = await _asked(context, endpoint, form)
    if reply.error in ENDED:
        return _adopted_or_ended(context, file, sign_in)
    _check(reply)
    renewed = sign_in.renewed(tokens_of(reply), endpoint=endpoint, now=context.clock.now())
    store(file, renewed)
    return renewed


async def _asked(context: Context, endpoint: str, form: Mapping[str, str]) -> Reply:
    try:
        return await post(context, endpoint, form)
    except UpstreamError as error:
        raise _failed(error.message, retryable=error.retryable) from error


def store(file: CredentialFile, sign_in: SignIn) -> None:
    """Write a sign-in over the one before; the caller holds the lock.

    :raises StorageFailed: ``CREDENTIALS_UNWRITABLE``.
    """
    try:
        file.write(sign_in.stored(file.read()))
    except OSError as error:
        text = f"The Grok sign-in could not be saved in {file.path}: {error.strerror}."
        raise StorageFailed(text, code="CREDENTIALS_UNWRITABLE", hint=f"free some space, then {LOGIN}") from error


def _adopted_or_ended(context: Context, file: CredentialFile, sent: SignIn) -> SignIn:
    """Another tool, which knows of no lock, may have renewed it meanwhile; else it is over."""
    latest = SignIn.read(file.read())
    if latest and latest.refresh_token != sent.refresh_token and latest.alive(context.clock.now()):
        return latest
    if latest and latest.refresh_token == sent.refresh_token:
        store(file, latest.ended())
    raise _needed("xAI has ended the Grok sign-in.")


def _check(reply: Reply) -> None:
    if reply.status == 200 and text_of(reply.value.get("access_token")):
        return
    if reply.status == 403:
        text = f"xAI refuses to renew the Grok sign-in: {reply.description}."
        raise AuthFailed(text, code="GROK_REFRESH_REFUSED", step="sign-in", hint="look at your plan on grok.com")
    raise _failed(f"xAI's sign-in service answered: {reply.description}.", retryable=True)


def _failed(why: str, *, retryable: bool) -> UpstreamError:
    text = f"The Grok sign-in could not be renewed; it is kept. {why}"
    return UpstreamError(text, code="GROK_REFRESH_FAILED", retryable=retryable, step="sign-in", hint="ima2 doctor")


def _needed(why: str) -> NotReady:
    return NotReady(why, code="GROK_AUTH_REQUIRED", hint=LOGIN, step="check")
