"""The plugin. Imported whenever ima2 starts: only descriptors up here, the work is imported inside the hooks."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING

from ima2.hookspecs import (
    Auth,
    Capabilities,
    Context,
    ModelInfo,
    Problem,
    ProviderInfo,
    Setting,
    SizeRule,
    Status,
    hookimpl,
)

if TYPE_CHECKING:
    from ima2.models import Call, CallEvent, Request, Step

LOGIN = "ima2 login acme"

SETTINGS = (
    Setting(
        "api_key",
        env=("ACME_API_KEY",),
        secret=True,
        help="The key of the Acme API; one stored by `ima2 login acme` serves as well.",
    ),
    Setting(
        "base_url",
        default="https://api.acme.example/v1",
        env=("ACME_BASE_URL",),
        key="acme.baseUrl",
        help="Where the API is; tests point it at a stand-in.",
    ),
    # Per request: `--mood` on the command line, `mood` in a request's JSON, a control on the page.
    Setting("mood", env=("ACME_MOOD",), key="acme.mood", per_request=True, choices=("calm", "wild"), help="The mood."),
)

# What a model can do is data: ima2 refuses what it can't before anything is sent, and draws the page's controls.
MODELS = (
    ModelInfo(
        id="acme-2",
        title="Acme 2",
        use="Fast pictures of everything.",
        capabilities=Capabilities(
            operations=("generate",),
            sizes=SizeRule(fixed=("1024x1024", "1536x1024", "1024x1536")),
            formats=("png", "webp"),
            backgrounds=("opaque", "transparent"),
            seed=True,
            max_count=4,
        ),
    ),
)


@hookimpl
def ima2_provider() -> ProviderInfo:
    """``concurrency`` is how many paid calls the service takes at once."""
    return ProviderInfo(
        id="acme",
        title="Acme Images",
        billing="metered",
        concurrency=2,
        settings=SETTINGS,
        models=MODELS,
        login=LOGIN,
        homepage="https://acme.example",
    )


@hookimpl
def ima2_check(request: Request) -> Sequence[Problem]:
    """Only what the table above can't say; pure, no file and no network."""
    from ima2_acme.check import problems

    return list(problems(request))


@hookimpl
def ima2_steps(request: Request) -> Sequence[Step]:
    """What `--dry-run` shows."""
    from ima2.models import Step

    return [Step(name="generate", summary="POST /v1/images", count=request.n, paid=True)]


@hookimpl
def ima2_auth(context: Context) -> Auth:
    """`ima2 login acme`, and the page's sign-in."""
    from ima2_acme.auth import KeyAuth

    return KeyAuth(context)


@hookimpl
async def ima2_status(context: Context) -> Status:
    """Ready or not; local reads only, and a service that is down is no reason to say no."""
    from ima2_acme.auth import find_key

    if find_key(context):
        return Status(ready=True)
    return Status(ready=False, why="no API key", hint=LOGIN)


@hookimpl
def ima2_generate_image(call: Call, context: Context) -> AsyncGenerator[CallEvent, None]:
    """One paid request. Without an `ima2_plan`, ima2 makes one call for each picture."""
    from ima2_acme.generate import generate

    return generate(call, context)
