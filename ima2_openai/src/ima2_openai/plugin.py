"""The hooks of provider ``api``. Their bodies load with the first call, so that listing plugins stays quick."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import TYPE_CHECKING

from ima2.hookspecs import DoctorCheck, ProviderInfo, hookimpl

from ima2_openai.catalogue import MODELS
from ima2_openai.settings import SETTINGS

if TYPE_CHECKING:
    from ima2.hookspecs import Auth, Context, ModelInfo, Problem, Status
    from ima2.models import Call, CallEvent, PlanEvent, Request, Step


@hookimpl
def ima2_provider() -> ProviderInfo:
    """OpenAI with the user's own key."""
    return ProviderInfo(
        id="api",
        title="OpenAI API",
        billing="metered",
        concurrency=4,
        settings=SETTINGS,
        models=MODELS,
        live_models=True,
        login="ima2 login api",
        key_alias="openai",
        homepage="https://platform.openai.com",
    )


@hookimpl
def ima2_check(request: Request) -> Sequence[Problem]:
    """Sizes, formats, input images."""
    from ima2_openai.check import check

    return check(request)


@hookimpl
def ima2_steps(request: Request) -> Sequence[Step]:
    """What would be sent."""
    from ima2_openai.generate import steps

    return steps(request)


@hookimpl
def ima2_plan(request: Request, context: Context) -> AsyncIterator[PlanEvent]:
    """One call for each picture."""
    from ima2_openai.generate import plan

    return plan(request, context)


@hookimpl
def ima2_generate_image(call: Call, context: Context) -> AsyncIterator[CallEvent]:
    """One ``POST /responses``."""
    from ima2_openai.generate import generate

    return generate(call, context)


@hookimpl
def ima2_models(context: Context) -> Awaitable[Sequence[ModelInfo]]:
    """``GET /models``."""
    from ima2_openai import keys
    from ima2_openai.catalogue_live import fetch

    return fetch(context, keys.need(context))


@hookimpl
def ima2_auth(context: Context) -> Auth:
    """Paste a key."""
    from ima2_openai.auth import KeyAuth

    return KeyAuth(context)


@hookimpl
async def ima2_status(context: Context) -> Status:
    """Whether there is a key."""
    from ima2_openai.keys import status

    return status(context)


@hookimpl
def ima2_doctor_checks() -> Sequence[DoctorCheck]:
    """Whether OpenAI takes the key."""
    return [DoctorCheck("api key", _key_works)]


async def _key_works(context: Context) -> tuple[bool, str, str | None]:
    from ima2.errors import Ima2Error

    from ima2_openai import keys
    from ima2_openai.catalogue_live import fetch

    key = keys.find(context)
    if key is None:
        return True, "no OpenAI API key; the provider api is not used", None
    try:
        models = await fetch(context, key)
    except Ima2Error as error:
        return False, error.message, error.hint
    return True, f"OpenAI takes the key {key.masked} and lists {len(models)} usable models", None
