"""Signing in by a code that is typed in any browser. OpenAI's own way, not RFC 8628: the service makes the verifier."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ima2.errors import UpstreamError
from ima2.hookspecs import LoginEvent, ShowCode

from ima2_oauth.credentials import LOGIN
from ima2_oauth.login import ChatGptLogin, login_failed
from ima2_oauth.tokens import Reply, ask, auth_url
from ima2_oauth.told import number_of, text_of

if TYPE_CHECKING:
    from ima2.hookspecs import Context

INTERVAL = 5.0
"""Seconds between questions, when the service does not say."""
LONGEST = 900.0
"""Seconds a code is good for (Codex sources, 2026-08)."""
_BASE = "api/accounts/deviceauth"
_USER_CODE = re.compile(r"[A-Za-z0-9-]{1,32}")
_SETTING = (
    "Codes must be allowed in ChatGPT under Settings, Security, for Codex; in a workspace its administrator does that."
)


@dataclass(frozen=True, slots=True)
class Device:
    """The service's invitation; ``interval`` in seconds."""

    id: str
    user_code: str
    interval: float


class DeviceLogin(ChatGptLogin):
    """Show the code, then ask every few seconds whether it was typed."""

    async def steps(self) -> AsyncGenerator[LoginEvent, None]:
        """A :class:`ShowCode`, then :class:`SignedIn`."""
        device = await invite(self.context)
        yield ShowCode(device.user_code, auth_url(self.context, "codex/device"), round(LONGEST))
        yield await self.keep(await wait(self.context, device))


async def invite(context: Context) -> Device:
    """Ask for a code.

    :raises AuthFailed: ``OAUTH_DEVICE_UNAVAILABLE``, ``OAUTH_LOGIN_FAILED``.
    :raises UpstreamError: the service can't be reached.
    """
    reply = await ask(context, f"{_BASE}/usercode", json={"client_id": str(context.settings["client_id"])})
    if reply.status == 404:
        raise login_failed("OpenAI gives no codes for sign-ins here.", code="OAUTH_DEVICE_UNAVAILABLE", hint=LOGIN)
    code = text_of(reply.value.get("user_code")) or text_of(reply.value.get("usercode"))
    device_id = text_of(reply.value.get("device_auth_id"))
    if not reply.ok:
        raise login_failed(f"OpenAI gave no code: {reply.description}.")
    if device_id is None or code is None or not _USER_CODE.fullmatch(code):
        raise login_failed("OpenAI's invitation to sign in can't be read, or is not safe to show.")
    return Device(device_id, code, max(1.0, min(number_of(reply.value.get("interval")) or INTERVAL, 60.0)))


async def wait(context: Context, device: Device) -> dict[str, str]:
    """Poll until the code was typed; what may pass (no network, 429, 5xx) is waited out. The form for the tokens.

    :raises AuthFailed: ``OAUTH_LOGIN_EXPIRED``, ``OAUTH_LOGIN_FAILED``.
    """
    until, interval = context.clock.monotonic() + LONGEST, device.interval
    while context.clock.monotonic() + interval <= until:
        await context.clock.sleep(interval)
        reply = await _poll(context, device)
        if reply is None or reply.status in (403, 404) or reply.status >= 500:
            continue
        if reply.status == 429:
            interval += INTERVAL
            continue
        return _form(context, reply)
    raise login_failed(f"The code was not typed in time. {_SETTING}", code="OAUTH_LOGIN_EXPIRED", hint=LOGIN)


async def _poll(context: Context, device: Device) -> Reply | None:
    try:
        return await ask(context, f"{_BASE}/token", json={"device_auth_id": device.id, "user_code": device.user_code})
    except UpstreamError as error:
        if error.retryable:
            return None
        raise


def _form(context: Context, reply: Reply) -> dict[str, str]:
    code, verifier = text_of(reply.value.get("authorization_code")), text_of(reply.value.get("code_verifier"))
    if not reply.ok or code is None or verifier is None:
        raise login_failed(f"OpenAI refused the sign-in: {reply.description}. {_SETTING}")
    return {
        "grant_type": "authorization_code",
        "client_id": str(context.settings["client_id"]),
        "code": code,
        "redirect_uri": auth_url(context, "deviceauth/callback"),
        "code_verifier": verifier,
    }
