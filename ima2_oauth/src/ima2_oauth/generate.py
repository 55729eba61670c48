"""Planning: one call for each picture, with what either route would send."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from ima2.models import Call, Phase, Plan, PlanEvent, Planned, Request, Step

from ima2_oauth import hosted, native
from ima2_oauth.catalogue import DEFAULT_HOST
from ima2_oauth.limits import nearly_used
from ima2_oauth.prompt import with_aspect
from ima2_oauth.route import Choice, Route, choose
from ima2_oauth.session import authorized

if TYPE_CHECKING:
    from ima2.hookspecs import Context

TITLES: dict[Route, str] = {"responses": "Responses route", "images": "images route"}


async def plan(request: Request, context: Context) -> AsyncIterator[PlanEvent]:
    """``n`` pictures are ``n`` calls: neither route counts reliably, and each call is paid and lost alone."""
    await authorized(context)
    choice = choose(request, context.live_models, str(context.settings["model"] or DEFAULT_HOST))
    for warning in (*choice.warnings, *nearly_used(context)):
        yield warning
    yield Phase(name="plan", message=f"{TITLES[choice.route]}, {choice.model}: {choice.why}")
    force = bool(context.settings["force_image_tool"])
    yield Planned(plan=_plan(request, choice, _parameters(request, choice, force=force)))


def _plan(request: Request, choice: Choice, parameters: dict[str, Any]) -> Plan:
    prompt = with_aspect(request.prompt, request.size)
    calls = tuple(
        Call(
            key=f"{request.id}.{index}",
            index=index,
            operation=request.operation,
            prompt=prompt,
            model=choice.model,
            references=request.references,
            parameters=parameters,
        )
        for index in range(request.n)
    )
    return Plan(prompt=prompt, model=choice.model, operation=request.operation, calls=calls)


def _parameters(request: Request, choice: Choice, *, force: bool) -> dict[str, Any]:
    """``{route, routes: {responses?, images?}, size, format}``: one route, or both when the call may move."""
    routes: dict[str, Any] = {}
    if choice.host and (choice.route == "responses" or choice.may_move):
        search = bool(request.web_search)
        routes["responses"] = hosted.wire(request, choice.host, choice.effort, web_search=search, force=force)
    if choice.route == "images" or choice.may_move:
        routes["images"] = native.wire(request, choice.drawer)
    asked = {"size": request.size, "format": request.format}
    return {"route": choice.route, "routes": routes, **{name: value for name, value in asked.items() if value}}


def steps(request: Request) -> list[Step]:
    """The paid calls in words, as far as they can be told without the account's catalogue."""
    choice = choose(request, ())
    path = f"POST /{hosted.PATH}" if choice.route == "responses" else f"POST /{_path(request)}"
    facts = [
        f"{TITLES[choice.route]} ({choice.why})",
        f"{path}: {choice.model}" + (" calls the image tool" if choice.route == "responses" else " draws"),
        f"size {request.size or 'auto'}, as a wish",
        f"quality {request.quality or 'auto'}",
    ]
    if choice.route == "responses":
        facts.append(f"reasoning {choice.effort or 'as the model does'}")
        facts.append("may search the web" if request.web_search else "no web search")
    if request.references:
        facts.append(f"{len(request.references)} input images")
    return [Step(name=request.operation, summary=", ".join(facts), count=request.n, paid=True)]


def _path(request: Request) -> str:
    return "images/edits" if request.references else "images/generations"
