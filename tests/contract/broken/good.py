"""A provider that keeps the contract, and then one for each way to break it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from ima2.hookspecs import Capabilities, ModelInfo, Problem, ProviderInfo, Setting, SizeRule, Status, hookimpl

CAPABILITIES = Capabilities(
    operations=("generate", "edit"),
    sizes=SizeRule(fixed=("512x512",), multiple_of=16, min_edge=256, max_edge=2048),
    qualities=("low", "high"),
    formats=("png", "jpeg"),
    max_references=2,
    partial_images=1,
    seed=True,
)
STYLE = Setting(
    "style", per_request=True, key="good.style", help="How it looks.", choices=("oil", "ink"), default="ink"
)
KEY = Setting("api_key", env=("GOOD_API_KEY",), secret=True, help="The key.")


class Good:
    """Keeps the contract; each subclass breaks one thing."""

    id = "good"
    facts: Mapping[str, Any] = MappingProxyType({})
    capabilities: Mapping[str, Any] = MappingProxyType({})

    def __init_subclass__(
        cls, *, facts: Mapping[str, Any] | None = None, capabilities: Mapping[str, Any] | None = None
    ) -> None:
        cls.facts = facts or cls.facts
        cls.capabilities = capabilities or cls.capabilities

    @hookimpl
    def ima2_provider(self) -> ProviderInfo:
        caps = replace(CAPABILITIES, **self.capabilities)
        facts = {
            "title": "Good",
            "billing": "metered",
            "settings": (STYLE, KEY),
            "models": (ModelInfo("good-1", use="tests", capabilities=caps),),
            "resumable": ("image",),
            "login": "ima2 login good",
        }
        return ProviderInfo(id=self.id, **{**facts, **self.facts})

    @hookimpl
    def ima2_check(self, request: Any) -> list[Problem]:
        if request.seed is not None and request.seed < 0:
            return [Problem("INVALID_SEED", "seed", "A seed is not negative.")]
        return []

    @hookimpl
    def ima2_steps(self, request: Any) -> list[Any]:
        from ima2.models import Step

        return [Step(name="generate", summary="draw", count=request.n, paid=True)]

    @hookimpl
    async def ima2_status(self, context: Any) -> Status:
        if context.credentials.read().get("api_key"):
            return Status(ready=True)
        return Status(ready=False, why="no key", hint="ima2 login good")

    @hookimpl
    async def ima2_generate_image(self, call: Any, context: Any) -> Any:
        from ima2.models import Media, Partial, Phase, Progress, Sending, Submitted

        yield Phase(name="generate")
        if context.resume is None:
            yield Sending()
            await asyncio.sleep(0)
            yield Submitted(upstream_id="up-1")
        yield Progress(fraction=0.5)
        if call.parameters.get("partial_images"):
            yield Partial(path=self.write(context), media_type="image/png")
        yield Progress(fraction=1)
        yield Media(path=self.write(context), media_type="image/png")

    def write(self, context: Any) -> Any:
        from PIL import Image

        path = context.spool.new(".png")
        Image.linear_gradient("L").save(path)
        return path


plugin = Good()
