"""Planning and sending: one call for each picture."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from ima2.models import Call, CallEvent, Plan, PlanEvent, Planned, Request, Step, Warning

from ima2_openai import keys
from ima2_openai.body import build, data_url, image_tool, parameters
from ima2_openai.catalogue import DEFAULT_HOST, DEFAULT_TOOL
from ima2_openai.exchange import Post, exchange
from ima2_openai.service import OPENAI, address

if TYPE_CHECKING:
    from ima2.hookspecs import Context


async def plan(request: Request, context: Context) -> AsyncIterator[PlanEvent]:
    """``n`` pictures are ``n`` calls: the tool has no count of its own, and each call is paid and lost alone."""
    keys.need(context)
    streamed = bool(context.settings["stream"])
    no_search = _why_no_search(request, context)
    if request.web_search and no_search:
        text = f"The picture is made without a web search: {no_search}."
        yield Warning(code="WEB_SEARCH_DISABLED", field="webSearchEnabled", message=text)
    if request.partial_images and not streamed:
        text = "Drafts come in a stream, and apiProvider.stream is off."
        yield Warning(code="PARTIALS_DISABLED", field="partialImages", message=text)
    search = bool(request.web_search) and no_search is None
    yield Planned(plan=_plan(request, search=search, streamed=streamed))


def _why_no_search(request: Request, context: Context) -> str | None:
    if not context.settings["web_search"]:
        return "it is switched off by apiProvider.allowWebSearch"
    if request.reasoning_effort == "minimal":
        return "OpenAI does not combine it with reasoning effort minimal"
    return None


def _plan(request: Request, *, search: bool, streamed: bool) -> Plan:
    model = request.model or DEFAULT_HOST
    tool = image_tool(request, _tool_model(request), streamed=streamed)
    force = bool(request.options.get("force_image_tool", True))
    wire = parameters(request, tool, web_search=search, force=force, streamed=streamed)
    calls = tuple(
        Call(
            key=f"{request.id}.{index}",
            index=index,
            operation=request.operation,
            prompt=request.prompt,
            model=model,
            references=request.references,
            parameters=wire,
        )
        for index in range(request.n)
    )
    return Plan(prompt=request.prompt, model=model, operation=request.operation, calls=calls)


def _tool_model(request: Request) -> str:
    return str(request.options.get("image_tool_model") or DEFAULT_TOOL)


def steps(request: Request) -> list[Step]:
    """The paid calls in words."""
    facts = [
        f"POST /responses: {request.model or DEFAULT_HOST} calls {_tool_model(request)}",
        f"size {request.size or 'auto'}",
        f"quality {request.quality or 'auto'}",
        f"format {request.format or 'png'}",
        f"reasoning {request.reasoning_effort or 'as the model does'}",
        "may search the web" if request.web_search and request.reasoning_effort != "minimal" else "no web search",
    ]
    if request.references:
        facts.append(f"{len(request.references)} input images")
    return [Step(name=request.operation, summary=", ".join(facts), count=request.n, paid=True)]


async def generate(call: Call, context: Context) -> AsyncGenerator[CallEvent, None]:
    """One paid request."""
    key = keys.need(context)
    post = Post(
        url=address(context, "responses"),
        headers=key.headers,
        body=await asyncio.to_thread(_body, call, context),
        idle=float(context.settings["idle_timeout"]),
        account=key.masked,
    )
    async with aclosing(exchange(post, context, OPENAI)) as events:
        async for event in events:
            yield event


def _body(call: Call, context: Context) -> dict[str, Any]:
    """With the stored files read in: the source first, as the mask belongs to the first picture."""
    sources = [ref for ref in call.references if ref.role == "source"]
    others = [ref for ref in call.references if ref.role == "reference"]
    masks = [ref for ref in call.references if ref.role == "mask"]
    urls = [data_url(context.open(ref), ref.media_type) for ref in (*sources, *others)]
    mask = data_url(context.open(masks[0]), masks[0].media_type) if masks else None
    return build(call.parameters, model=call.model, prompt=call.prompt, pictures=urls, mask=mask)
