"""Where the sign-in service answers, and which addresses may be sent a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from ima2.errors import AuthFailed, UpstreamError
from ima2.upstream.client import network_errors

from ima2_grok.identity import USER_AGENT
from ima2_grok.tokens import object_of, text_of

if TYPE_CHECKING:
    from ima2.hookspecs import Context

SECONDS = 10.0
_DOMAIN = "x.ai"
_PATHS = {
    "authorization_endpoint": "/oauth2/authorize",
    "token_endpoint": "/oauth2/token",
    "device_authorization_endpoint": "/oauth2/device/code",
}
"""Where they are as of 2026-08; for a service that can't be asked, or leaves one out."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The addresses a login needs."""

    authorize: str
    token: str
    device: str


async def discover(context: Context) -> Endpoints:
    """Ask the service; what it does not say, or cannot, is as it is known.

    :raises AuthFailed: ``GROK_LOGIN_UNTRUSTED``: it names an address that is not xAI's.
    """
    said = await _document(context)
    found = {name: text_of(said.get(name)) or auth_url(context) + path for name, path in _PATHS.items()}
    for name, url in found.items():
        if not trusted(context, url):
            raise AuthFailed(
                f"The sign-in service names an address that is not its own as its {name}. Nothing was sent there.",
                code="GROK_LOGIN_UNTRUSTED",
                step="sign-in",
                hint="ima2 doctor",
            )
    return Endpoints(*(found[name] for name in _PATHS))


def auth_url(context: Context) -> str:
    """The configured address of the service."""
    return str(context.settings["auth_url"]).rstrip("/")


def token_endpoint(context: Context, stored: str | None) -> str:
    """The one a sign-in was made with, if it may be sent a secret; else the known one."""
    return stored if stored and trusted(context, stored) else auth_url(context) + _PATHS["token_endpoint"]


def trusted(context: Context, url: str) -> bool:
    """Whether ``url`` is on the configured service, or is xAI's when that is."""
    try:
        parts, own = urlsplit(url), urlsplit(auth_url(context))
        origin, own_origin = _origin(parts), _origin(own)
    except ValueError:
        return False
    return origin == own_origin or (_is_xai(parts) and _is_xai(own))


def _is_xai(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    return parts.scheme == "https" and parts.port in (None, 443) and (host == _DOMAIN or host.endswith(f".{_DOMAIN}"))


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port


async def _document(context: Context) -> Mapping[str, Any]:
    url = f"{auth_url(context)}/.well-known/openid-configuration"
    try:
        with network_errors("sign-in", "no"):
            response = await context.client.get(url, headers={"user-agent": USER_AGENT}, timeout=SECONDS)
    except UpstreamError:
        return {}
    return object_of(response.content) if response.status_code == 200 else {}
