"""Signing in by a code that is typed in any browser (RFC 8628)."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ima2.errors import AuthFailed, UpstreamError
from ima2.hookspecs import LoginEvent, ShowCode

from ima2_grok.endpoints import Endpoints, discover, trusted
from ima2_grok.identity import CLIENT_ID, LOGIN, SCOPES
from ima2_grok.login import GrokLogin
from ima2_grok.tokens import Reply, Tokens, post, seconds_of, text_of, tokens_of

if TYPE_CHECKING:
    from ima2.hookspecs import Context

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
INTERVAL = 5.0
"""Seconds between questions, at least; as many are added whenever the service asks to slow down."""
UNTOLD = 600.0
"""Seconds a code is good for when the service does not say."""
LONGEST = 1800.0
_USER_CODE = re.compile(r"[A-Za-z0-9-]{1,32}")


@dataclass(frozen=True, slots=True, repr=False)
class Device:
    """The service's invitation; times in seconds."""

    code: str
    user_code: str
    url: str
    expires_in: float
    interval: float


class DeviceLogin(GrokLogin):
    """Show the code, then ask every few seconds whether it was typed."""

    async def steps(self) -> AsyncGenerator[LoginEvent, None]:
        """A :class:`ShowCode`, then :class:`SignedIn`."""
        endpoints = await discover(self.context)
        device = await invite(self.context, endpoints)
        yield ShowCode(device.user_code, device.url, round(device.expires_in))
        tokens = await wait(self.context, endpoints, device)
        yield await self.keep(tokens, endpoints.token)


async def invite(context: Context, endpoints: Endpoints) -> Device:
    """Ask for a code.

    :raises AuthFailed: ``GROK_LOGIN_FAILED``.
    :raises UpstreamError: the service can't be reached.
    """
    reply = await post(context, endpoints.device, {"client_id": CLIENT_ID, "scope": SCOPES})
    if reply.status == 404:
        raise _failed("xAI gives no codes for sign-ins now.", hint=f"{LOGIN} --browser")
    if reply.status != 200:
        raise _failed(f"xAI gave no code: {reply.description}.")
    return _device(context, reply.value)


async def wait(context: Context, endpoints: Endpoints, device: Device) -> Tokens:
    """Poll until the user has answered. What may pass (no network, 5xx, a page of HTML) is waited out.

    :raises AuthFailed: ``GROK_LOGIN_DENIED``, ``GROK_LOGIN_EXPIRED`` or ``GROK_LOGIN_FAILED``.
    """
    form = {"grant_type": GRANT, "client_id": CLIENT_ID, "device_code": device.code}
    interval, until = device.interval, context.clock.monotonic() + device.expires_in
    while context.clock.monotonic() + interval <= until:
        await context.clock.sleep(interval)
        reply = await _ask(context, endpoints.token, form)
        if reply is None or reply.error == "authorization_pending":
            continue
        if reply.error == "slow_down" or reply.status == 429:
            interval += INTERVAL
        elif not reply.passing:
            return _answered(reply)
    raise _expired()


async def _ask(context: Context, url: str, form: Mapping[str, str]) -> Reply | None:
    try:
        return await post(context, url, form)
    except UpstreamError as error:
        if error.retryable:
            return None
        raise


def _answered(reply: Reply) -> Tokens:
    if reply.error == "access_denied":
        text = "The sign-in was refused in the browser. Nothing was stored."
        raise AuthFailed(text, code="GROK_LOGIN_DENIED", step="sign-in", hint=LOGIN)
    if reply.error == "expired_token":
        raise _expired()
    return tokens_of(reply)


def _device(context: Context, value: Mapping[str, Any]) -> Device:
    code, user_code = text_of(value.get("device_code")), text_of(value.get("user_code"))
    plain, whole = text_of(value.get("verification_uri")), text_of(value.get("verification_uri_complete"))
    url = next((each for each in (whole, plain) if each and _showable(context, each)), None)
    if code is None or url is None or user_code is None or not _USER_CODE.fullmatch(user_code):
        raise _failed("xAI's invitation to sign in can't be read, or is not safe to show.")
    return Device(
        code=code,
        user_code=user_code,
        url=url,
        expires_in=min(seconds_of(value.get("expires_in")) or UNTOLD, LONGEST),
        interval=max(seconds_of(value.get("interval")) or INTERVAL, INTERVAL),
    )


def _showable(context: Context, url: str) -> bool:
    """A web page, and no trick for the terminal or the browser."""
    if not (url.isascii() and url.isprintable() and " " not in url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return (parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc) or trusted(context, url)


def _expired() -> AuthFailed:
    text = "The code was not typed in time. Nothing was stored."
    return AuthFailed(text, code="GROK_LOGIN_EXPIRED", step="sign-in", hint=LOGIN)


def _failed(text: str, hint: str = LOGIN) -> AuthFailed:
    return AuthFailed(text, code="GROK_LOGIN_FAILED", step="sign-in", hint=hint)
