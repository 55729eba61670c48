"""The hooks of provider ``oauth``. Their bodies load with the first call, so that listing plugins stays quick."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import TYPE_CHECKING, Any

from ima2.hookspecs import Command, DoctorCheck, ProviderInfo, Service, hookimpl

from ima2_oauth.catalogue import MODELS
from ima2_oauth.settings import SETTINGS

if TYPE_CHECKING:
    from ima2.hookspecs import Auth, Context, ModelInfo, Problem, QuotaWindow, Status
    from ima2.models import Call, CallEvent, PlanEvent, Request, Step

NOTICE = "An unofficial use of a personal ChatGPT plan: OpenAI may change it or refuse it any day."


@hookimpl
def ima2_provider() -> ProviderInfo:
    """ChatGPT with the user's own plan."""
    return ProviderInfo(
        id="oauth",
        title="ChatGPT",
        billing="subscription",
        priority=10,
        concurrency=2,
        settings=SETTINGS,
        models=MODELS,
        live_models=True,
        login="ima2 login",
        notice=NOTICE,
        alias="codex",
        homepage="https://chatgpt.com",
    )


@hookimpl
async def ima2_status(context: Context) -> Status:
    """Whether somebody is signed in."""
    from ima2_oauth.status import status

    return status(context)


@hookimpl
def ima2_auth(context: Context) -> Auth:
    """In a browser, by a code, or by pasting."""
    from ima2_oauth.auth import ChatGptAuth

    return ChatGptAuth(context)


@hookimpl
def ima2_quota(context: Context) -> Awaitable[Sequence[QuotaWindow]]:
    """Ask the service."""
    from ima2_oauth.quota import fetch

    return fetch(context)


@hookimpl
def ima2_commands() -> Sequence[Command]:
    """``ima2 oauth …``."""
    return [Command("oauth", "ima2_oauth.cli:group", "Sign in with ChatGPT, and lend the sign-in to other tools.")]


@hookimpl
def ima2_services() -> Sequence[Service]:
    """The bridge."""
    return [Service("oauth", _bridge)]


@hookimpl
def ima2_doctor_checks() -> Sequence[DoctorCheck]:
    """Sign-in, service, port, clock."""
    return [DoctorCheck(f"ChatGPT {name}", _check(name)) for name in ("sign-in", "service", "port", "clock")]


def _bridge(context: Context) -> Any:
    from ima2_oauth.bridge import serve

    return serve(context)


def _check(name: str) -> Any:
    async def run(context: Context) -> tuple[bool | None, str, str | None]:
        from ima2_oauth.doctor import CHECKS

        return await CHECKS[name](context)

    return run


@hookimpl
def ima2_check(request: Request) -> Sequence[Problem]:
    """Input images, masks, what a fixed route can't do."""
    from ima2_oauth.check import check

    return check(request)


@hookimpl
def ima2_steps(request: Request) -> Sequence[Step]:
    """The route and what it is asked."""
    from ima2_oauth.generate import steps

    return steps(request)


@hookimpl
def ima2_plan(request: Request, context: Context) -> AsyncIterator[PlanEvent]:
    """One call for each picture, over the route it needs."""
    from ima2_oauth.generate import plan

    return plan(request, context)


@hookimpl
def ima2_generate_image(call: Call, context: Context) -> AsyncIterator[CallEvent]:
    """One picture."""
    from ima2_oauth.sending import generate

    return generate(call, context)


@hookimpl
def ima2_models(context: Context) -> Awaitable[Sequence[ModelInfo]]:
    """What the account may use."""
    from ima2_oauth.catalogue_live import fetch

    return fetch(context)
