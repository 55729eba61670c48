"""A whole run of the pipeline against a scripted xAI: what was yielded, what was sent, what went wrong."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ima2.errors import Ima2Error
from ima2.models import Media, Plan, Planned, Request
from ima2.models.request import Role
from ima2_grok.catalogue import BASE
from ima2_kit.context import open_context
from ima2_kit.upstreams import Answer, Received, ScriptedUpstream, xai
from PIL import Image

from ima2_grok import plugin

RECORDED = Path(__file__).parents[2] / "recorded" / "xai"
KEY = "xai-test-0123456789abcdef"
# A PNG of one red pixel, written out so that no library's compression can change it.
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)


def picture(kind: str = "JPEG", size: tuple[int, int] = (96, 64), colour: tuple[int, ...] = (200, 40, 40)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGBA" if len(colour) == 4 else "RGB", size, colour).save(buffer, kind)
    return buffer.getvalue()


def recorded(name: str, exchange: int = 0) -> dict[str, Any]:
    """The parsed body of a recorded reply."""
    exchanges = json.loads((RECORDED / name).read_text("utf-8"))["exchanges"]
    value: dict[str, Any] = json.loads(exchanges[exchange]["response"]["body_text"])
    return value


def ask(**changes: Any) -> Request:
    """A request as hooks get it: the provider's settings applied."""
    options = {"planner_model": "grok-4.3", **changes.pop("options", {})}
    filled = {"model": BASE, "quality": "medium", "web_search": True}
    return Request(id="job-1", provider="grok", **{"prompt": "a red kite", **filled, **changes}, options=options)


@dataclass
class Ran:
    """One request, run."""

    events: list[Any] = field(default_factory=list)
    error: Ima2Error | None = None
    received: list[Received] = field(default_factory=list)
    files: list[bytes] = field(default_factory=list)
    url: str = ""

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def sent(self, route: str) -> list[Any]:
        return [each.json for each in self.received if f"{each.method} {each.path}" == route]

    @property
    def failure(self) -> Ima2Error:
        assert self.error is not None, self.events
        assert self.of(Media) == []
        return self.error

    @property
    def plan(self) -> Plan:
        [planned] = self.of(Planned)
        plan: Plan = planned.plan
        return plan

    @property
    def asked(self) -> list[str]:
        """The routes, in order."""
        return [f"{each.method} {each.path}" for each in self.received]


Script = Mapping[str, Sequence[Answer]] | Callable[[str], Mapping[str, Sequence[Answer]]]


def run(
    folder: Path,
    request: Request,
    script: Script | None = None,
    *,
    inputs: Sequence[tuple[bytes, Role]] = (),
    **settings: Any,
) -> Ran:
    """Plan and generate. ``script``, which may want the stand-in's address, lies over the answers of a good run."""

    async def go() -> Ran:
        ran = Ran()
        async with ScriptedUpstream() as upstream:
            ran.url = upstream.url
            own = script(upstream.url) if callable(script) else script or {}
            for route, answers in {**xai.good_run(upstream.url, picture(), n=request.n), **own}.items():
                upstream.say(route, *answers)
            given = {"base_url": f"{upstream.url}/v1", "home": str(folder), **settings}
            secret = {"apiKey": KEY}
            async with open_context(plugin.ima2_provider(), folder, settings=given, credentials=secret) as context:
                stored = tuple(context.add(data, role) for data, role in inputs)
                asked = request.model_copy(update={"references": stored})
                await _follow(ran, asked, context)
            ran.received = upstream.received
        return ran

    return asyncio.run(go())


async def _follow(ran: Ran, request: Request, context: Any) -> None:
    try:
        async for event in plugin.ima2_plan(request, context):
            ran.events.append(event)
        for call in ran.plan.calls:
            async for event in plugin.ima2_generate_image(call, context):
                ran.events.append(event)
                if isinstance(event, Media):
                    ran.files.append(event.path.read_bytes())
    except Ima2Error as error:
        ran.error = error
