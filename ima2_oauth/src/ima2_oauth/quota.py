"""What is left of the plan: ``GET …/wham/usage``, which costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ima2.errors import AuthFailed, Ima2Error, UpstreamError
from ima2.hookspecs import QuotaWindow
from ima2.upstream.client import network_errors, retry_after

from ima2_oauth import limits
from ima2_oauth.credentials import LOGIN
from ima2_oauth.session import authorized, base_url
from ima2_oauth.told import json_object, printable, text_of

if TYPE_CHECKING:
    import httpx
    from ima2.hookspecs import Context


async def fetch(context: Context) -> tuple[QuotaWindow, ...]:
    """Ask, remember, tell. The windows of pictures come from answers to pictures alone, and are told as remembered.

    :raises NotReady: nobody is signed in.
    :raises UpstreamError: ``QUOTA_UNAVAILABLE``, ``NETWORK_FAILED``; a failure here says nothing about the sign-in.
    """
    response = await _get(context, await authorized(context))
    if response.status_code == 401:
        response = await _get(context, await authorized(context, force_refresh=True))
    if not response.is_success:
        raise _refused(response)
    body = json_object(response.content)
    windows = limits.from_usage(body, context.clock.now())
    if "rate_limit" not in body and not windows:
        raise _unreadable()
    limits.remember(context, windows, text_of(body.get("plan_type")))
    return tuple(window.shown() for window in limits.remembered(context))


def usage_url(context: Context) -> str:
    """The route; beside ``codex``, not below it."""
    if named := context.settings["usage_url"]:
        return str(named)
    base = base_url(context)
    return f"{base.removesuffix('/codex')}/wham/usage" if base.endswith("/backend-api/codex") else f"{base}/usage"


async def _get(context: Context, headers: dict[str, str]) -> httpx.Response:
    accept = {**headers, "Accept": "application/json"}
    with network_errors("quota", "no"):
        return await context.client.get(
            usage_url(context), headers=accept, timeout=float(context.settings["usage_timeout"])
        )


def _refused(response: httpx.Response) -> Ima2Error:
    status = response.status_code
    if status == 401:
        text = "ChatGPT does not take the sign-in for the quota; pictures may work all the same."
        return AuthFailed(text, code="QUOTA_UNAVAILABLE", step="quota", hint=LOGIN)
    said = json_object(response.content)
    detail = said.get("detail")
    why = printable(detail) if isinstance(detail, str) else "a web page" if response.content[:1] == b"<" else ""
    text = f"ChatGPT does not tell the quota (HTTP {status}){': ' if why else ''}{why}."
    return UpstreamError(text, code="QUOTA_UNAVAILABLE", step="quota", retry_after=retry_after(response.headers))


def _unreadable() -> UpstreamError:
    return UpstreamError("ChatGPT's answer about the quota can't be read.", code="QUOTA_UNAVAILABLE", step="quota")
