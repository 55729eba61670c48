"""The hooks of provider ``oauth``. Their bodies load with the first call, so that listing plugins stays quick."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ima2.hookspecs import ProviderInfo, hookimpl

from ima2_oauth.settings import SETTINGS

if TYPE_CHECKING:
    from ima2.hookspecs import Context, Status


@hookimpl
def ima2_provider() -> ProviderInfo:
    """ChatGPT with the user's own plan."""
    return ProviderInfo(
        id="oauth",
        title="ChatGPT",
        billing="subscription",
        priority=10,
        settings=SETTINGS,
        login="ima2 login",
        homepage="https://chatgpt.com",
    )


@hookimpl
async def ima2_status(context: Context) -> Status:
    """Whether somebody is signed in."""
    from ima2_oauth.status import status

    return status(context)
