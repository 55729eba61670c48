"""Asking OpenAI's sign-in service: one request, one JSON answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ima2.upstream.client import network_errors

from ima2_oauth.told import json_object, object_of, printable, text_of

if TYPE_CHECKING:
    from ima2.errors import Paid
    from ima2.hookspecs import Context


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; ``value`` is ``{}`` when the body is no JSON object."""

    status: int
    value: Mapping[str, Any]
    html: bool = False

    @property
    def ok(self) -> bool:
        """Whether it is an answer to the question."""
        return self.status == 200 and bool(self.value)

    @property
    def code(self) -> str:
        """The service's word for what went wrong: ``error.code``, ``error`` as text, or ``code``."""
        error = self.value.get("error")
        found = object_of(error).get("code") or error or object_of(self.value.get("detail")).get("code")
        return text_of(found) or text_of(self.value.get("code")) or ""

    @property
    def description(self) -> str:
        """Why, in the service's words, safe to print."""
        error = self.value.get("error")
        said = self.value.get("error_description") or object_of(error).get("message") or self.value.get("message")
        if self.html:
            return f"a web page in place of an answer (HTTP {self.status})"
        return printable(text_of(said) or self.code or f"HTTP {self.status}")


def auth_url(context: Context, path: str) -> str:
    """An address of the sign-in service."""
    return f"{str(context.settings['auth_url']).rstrip('/')}/{path}"


async def ask(
    context: Context,
    path: str,
    *,
    json: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    paid: Paid = "no",
) -> Reply:
    """Send one question, as JSON or as a form.

    :param paid: what a broken connection means: ``maybe`` when the service may have used a token up.
    :raises UpstreamError: ``NETWORK_FAILED``, or silence.
    """
    headers = {"accept": "application/json", "user-agent": str(context.settings["user_agent"])}
    with network_errors("sign-in", paid):
        response = await context.client.post(
            auth_url(context, path),
            json=None if json is None else dict(json),
            data=None if form is None else dict(form),
            headers=headers,
            timeout=float(context.settings["auth_timeout"]),
        )
    html = response.content.lstrip()[:1] == b"<"
    return Reply(response.status_code, json_object(response.content), html)
