"""The contract of providers, with a stand-in in the place of xAI."""

from __future__ import annotations

import json
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from ima2_kit.contract import ProviderContract
from ima2_kit.upstreams import Answer, ScriptedUpstream, json_answer, xai
from providers.grok.piping import picture

CLIP = struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0) + struct.pack(">I4s", 8, b"moov")


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
            clip = {"status": "done", "video": {"url": f"{upstream.url}/clip.mp4"}, "progress": 100}
            again = {
                **xai.good_run(upstream.url, picture(), repeat=True),
                xai.PLAN: [json_answer(either_tool())],
                "POST /v1/videos/generations": [json_answer({"request_id": "vid-1"})],
                "GET /v1/videos/vid-1": [json_answer(clip)],
                "GET /clip.mp4": [Answer(headers={"Content-Type": "video/mp4"}, body=CLIP)],
            }
            for route, answers in again.items():
                upstream.say(route, *(answer.but(repeat=True) for answer in answers))
            yield {"base_url": f"{upstream.url}/v1", "home": "/nonexistent"}
