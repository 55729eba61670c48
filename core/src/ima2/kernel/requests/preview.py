"""A dry run: everything that is decided before money is spent, and what would be sent."""

from __future__ import annotations

from typing import Any

from ima2.kernel.plugins.dispatch import Dispatcher
from ima2.kernel.requests.intake import Taken
from ima2.kernel.requests.readiness import fix_for
from ima2.kernel.requests.resolve import Resolved, Resolver
from ima2.models import Step


async def preview(resolver: Resolver, dispatcher: Dispatcher, taken: Taken) -> dict[str, Any]:
    """Shape: ``{dryRun, provider, ready, hint, resolution, model, request, steps, warnings}``."""
    resolved = await resolver.resolve(taken.request, must_be_ready=False)
    steps = await dispatcher.steps(resolved.info.id, resolved.request) or (_plain_step(resolved),)
    return {
        "dryRun": True,
        "provider": resolved.info.id,
        "requestedProvider": taken.request.provider,
        "ready": resolved.status.ready,
        "why": None if resolved.status.ready else resolved.status.why,
        "hint": None if resolved.status.ready else fix_for(resolved.info, resolved.status),
        "resolution": resolved.resolution.model_dump(by_alias=True),
        "model": resolved.model.id,
        "request": resolved.request.model_dump(by_alias=True, exclude_none=True, mode="json"),
        "steps": [step.model_dump(by_alias=True) for step in steps],
        "warnings": [
            warning.model_dump(by_alias=True, exclude_none=True) for warning in (*taken.warnings, *resolved.warnings)
        ],
    }


def _plain_step(resolved: Resolved) -> Step:
    request = resolved.request
    free = resolved.info.billing == "free"
    return Step(name="generate", summary=f"{resolved.model.id} draws the prompt", count=request.n, paid=not free)
