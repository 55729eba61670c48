"""What ``ima2 doctor`` looks at: the sign-in, the bridge, its port, the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

import httpx
from ima2.errors import Ima2Error
from ima2.upstream.bridge import Bridge
from ima2.upstream.client import network_errors
from ima2.upstream.sockets import bound

from ima2_grok.bridge import is_bridge, spec
from ima2_grok.credentials import find
from ima2_grok.endpoints import auth_url
from ima2_grok.identity import LOGIN, USER_AGENT
from ima2_grok.session import authorized, base_url

if TYPE_CHECKING:
    from ima2.hookspecs import Context

Finding = tuple[bool | None, str, str | None]
SECONDS = 4.0
LONGEST = 2**16
"""Bytes of another program's answer that are looked at."""
SKEW = 120.0
"""Seconds a clock may be wrong before tokens seem over that are not, or the other way round."""


async def sign_in(context: Context) -> Finding:
    """Whether xAI takes the credential: its list of models is asked for, which costs nothing."""
    try:
        if find(context) is None:
            return None, "nobody is signed in; the provider grok is not used", LOGIN
        headers = await authorized(context)
        with network_errors("doctor", "no"):
            answer = await context.client.get(f"{base_url(context)}/models", headers=headers, timeout=SECONDS)
    except Ima2Error as error:
        return False, error.message, error.hint
    if answer.is_success:
        return True, "xAI takes the credential", None
    return False, f"xAI refuses the credential (HTTP {answer.status_code})", LOGIN


async def bridge(context: Context) -> Finding:
    """Whether a bridge can be opened here and answers; the one of this check is on a port of its own."""
    try:
        async with Bridge(spec(context, port=0), context.client) as opened:
            if await _is_bridge(opened.spec.host, opened.port):
                return True, "can be opened and answers", None
            return False, f"was opened at {opened.url} and can't be reached", "look for a firewall"
    except Ima2Error as error:
        return False, error.message, error.hint or "ima2 config ls --show-origin"


async def port(context: Context) -> Finding:
    """Who has the well-known port."""
    host, number = str(context.settings["bridge_host"]), int(context.settings["bridge_port"])
    if number == 0:
        return True, "any free one is taken", None
    try:
        bound(host, number).close()
    except OSError:
        if await _is_bridge(host, number):
            return True, f"a bridge to Grok answers on {number}", None
        text = f"{number} belongs to another program; ima2's bridge takes another port"
        return None, text, "IMA2_GROK_PROXY_PORT=0 takes any"
    return True, f"{number} is free; ima2 serve or ima2 grok proxy opens the bridge on it", None


async def clock(context: Context) -> Finding:
    """The clock against the sign-in service's. Nobody is asked when nobody is signed in."""
    if find(context) is None:
        return None, "not compared: nobody is signed in", None
    url = f"{auth_url(context)}/.well-known/openid-configuration"
    try:
        with network_errors("doctor", "no"):
            answer = await context.client.get(url, headers={"user-agent": USER_AGENT}, timeout=SECONDS)
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
        return True, "agrees with xAI's", None
    way = "ahead of" if off > 0 else "behind"
    return False, f"{abs(off) / 60:,.0f} minutes {way} xAI's; tokens seem over, or fresh, that are not", "set the clock"


async def _is_bridge(host: str, number: int) -> bool:
    """Ask for ``/health``, past any proxy that the environment names."""
    try:
        async with asyncio.timeout(SECONDS / 2):
            reader, writer = await asyncio.open_connection(host, number)
            try:
                named = f"[{host}]" if ":" in host else host
                writer.write(f"GET /health HTTP/1.1\r\nHost: {named}:{number}\r\nConnection: close\r\n\r\n".encode())
                answer = b""
                while len(answer) < LONGEST and (part := await reader.read(LONGEST)):
                    answer += part
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    return is_bridge(answer.partition(b"\r\n\r\n")[2])


CHECKS: Mapping[str, Callable[[Context], Awaitable[Finding]]] = {
    "sign-in": sign_in,
    "bridge": bridge,
    "port": port,
    "clock": clock,
}
