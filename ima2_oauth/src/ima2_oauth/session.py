"""The headers that authorize a request to the ChatGPT service, renewed when it is time.

::

    headers = await authorized(context)
    response = await context.client.post(f"{base_url(context)}/images/generations", headers=headers, json=body)
    note_limits(context, response.headers)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ima2.upstream.redact import mask_address

from ima2_oauth import memory
from ima2_oauth.credentials import expired, find, needed
from ima2_oauth.limits import note
from ima2_oauth.renewal import current
from ima2_oauth.signin import SignIn

if TYPE_CHECKING:
    from ima2.hookspecs import Context


async def authorized(context: Context, *, force_refresh: bool = False) -> dict[str, str]:
    """Headers with the credential, the account and our name.

    A sign-in near its end is renewed first. Many tasks and processes that come at once renew it once.

    :param force_refresh: the service has refused the token that these headers had. A token that was renewed in the last
        minute is given as it is: then the headers may be the same as before, and asking again is of no use.
    :raises NotReady: ``OAUTH_AUTH_REQUIRED``: nobody is signed in. ``AUTH_CHATGPT_EXPIRED``: the sign-in is over.
    :raises UpstreamError: ``OAUTH_REFRESH_FAILED``: the token's time is over, and renewing it did not work now.
    """
    found = find(context)
    if found is None:
        raise needed(context)
    if not memory.usable(context, found.sign_in):
        raise expired("The ChatGPT sign-in is over.")
    return headers_of(context, await current(context, found, force=force_refresh))


def headers_of(context: Context, sign_in: SignIn) -> dict[str, str]:
    """What a request says of who asks and who pays."""
    headers = {
        "Authorization": f"Bearer {sign_in.access_token}",
        "originator": str(context.settings["originator"]),
        "User-Agent": str(context.settings["user_agent"]),
    }
    if sign_in.account_id:
        headers["ChatGPT-Account-ID"] = sign_in.account_id
    if sign_in.fedramp:
        headers["X-OpenAI-Fedramp"] = "true"
    return headers


def base_url(context: Context) -> str:
    """The service's address, without a slash at the end."""
    return str(context.settings["base_url"]).rstrip("/")


def account(context: Context) -> str | None:
    """Who pays, masked."""
    found = find(context)
    return mask_address(found.sign_in.email) if found else None


def note_limits(context: Context, headers: Mapping[str, str]) -> None:
    """Keep the ``x-codex-*`` quota windows of an answer for status and ``ima2 quota``; anything else is left out."""
    note(context, headers)
