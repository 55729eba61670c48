"""Search and plan, once for all clips of a request. What costs a clip comes later."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from ima2.errors import Ima2Error
from ima2.models import Call, Phase, Plan, PlanEvent, Planned, Request, Step, Warning

from ima2_grok import planner
from ima2_grok.errors import PLAN
from ima2_grok.exchange import ask
from ima2_grok.inputs import EDITS, data_url
from ima2_grok.inputs import PLANNER as EYES
from ima2_grok.pipeline import lost_words, planner_model, spent
from ima2_grok.search import Brief, search
from ima2_grok.video.body import endpoint
from ima2_grok.video.catalogue import BASE
from ima2_grok.video.modes import WORDS, images, mode_of, parameters, remarks, shrunk
from ima2_grok.video.prompting import TOOL, Order, body

if TYPE_CHECKING:
    from ima2.hookspecs import Context


async def plan(request: Request, context: Context) -> AsyncIterator[PlanEvent]:
    """Search, plan, and say what will be sent. Raises as :mod:`search` and :mod:`planner` do; nothing is ordered."""
    for warning in remarks(request):
        yield warning
    name = planner_model(request)
    yield Phase(name="search")
    brief = await search(request.prompt, name, context)
    yield brief.usage
    yield Phase(name="plan")
    try:
        order = await asyncio.to_thread(_order, request, brief, context)
        written = planner.read(await ask(PLAN, "chat/completions", body(order, name), context), TOOL)
    except Ima2Error as error:
        raise error.but(details={**spent(brief), **error.details}) from error
    yield written.usage
    for words in lost_words(request.prompt, written.prompt):
        text = f"The planner did not keep the words {words!r} as they are."
        yield Warning(code="VISIBLE_TEXT_CHANGED", field="prompt", message=text)
    yield Planned(plan=_planned(request, written.prompt, brief))


def _order(request: Request, brief: Brief, context: Context) -> Order:
    return Order(
        request=request,
        model=request.model or BASE,
        mode=mode_of(request),
        parameters=parameters(request),
        brief=brief.text,
        pictures=[data_url(context.open(image), image, EYES) for image in images(request)],
    )


def _planned(request: Request, prompt: str, brief: Brief) -> Plan:
    model, wire = request.model or BASE, parameters(request)
    calls = tuple(
        Call(
            key=f"{request.id}.{index}",
            index=index,
            kind="video",
            operation=request.operation,
            prompt=prompt,
            model=model,
            references=request.references,
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


def steps(request: Request) -> list[Step]:
    """What would be sent, for a dry run. Search and planner cost tokens, a fraction of a clip."""
    name, mode, wire = planner_model(request), mode_of(request), parameters(request)
    tokens = "tokens, a fraction of a clip's price"
    facts = [f"POST /{endpoint(mode)}: {request.model or BASE}, {WORDS[mode]}"]
    if seconds := wire.get("duration"):
        facts.append(f"{seconds} s added" if mode == "extend" else f"{seconds} s")
    if lead_in := wire.get("lead_in"):
        facts.append(f"the first {lead_in:g} s cut off")
    facts += [str(wire[field]) for field in ("resolution", "aspect_ratio") if field in wire]
    if count := len(images(request)):
        edge = f", at most {EDITS.edge} pixels an edge" if shrunk(request) else ""
        facts.append(f"{count} input image{'s' if count > 1 else ''}{edge}")
    return [
        Step(name="search", summary=f"POST /responses: {name} searches the web ({tokens})"),
        Step(name="plan", summary=f"POST /chat/completions: {name} writes the final prompt ({tokens})"),
        Step(name="generate", summary=", ".join(facts), count=request.n, paid=True),
    ]
