"""Who this provider talks to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ima2_openai.errors import Service
from ima2_openai.keys import LOGIN

if TYPE_CHECKING:
    from ima2.hookspecs import Context

OPENAI = Service(title="OpenAI", login=LOGIN, auth_code="AUTH_API_KEY_INVALID")


def address(context: Context, path: str) -> str:
    """An address below the configured base; it comes from settings, never from a request."""
    return f"{str(context.settings['base_url']).rstrip('/')}/{path}"


def request_id(headers: Mapping[str, str]) -> str | None:
    """The id by which the service finds a request again."""
    return headers.get("x-request-id") or headers.get("x-oai-request-id")
