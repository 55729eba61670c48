"""A clip, from plan to file, against a scripted xAI: what was yielded, what was sent, what went wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ima2.errors import Ima2Error
from ima2.models import Call, Media, Plan, Planned, Progress, Reference, Request, Submitted, Warning
from ima2.models.request import Role
from ima2_grok.video.catalogue import BASE
from ima2_kit.conformance.pictures import clip
from ima2_kit.context import QuickClock, open_context
from ima2_kit.upstreams import Answer, Received, ScriptedUpstream, exchanges, replay, xai_video

from ima2_grok import plugin

RECORDED = Path(__file__).parents[2] / "recorded" / "xai"
KEY = "xai-test-0123456789abcdef"
MP4 = clip(seconds=5)
Script = Mapping[str, Sequence[Answer]] | Callable[[str], Mapping[str, Sequence[Answer]]]


def ask(**changes: Any) -> Request:
    """A request as hooks get it: the provider's settings applied."""
    options = {"planner_model": "grok-4.3", **changes.pop("options", {})}
    filled = {"kind": "video", "surface": "video", "model": BASE, "web_search": True}
    return Request(id="job-1", provider="grok", **{"prompt": "a red kite", **filled, **changes}, options=options)


def order(**changes: Any) -> Call:
    """A planned call for a text-to-video."""
    wire = {"mode": "text", "duration": 5, "resolution": "480p", **changes.pop("parameters", {})}
    facts = {"key": "job-1.0", "kind": "video", "prompt": xai_video.PROMPT, "model": BASE}
    return Call(**{**facts, **changes}, parameters=wire)


def recorded_run(name: str, url: str) -> dict[str, list[Answer]]:
    """Every exchange of a recording by route; addresses of results lead to the stand-in."""
    made: dict[str, list[Answer]] = {}
    for number, each in enumerate(exchanges(RECORDED / name)):
        host, path = each["request"]["url"].removeprefix("https://").split("/", 1)
        answer = replay(RECORDED / name, number)
        if host == "api.x.ai":
            answer = answer.but(body=answer.body.replace(b"https://vidgen.x.ai", url.encode()))
        made.setdefault(f"{each['request']['method']} /{path}", []).append(answer)
    return made


@dataclass
class Filmed:
    """One run. ``error`` ended it."""

    events: list[Any] = field(default_factory=list)
    error: Ima2Error | None = None
    received: list[Received] = field(default_factory=list)
    files: list[bytes] = field(default_factory=list)
    waited: float = 0

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def sent(self, route: str) -> list[Any]:
        return [each.json for each in self.received if f"{each.method} {each.path}" == route]

    def count(self, route: str) -> int:
        return len(self.sent(route))

    @property
    def failure(self) -> Ima2Error:
        assert self.error is not None, self.events
        assert self.of(Media) == []
        return self.error

    @property
    def upstream_ids(self) -> list[str]:
        return [event.upstream_id for event in self.of(Submitted)]

    @property
    def fractions(self) -> list[float | None]:
        return [event.fraction for event in self.of(Progress)]

    @property
    def warnings(self) -> list[str]:
        return [event.code for event in self.of(Warning)]

    @property
    def plan(self) -> Plan:
        [planned] = self.of(Planned)
        plan: Plan = planned.plan
        return plan


def film(
    folder: Path,
    asked: Request | Call | None = None,
    script: Script | None = None,
    *,
    resume: str | None = None,
    inputs: Sequence[tuple[bytes, Role]] = (),
    signed_in: bool = True,
    **settings: Any,
) -> Filmed:
    """A request is planned and its calls are run; a call is run alone. ``script`` lies over the answers of a good run.

    ``inputs`` are pictures, or clips with the role ``clip``.
    """

    async def go() -> Filmed:
        filmed, clock = Filmed(), QuickClock()
        async with ScriptedUpstream() as upstream:
            own = script(upstream.url) if callable(script) else script or {}
            for route, answers in {**xai_video.good_run(upstream.url, MP4, n=4), **own}.items():
                upstream.say(route, *answers)
            given = {"base_url": f"{upstream.url}/v1", "home": str(folder), **settings}
            secret = {"apiKey": KEY} if signed_in else None
            async with open_context(
                plugin.ima2_provider(), folder, settings=given, credentials=secret, resume=resume, clock=clock
            ) as context:
                stored = tuple(_stored(context, data, role) for data, role in inputs)
                whole = (asked or order()).model_copy(update={"references": stored} if stored else {})
                try:
                    await _follow(filmed, whole, context)
                except Ima2Error as error:
                    filmed.error = error
            filmed.received = upstream.received
            filmed.waited = clock.monotonic()
        return filmed

    return asyncio.run(go())


def _stored(context: Any, data: bytes, role: Role) -> Reference:
    if role != "clip":
        reference: Reference = context.add(data, role)
        return reference
    context.inputs.mkdir(parents=True, exist_ok=True)
    (context.inputs / "0").write_bytes(data)
    facts = {"sha256": "0", "media_type": "video/mp4", "width": 64, "height": 48, "size": len(data)}
    return Reference(**facts, role="clip", duration=5)


async def _follow(filmed: Filmed, asked: Request | Call, context: Any) -> None:
    calls: Sequence[Call] = (asked,) if isinstance(asked, Call) else ()
    if isinstance(asked, Request):
        async for event in plugin.ima2_plan(asked, context):
            filmed.events.append(event)
        calls = filmed.plan.calls
    for call in calls:
        async with aclosing(plugin.ima2_generate_video(call, context)) as steps:
            async for step in steps:
                filmed.events.append(step)
                if isinstance(step, Media):
                    filmed.files.append(step.path.read_bytes())
