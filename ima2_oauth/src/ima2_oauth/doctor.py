"""What ``ima2 doctor`` looks at: the sign-in, the service, the bridge's port, the clock."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

import httpx
from ima2.errors import Ima2Error
from ima2.upstream.client import network_errors
from ima2.upstream.sockets import bound

from ima2_oauth import limits, memory, quota
from ima2_oauth.bridge import HOST
from ima2_oauth.credentials import LOGIN, Found, find, why_none
from ima2_oauth.tokens import auth_url

if TYPE_CHECKING:
    from ima2.hookspecs import Context

Finding = tuple[bool | None, str, str | None]
SECONDS = 4.0
SKEW = 120.0
"""Seconds a clock may be wrong before tokens seem over that are not, or the other way round."""


async def sign_in(context: Context) -> Finding:
    """Whether there is one, and whose."""
    try:
        found = find(context)
        if found is None:
            return None, why_none(context), LOGIN
    except Ima2Error as error:
        return False, error.message, error.hint
    if not memory.usable(context, found.sign_in):
        return False, f"{_whose(found)} is over", LOGIN
    return True, f"{_whose(found)} is used", None


def _whose(found: Found) -> str:
    return "Codex's sign-in" if found.borrowed else "ima2's own sign-in"


async def service(context: Context) -> Finding:
    """Whether ChatGPT takes the sign-in and how much of the plan is left; both cost nothing to ask."""
    try:
        if find(context) is None:
            return None, "not asked: nobody is signed in", None
        await quota.fetch(context)
    except Ima2Error as error:
        return False, error.message, error.hint
    if near := limits.near(context):
        return None, f"{near.used_percent:g} % of the window {near.label} are used", "ima2 quota"
    return True, "takes the sign-in", None


async def port(context: Context) -> Finding:
    """Who has the bridge's port."""
    number = int(context.settings["bridge_port"])
    if context.settings["no_bridge"]:
        return None, "ima2 serve opens no bridge (IMA2_NO_OAUTH_PROXY)", None
    try:
        bound(HOST, number).close()
    except OSError:
        if await _is_bridge(context, number):
            return True, f"a bridge to ChatGPT answers on {number}", None
        text = f"{number} belongs to another program; ima2's bridge takes another port"
        return None, text, "IMA2_OAUTH_PROXY_PORT=0 takes any"
    return True, f"{number} is free; ima2 serve or ima2 oauth proxy opens the bridge on it", None


async def clock(context: Context) -> Finding:
    """The clock against the sign-in service's. Nobody is asked when nobody is signed in."""
    try:
        if find(context) is None:
            return None, "not compared: nobody is signed in", None
        with network_errors("doctor", "no"):
            answer = await context.client.get(auth_url(context, ""), timeout=SECONDS)
    except Ima2Error as error:
        return None, f"not compared: {error.message}", None
    return _compared(answer, context.clock.now())


def _compared(answer: httpx.Response, now: float) -> Finding:
    from email.utils import parsedate_to_datetime

    try:
        off = now - parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except ValueError:
        return None, "not compared: the service told no time", None
    if abs(off) <= SKEW:
        return True, "agrees with OpenAI's", None
    way = "ahead of" if off > 0 else "behind"
    return False, f"{abs(off) / 60:,.0f} minutes {way} OpenAI's; sign-ins may seem over, or fresh", "set the clock"


async def _is_bridge(context: Context, number: int) -> bool:
    """Ours or another tool's."""
    try:
        answer = await context.client.get(f"http://{HOST}:{number}/health", timeout=SECONDS / 2)
        said = json.loads(answer.content)
    except (httpx.HTTPError, ValueError):
        return False
    return isinstance(said, dict) and said.get("ok") is True and "replay_state" in said


CHECKS: Mapping[str, Callable[[Context], Awaitable[Finding]]] = {
    "sign-in": sign_in,
    "service": service,
    "port": port,
    "clock": clock,
}
