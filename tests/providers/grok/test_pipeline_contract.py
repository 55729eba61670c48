"""The contract of providers, with a stand-in in the place of xAI."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from ima2_kit.conformance.pictures import clip
from ima2_kit.contract import ProviderContract
from ima2_kit.upstreams import ScriptedUpstream, json_answer, xai, xai_video
from providers.grok.piping import picture


def either_tool() -> dict[str, Any]:
    """A planner's answer that calls both tools: the contract asks for pictures and for clips."""
    value = xai.planned()
    call = {"name": "generate_video", "arguments": json.dumps({"prompt": "A kite climbs."})}
    value["choices"][0]["message"]["tool_calls"].append({"type": "function", "function": call})
    return value


class TestContract(ProviderContract):
    provider = "grok"
    credentials = {"apiKey": "xai-not-a-real-key-0000"}  # noqa: RUF012

    @asynccontextmanager
    async def service(self) -> AsyncIterator[Mapping[str, Any]]:
        async with ScriptedUpstream() as upstream:
            again = {
                **xai_video.good_run(upstream.url, clip(seconds=5)),
                **xai.good_run(upstream.url, picture()),
                xai.PLAN: [json_answer(either_tool())],
                xai_video.POLL: [xai_video.finished(upstream.url + xai_video.CLIP_PATH)],
            }
            for route, answers in again.items():
                upstream.say(route, *(answer.but(repeat=True) for answer in answers))
            yield {"base_url": f"{upstream.url}/v1", "home": "/nonexistent"}
