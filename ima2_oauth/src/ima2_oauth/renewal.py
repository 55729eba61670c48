"""Renewing a sign-in: one process asks, once, and what comes back is on disk before anyone uses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ima2.errors import Ima2Error, StorageFailed, UpstreamError
from ima2.upstream.finishing import finished

from ima2_oauth import memory
from ima2_oauth.credentials import LOGIN, Found, expired
from ima2_oauth.signin import SignIn, digest
from ima2_oauth.tokens import Reply, ask

if TYPE_CHECKING:
    from ima2.hookspecs import Context

FINAL = frozenset(
    {
        "refresh_token_expired",
        "refresh_token_reused",
        "refresh_token_invalidated",
        "token_expired",
        "token_invalidated",
        "invalid_grant",
    }
)
"""Words after which a refresh token is of no use any more."""


async def current(context: Context, found: Found, *, force: bool) -> SignIn:
    """The sign-in, renewed when it must be.

    :param force: the service has refused the access token.
    :raises NotReady: ``AUTH_CHATGPT_EXPIRED``, ``AUTH_CHATGPT_REUSED``, ``AUTH_CHATGPT_REVOKED``.
    :raises UpstreamError: ``OAUTH_REFRESH_FAILED``: it did not work now, and the old token is of no use.
    :raises StorageFailed: ``CREDENTIALS_UNWRITABLE``.
    """
    if _good(context, found, force=force):
        return found.sign_in
    try:
        async with found.file.lock():
            return await finished(_current_locked(context, found, force=force))
    except OSError as error:
        failure: Ima2Error = _unwritable(error)
    except (UpstreamError, StorageFailed) as error:
        failure = error
    if _lives(context, found, force=force):
        return found.sign_in
    raise failure


async def _current_locked(context: Context, found: Found, *, force: bool) -> SignIn:
    latest = _again(found)
    if _good(context, latest, force=force):
        return latest.sign_in
    sign_in = latest.sign_in
    if sign_in.refresh_token is None or digest(sign_in.refresh_token) in memory.refused(context):
        if _lives(context, latest, force=force):
            return sign_in
        raise expired("The ChatGPT sign-in is over.")
    if seconds := memory.wait_for(context, sign_in):
        raise _failed("The last attempt had no answer; it is not repeated at once.", retry_after=round(seconds, 1))
    return await _renew(context, latest, force=force)


async def _renew(context: Context, found: Found, *, force: bool) -> SignIn:
    """One request; the lock is held."""
    try:
        reply = await _asked(context, found)
    except UpstreamError as error:
        if (adopted := _adopted(found)) is not None:
            return adopted
        raise _failed(error.message) from error
    if reply.ok:
        return await _kept(context, found, found.sign_in.renewed(reply.value, context.clock.now()))
    if (adopted := _adopted(found)) is not None:
        return adopted
    if reply.code in FINAL or reply.status == 401:
        return await _ended(context, found, reply.code, force=force)
    raise _failed(f"OpenAI's sign-in service answered: {reply.description}.")


async def _asked(context: Context, found: Found) -> Reply:
    body = {
        "client_id": str(context.settings["client_id"]),
        "grant_type": "refresh_token",
        "refresh_token": found.sign_in.refresh_token or "",
    }
    _check_writable(found)
    try:
        reply = await ask(context, "oauth/token", json=body, paid="maybe")
    except UpstreamError as error:
        if error.paid != "no":
            await _note_unsure(context, found)
        raise
    if reply.status >= 500 or (reply.status == 200 and not reply.ok):
        await _note_unsure(context, found)
    return reply


async def _kept(context: Context, found: Found, renewed: SignIn) -> SignIn:
    """On disk. When Codex was signed in anew meanwhile, its new sign-in stays and is used."""
    stored = found.file.read()
    latest = SignIn.read(stored)
    if latest is None or latest.refresh_token != found.sign_in.refresh_token:
        if found.borrowed and latest:
            return latest
        raise expired("The ChatGPT sign-in was removed meanwhile.")
    try:
        found.file.write(renewed.stored(stored))
    except OSError as error:
        if not found.borrowed:
            raise _unwritable(error) from error
        # Codex's file can't be written, and the old token is used up: ours is the one place left.
        async with context.credentials.lock():
            context.credentials.write(renewed.stored({**context.credentials.read(), "auth_mode": "chatgpt"}))
    return renewed


def _adopted(found: Found) -> SignIn | None:
    """What another program, which knows of no lock, has renewed meanwhile."""
    latest = _again(found).sign_in
    same = latest.refresh_token == found.sign_in.refresh_token and latest.access_token == found.sign_in.access_token
    return None if same else latest


async def _ended(context: Context, found: Found, word: str | None, *, force: bool) -> SignIn:
    """Remember that it is over, so that nobody asks again; the access token may live on until its end."""
    sign_in = found.sign_in
    tokens = (sign_in.refresh_token, sign_in.access_token if force else None)
    await _remember(context, found, lambda: memory.note_refused(context.credentials, *tokens))
    if _lives(context, found, force=force):
        return sign_in
    if word == "refresh_token_reused":
        raise expired("Another program has renewed the ChatGPT sign-in, which ended it.", code="AUTH_CHATGPT_REUSED")
    if word in ("refresh_token_invalidated", "token_invalidated"):
        raise expired("The ChatGPT sign-in was ended elsewhere.", code="AUTH_CHATGPT_REVOKED")
    raise expired("OpenAI has ended the ChatGPT sign-in.")


async def _note_unsure(context: Context, found: Found) -> None:
    now = context.clock.now()
    await _remember(context, found, lambda: memory.note_unsure(context.credentials, found.sign_in, now))


async def _remember(context: Context, found: Found, note: Callable[[], None]) -> None:
    """What stands in ima2's own file. Its lock is held already when the sign-in is ima2's own."""
    if not found.borrowed:
        note()
        return
    async with context.credentials.lock():
        note()


def _good(context: Context, found: Found, *, force: bool) -> bool:
    """Whether it needs no renewing. Codex's is renewed only when it is over, so that Codex notices nothing."""
    now = context.clock.now()
    if digest(found.sign_in.access_token) in memory.refused(context):
        return False
    if force:
        return found.sign_in.young(now)
    margin = 0.0 if found.borrowed else float(context.settings["refresh_early"])
    return found.sign_in.alive(now, margin=margin) or (found.sign_in.young(now) and found.sign_in.alive(now))


