"""The contract of providers on both routes, with the stand-in in the place of ChatGPT."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from chatgpt_images import EDITS, GENERATIONS, RESPONSES, png, sign_in
from ima2.hookspecs import ModelInfo
from ima2.models import Request
from ima2_kit.contract import ProviderContract
from ima2_kit.contract.bench import Bench
from ima2_kit.hooks import Hooks, entry_point
from ima2_kit.upstreams import ScriptedUpstream, chatgpt


class Masking(Bench):
    """With masks switched on; that they are off by themselves is seen in ``test_oauth_route.py``."""

    def request(self, of: ModelInfo, settings: Mapping[str, Any] | None = None, /, **changes: Any) -> Request:
        asked = super().request(of, settings, **changes)
        return asked.model_copy(update={"options": {**asked.options, "masked_edit": True}})


class TestByItself(ProviderContract):
    provider = "oauth"
    credentials = sign_in()
    route: ClassVar[str] = "auto"

    @asynccontextmanager
    async def service(self) -> AsyncIterator[Mapping[str, Any]]:
        drawn = chatgpt.drawn(png(), tokens_in=300).but(repeat=True)
        hosted = chatgpt.hosted(png(), partials=[png(8, 8)]).but(repeat=True)
        script = {GENERATIONS: [drawn], EDITS: [drawn], RESPONSES: [hosted]}
        async with ScriptedUpstream(script, refuse=chatgpt.refuse) as upstream:
            address = {"base_url": f"{upstream.url}{chatgpt.BASE}", "auth_url": upstream.url}
            yield {**address, "use_codex": False, "masked_edit": True, "route": self.route}

    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        hooks = Hooks(entry_point(self.provider).load())
        return Masking(hooks, hooks.ask("ima2_provider"), tmp_path, self.prompt, self.service, self.credentials)


class TestByTheResponsesRoute(TestByItself):
    route = "responses"
