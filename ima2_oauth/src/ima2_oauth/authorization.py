"""The page where the user agrees, and what its answer says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ima2.errors import AuthFailed
from ima2.upstream.authorization import CodeRequest

from ima2_oauth.login import login_failed
from ima2_oauth.tokens import auth_url
from ima2_oauth.told import printable

if TYPE_CHECKING:
    from ima2.hookspecs import Context

PATH = "/auth/callback"
DEVICE_LOGIN = "ima2 login --device-code"
PASTE_LOGIN = "ima2 login --paste"
_NO_CODEX = "missing_codex_entitlement"


def ports(context: Context) -> tuple[int, ...]:
    """Where the browser may come back to, in the order in which they are tried."""
    named = (each.strip() for each in str(context.settings["login_ports"]).split(","))
    return tuple(int(each) for each in named if each.isdecimal() and int(each) < 65536)


def request_for(context: Context, port: int) -> CodeRequest:
    """A request whose answer comes to ``port``. The host must be the word ``localhost``: so it is registered."""
    settings = context.settings
    return CodeRequest(str(settings["client_id"]), f"http://localhost:{port}{PATH}", str(settings["scope"]))


def page(context: Context, request: CodeRequest) -> str:
    """The address to open."""
    more = {
        "id_token_add_organizations": "true",
        "codex_cli_simplified_flow": "true",
        "originator": str(context.settings["originator"]),
    }
    return request.url(auth_url(context, "oauth/authorize"), more)


def code_in(request: CodeRequest, query: Mapping[str, str]) -> str | None:
    """The code in the answer to ``request``; None when the query answers something else.

    :raises AuthFailed: ``OAUTH_LOGIN_DENIED``, ``OAUTH_LOGIN_FAILED``.
    """
    if not request.owns(query):
        return None
    if error := query.get("error"):
        raise _refused(error, query.get("error_description", ""))
    return query.get("code") or None


def _refused(error: str, why: str) -> AuthFailed:
    if _NO_CODEX in why or _NO_CODEX in error:
        text = "This ChatGPT workspace has no access to Codex, on whose service ima2's pictures are made."
        return login_failed(text, code="OAUTH_LOGIN_DENIED", hint="ask its administrator, or ima2 login api")
    if error == "access_denied":
        said = f" ({printable(why)})" if why else ""
        return login_failed(f"The sign-in was refused in the browser{said}.", code="OAUTH_LOGIN_DENIED")
    return login_failed(f"OpenAI refused the sign-in: {printable(why or error)}.")
