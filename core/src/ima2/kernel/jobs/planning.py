"""A job's plan: the kernel's own where a provider makes none, and what any plan must be."""

from __future__ import annotations

from ima2.errors import PluginFailed
from ima2.models import Call, Job, Plan, Request

_CARRIED = (
    "size",
    "quality",
    "format",
    "compression",
    "background",
    "moderation",
    "reasoning_effort",
    "web_search",
    "partial_images",
    "seed",
    "duration",
    "resolution",
    "aspect_ratio",
    "source_url",
)
"""Fields of a request that travel in a call's ``parameters``."""


def default_plan(request: Request) -> Plan:
    """One call for each picture, the prompt as it is; the request's fields travel in ``parameters``."""
    parameters = {name: value for name in _CARRIED if (value := getattr(request, name)) is not None}
    model = request.model or ""
    calls = tuple(
        Call(
            key=f"{request.id}.{index}",
            index=index,
            kind=request.kind,
            operation=request.operation,
            prompt=request.prompt,
            model=model,
            references=request.references,
            parameters={**parameters, **request.options},
        )
        for index in range(request.n)
    )
    return Plan(prompt=request.prompt, model=model, operation=request.operation, calls=calls)


def checked(plan: Plan, job: Job) -> Plan:
    """The plan, when its calls are this job's and not too many.

    :raises PluginFailed: they are not.
    """
    keys = [call.key for call in plan.calls]
    if not keys or len(set(keys)) != len(keys) or not all(key.startswith(f"{job.id}.") for key in keys):
        raise PluginFailed(f"{job.provider} made a plan whose calls have no keys of this job.", step="plan")
    if sum(call.expected for call in plan.calls) > job.request.n:
        raise PluginFailed(f"{job.provider} planned more pictures than were asked for.", step="plan")
    return plan
