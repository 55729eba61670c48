"""The contract of providers, with the stand-in in the place of the service."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from ima2_kit.contract import ProviderContract
from ima2_kit.upstreams import ScriptedUpstream, openai
from PIL import Image


def _png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 40, 40)).save(buffer, "PNG")
    return buffer.getvalue()


class TestContract(ProviderContract):
    provider = "api"
    credentials = {"apiKey": "sk-not-a-real-key-0000"}  # noqa: RUF012

    @asynccontextmanager
    async def service(self) -> AsyncIterator[Mapping[str, Any]]:
        answer = openai.picture(_png(), partials=[_png()]).but(repeat=True)
        async with ScriptedUpstream({"POST /v1/responses": [answer]}) as upstream:
            yield {"base_url": f"{upstream.url}/v1"}
