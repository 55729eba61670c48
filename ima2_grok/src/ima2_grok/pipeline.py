"""Search and plan, once for all pictures of a request. What costs a picture comes later."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from ima2.errors import Ima2Error
from ima2.models import Call, Phase, Plan, PlanEvent, Planned, Request, Step, Warning

from ima2_grok import planner
from ima2_grok.catalogue import BASE, PLANNER, own_quality, promoted
from ima2_grok.images import endpoint
from ima2_grok.inputs import EDITS, as_it_is, data_url, in_order
from ima2_grok.inputs import PLANNER as EYES
from ima2_grok.search import Brief, search
from ima2_grok.sizes import AUTO, aspect_of, exact, wanted

if TYPE_CHECKING:
    from ima2.hookspecs import Context

_QUOTED = re.compile(r"[\"“”„«「『]([^\"“”„«»「」『』]{1,200})[\"“”»」』]")


async def plan(request: Request, context: Context) -> AsyncIterator[PlanEvent]:
    """Search, plan, and say what will be sent. Raises as :mod:`search` and :mod:`planner` do; nothing is drawn."""
    for warning in remarks(request):
        yield warning
    name = planner_model(request)
    yield Phase(name="search")
    brief = await search(request.prompt, name, context)
    yield brief.usage
    yield Phase(name="plan")
    try:
        order = await asyncio.to_thread(_order, request, brief, context)
        written = await planner.plan(order, name, context)
    except Ima2Error as error:
        raise error.but(details={**spent(brief), **error.details}) from error
    yield written.usage
    for words in lost_words(request.prompt, written.prompt):
        text = f"The planner did not keep the words {words!r} as they are."
        yield Warning(code="VISIBLE_TEXT_CHANGED", field="prompt", message=text)
    yield Planned(plan=_planned(request, written.prompt, brief))


def planner_model(request: Request) -> str:
    """The model that searches and plans."""
    return str(request.options.get("planner_model") or PLANNER)


def image_model(request: Request) -> str:
    """The model that draws."""
    return promoted(request.model or BASE, request.quality)


def _order(request: Request, brief: Brief, context: Context) -> planner.Order:
    inputs = in_order(request)
    return planner.Order(
        request=request,
        model=image_model(request),
        shape=wanted(request),
        brief=brief.text,
        pictures=[data_url(context.open(ref), ref, EYES) for ref in inputs],
        changed=len(request.inputs("source")),
    )


def spent(brief: Brief) -> dict[str, Any]:
    """What the search before a failed plan has cost."""
    cost = {} if brief.usage.cost_usd is None else {"searchCostUsd": brief.usage.cost_usd}
    return {"webSearchCalls": brief.calls, **cost}


def _planned(request: Request, prompt: str, brief: Brief) -> Plan:
    model, inputs, wire = image_model(request), in_order(request), parameters(request)
    calls = tuple(
        Call(
            key=f"{request.id}.{index}",
            index=index,
            operation=request.operation,
            prompt=prompt,
            model=model,
            references=inputs,
            parameters=wire,
        )
        for index in range(request.n)
    )
    return Plan(
        prompt=prompt,
        model=model,
        operation=request.operation,
        calls=calls,
        sources=brief.sources,
        web_search_calls=brief.calls,
    )


def parameters(request: Request) -> dict[str, Any]:
    """What goes upstream beside model and prompt."""
    shape = wanted(request)
    quality = own_quality(image_model(request), request.quality)
    fields = {"aspect_ratio": shape.aspect, "resolution": shape.resolution, "quality": quality}
    return {name: value for name, value in fields.items() if value}


def remarks(request: Request) -> Iterator[Warning]:
    """What is replaced or of no effect, known before anything is sent."""
    model, shape, inputs = image_model(request), wanted(request), in_order(request)
    if model != request.model:
        text = f"Quality high is drawn by {model}."
        yield Warning(code="MODEL_PROMOTED", field="model", normalized_to=model, message=text)
    if not exact(request.size):
        text = f"xAI has no size {request.size}; {shape} was asked for."
        yield Warning(code="SIZE_MAPPED", field="size", normalized_to=str(shape), message=text)
    if len(inputs) == 1 and shape.aspect not in (AUTO, aspect_of(inputs[0].width, inputs[0].height)):
        text = "With one input image xAI keeps that image's shape."
        yield Warning(code="ASPECT_RATIO_KEPT", field="aspectRatio", message=text)
    if any(not as_it_is(ref, EDITS) for ref in inputs):
        text = f"An input image larger than xAI has use for is sent with a longest edge of {EDITS.edge} pixels."
        yield Warning(code="REFERENCE_SHRUNK", field="references", message=text)


def lost_words(wish: str, prompt: str) -> list[str]:
    """Quoted words in another script than Latin that the wish has and the prompt has not."""
    quoted = (found.strip() for found in _QUOTED.findall(wish))
    return [words for words in quoted if not words.isascii() and words not in prompt]


def steps(request: Request) -> list[Step]:
    """What would be sent, for a dry run. Search and planner cost tokens, a fraction of a picture."""
    name, inputs, shape = planner_model(request), len(in_order(request)), wanted(request)
    tokens = "tokens, a fraction of a picture's price"
    facts = [f"POST /{endpoint(inputs)}: {image_model(request)} draws", str(shape)]
    facts += [f"{inputs} input image{'s' if inputs > 1 else ''}"] if inputs else []
    return [
        Step(name="search", summary=f"POST /responses: {name} searches the web ({tokens})"),
        Step(name="plan", summary=f"POST /chat/completions: {name} writes the final prompt ({tokens})"),
        Step(name="generate", summary=", ".join(facts), count=request.n, paid=True),
    ]
