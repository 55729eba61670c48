"""The hooks of provider ``grok``. Their bodies load with the first call, so that listing plugins stays quick."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import TYPE_CHECKING, Any

from ima2.hookspecs import Command, DoctorCheck, ProviderInfo, Service, hookimpl

from ima2_grok.catalogue import MODELS
from ima2_grok.settings import SETTINGS
from ima2_grok.video.catalogue import MODELS as VIDEO_MODELS
from ima2_grok.words.catalogue import MODELS as TEXT_MODELS

if TYPE_CHECKING:
    from ima2.hookspecs import Auth, Context, ModelInfo, Problem, Status
    from ima2.models import Call, CallEvent, ConverseEvent, PlanEvent, Request, Step, Turn


@hookimpl
def ima2_provider() -> ProviderInfo:
    """XAI with the user's Grok subscription."""
    return ProviderInfo(
        id="grok",
        title="Grok (xAI)",
        kinds=("image", "video", "text"),
        billing="subscription",
        settings=SETTINGS,
        models=(*MODELS, *VIDEO_MODELS, *TEXT_MODELS),
        resumable=("video",),
        live_models=True,
        login="ima2 grok login",
        homepage="https://grok.com",
        upstream_alias="xaiVideoRequestId",
        key_alias="xai",
        notice="xAI's page will name its own command line, whose public client id tools for Grok share.",
    )


@hookimpl
def ima2_check(request: Request) -> Sequence[Problem]:
    """Models and inputs."""
    if request.kind == "text":
        from ima2_grok.words import converse

        return list(converse.check(request))
    if request.kind == "video":
        from ima2_grok.video import check as clips

        return clips.check(request)
    from ima2_grok.check import check

    return check(request)


@hookimpl
def ima2_steps(request: Request) -> Sequence[Step]:
    """Search, plan, generate; or one answer."""
    if request.kind == "text":
        from ima2_grok.words import converse

        return converse.steps(request)
    if request.kind == "video":
        from ima2_grok.video import planning as clips

        return clips.steps(request)
    from ima2_grok.pipeline import steps

    return steps(request)


@hookimpl
def ima2_plan(request: Request, context: Context) -> AsyncIterator[PlanEvent]:
    """A web search, then the planner; once for all pictures or clips."""
    if request.kind == "video":
        from ima2_grok.video import planning as clips

        return clips.plan(request, context)
    from ima2_grok.pipeline import plan

    return plan(request, context)


@hookimpl
def ima2_generate_image(call: Call, context: Context) -> AsyncIterator[CallEvent]:
    """One ``POST /images/generations`` or ``/images/edits``."""
    from ima2_grok.images import generate

    return generate(call, context)


@hookimpl
def ima2_generate_video(call: Call, context: Context) -> AsyncIterator[CallEvent]:
    """One ``POST /videos/…``, then ``GET /videos/{id}`` until the clip is there; from the id alone when resumed."""
    from ima2_grok.video.generate import generate

    return generate(call, context)


@hookimpl
def ima2_converse(turn: Turn, context: Context) -> AsyncIterator[ConverseEvent]:
    """One ``POST /responses``."""
    from ima2_grok.words.converse import converse

    return converse(turn, context)


@hookimpl
def ima2_models(context: Context) -> Awaitable[Sequence[ModelInfo]]:
    """``GET /image-generation-models``, and the same for clips and words."""
    from ima2_grok.catalogue_live import fetch

    return fetch(context)


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