def _lives(context: Context, found: Found, *, force: bool) -> bool:
    dead = force or digest(found.sign_in.access_token) in memory.refused(context)
    return not dead and found.sign_in.alive(context.clock.now())


def _again(found: Found) -> Found:
    latest = SignIn.read(found.file.read())
    if latest is None:
        raise expired("The ChatGPT sign-in was removed.")
    return Found(latest, found.file, found.source)


def _check_writable(found: Found) -> None:
    """Before the token is used up: ours is written as it is. Codex's is not touched; it has ours to fall back to."""
    if not found.borrowed:
        try:
            found.file.write(found.file.read())
        except OSError as error:
            raise _unwritable(error) from error


def _unwritable(error: OSError) -> StorageFailed:
    text = f"The ChatGPT sign-in can't be renewed, because its file can't be written: {error.strerror or error}."
    return StorageFailed(text, code="CREDENTIALS_UNWRITABLE", step="sign-in", hint=f"free some space, then {LOGIN}")


def _failed(why: str, *, retry_after: float | None = None) -> UpstreamError:
    return UpstreamError(
        f"The ChatGPT sign-in could not be renewed; it is kept. {why}",
        code="OAUTH_REFRESH_FAILED",
        step="sign-in",
        retryable=True,
        retry_after=retry_after,
        hint="ima2 doctor",
    )
