"""Asking xAI's sign-in service: one form, one JSON answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ima2.errors import AuthFailed
from ima2.upstream.client import network_errors

from ima2_grok.identity import USER_AGENT

if TYPE_CHECKING:
    from ima2.hookspecs import Context

SECONDS = 15.0
LONGEST = 300
"""Characters of the service's words that are shown."""


@dataclass(frozen=True, slots=True, repr=False)
class Reply:
    """An answer; ``value`` is ``{}`` when the body is no JSON object."""

    status: int
    value: Mapping[str, Any]

    @property
    def error(self) -> str | None:
        """The OAuth error word."""
        return text_of(self.value.get("error"))

    @property
    def description(self) -> str:
        """Why, in the service's words, safe to print."""
        said = text_of(self.value.get("error_description")) or self.error or f"HTTP {self.status}"
        return printable(said)

    @property
    def passing(self) -> bool:
        """Whether the same question may get another answer later."""
        return self.status == 429 or self.status >= 500 or (self.status == 200 and not self.value)


@dataclass(frozen=True, slots=True, repr=False)
class Tokens:
    """A token answer. ``expires_in`` is in seconds; only the access token is sure to be there."""

    access: str
    refresh: str | None = None
    expires_in: float | None = None
    id_token: str | None = None


async def post(context: Context, url: str, form: Mapping[str, str]) -> Reply:
    """Send a form.

    :raises UpstreamError: ``NETWORK_FAILED``, or silence for 15 s.
    """
    headers = {"user-agent": USER_AGENT, "accept": "application/json"}
    with network_errors("sign-in", "no"):
        response = await context.client.post(url, data=dict(form), headers=headers, timeout=SECONDS)
    return Reply(response.status_code, object_of(response.content))


def tokens_of(reply: Reply) -> Tokens:
    """The tokens in a successful answer.

    :raises AuthFailed: ``GROK_LOGIN_FAILED``, with the service's words.
    """
    access = text_of(reply.value.get("access_token"))
    if reply.status != 200 or access is None:
        text = f"xAI gave no token: {reply.description}."
        raise AuthFailed(text, code="GROK_LOGIN_FAILED", step="sign-in", hint="ima2 grok login")
    return Tokens(
        access=access,
        refresh=text_of(reply.value.get("refresh_token")),
        expires_in=seconds_of(reply.value.get("expires_in")),
        id_token=text_of(reply.value.get("id_token")),
    )


def object_of(body: bytes) -> Mapping[str, Any]:
    """The JSON object, ``{}`` for anything else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def text_of(value: Any) -> str | None:
    """A text that is not empty."""
    return value if isinstance(value, str) and value else None


def seconds_of(value: Any) -> float | None:
    """A positive number of at most ten years, also written as text; None for anything else."""
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else 0.0
    except (ValueError, OverflowError):
        return None
    return number if 0 < number < 315_360_000 else None


def printable(text: str) -> str:
    """Without control characters, and not too long."""
    return "".join(each for each in text if each.isprintable()).strip()[:LONGEST].rstrip(".")
