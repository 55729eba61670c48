"""The hooks of provider ``grok``. Their bodies load with the first call, so that listing plugins stays quick."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ima2.hookspecs import Command, DoctorCheck, ProviderInfo, Service, hookimpl

from ima2_grok.settings import SETTINGS

if TYPE_CHECKING:
    from ima2.hookspecs import Auth, Context, Status


@hookimpl
def ima2_provider() -> ProviderInfo:
    """XAI with the user's Grok subscription."""
    return ProviderInfo(
        id="grok",
        title="Grok (xAI)",
        kinds=("image", "video"),
        billing="subscription",
        settings=SETTINGS,
        login="ima2 grok login",
        homepage="https://grok.com",
        key_alias="xai",
    )


@hookimpl
def ima2_auth(context: Context) -> Auth:
    """By code, in a browser, by pasting, or with a key."""
    from ima2_grok.auth import GrokAuth

    return GrokAuth(context)


@hookimpl
async def ima2_status(context: Context) -> Status:
    """Whether there is a sign-in or a key."""
    from ima2_grok.status import status

    return status(context)


@hookimpl
def ima2_commands() -> Sequence[Command]:
    """``ima2 grok …``."""
    return [Command("grok", "ima2_grok.cli:group", "Sign in to Grok, and lend the sign-in to other tools.")]


@hookimpl
def ima2_services() -> Sequence[Service]:
    """The bridge."""
    return [Service("grok", _bridge)]


@hookimpl
def ima2_doctor_checks() -> Sequence[DoctorCheck]:
    """Sign-in, bridge, port, clock."""
    return [DoctorCheck(f"grok {name}", _check(name)) for name in ("sign-in", "bridge", "port", "clock")]


def _bridge(context: Context) -> Any:
    from ima2_grok.bridge import serve

    return serve(context)


def _check(name: str) -> Any:
    async def run(context: Context) -> tuple[bool | None, str, str | None]:
        from ima2_grok.doctor import CHECKS

        return await CHECKS[name](context)

    return run
