"""Telling OpenAI that a sign-in is not needed any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ima2.errors import UpstreamError

from ima2_oauth.tokens import ask

if TYPE_CHECKING:
    from ima2.hookspecs import Context

    from ima2_oauth.signin import SignIn


async def revoke(context: Context, sign_in: SignIn) -> None:
    """As well as it goes: what was forgotten here stays forgotten. Only ever for a sign-in of ima2's own."""
    if sign_in.refresh_token is None:
        return
    body = {
        "token": sign_in.refresh_token,
        "token_type_hint": "refresh_token",
        "client_id": str(context.settings["client_id"]),
    }
    try:
        await ask(context, "oauth/revoke", json=body)
    except UpstreamError as error:
        context.logger.info("the sign-in is forgotten here; OpenAI was not told: %s", error.code)
