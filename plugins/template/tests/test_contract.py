"""What ima2 relies on. Name the provider, bring a stand-in for the service; the tests are inherited."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from ima2_kit.conformance.pictures import picture
from ima2_kit.contract import ProviderContract
from ima2_kit.upstreams import ScriptedUpstream, json_answer

ANSWER = {"id": "img-1", "image": base64.b64encode(picture()).decode(), "size": "24x16", "cost": 0.02}


class TestContract(ProviderContract):
    """Pictures come from a service on 127.0.0.1 that gives every call the same answer."""

    provider = "acme"
    credentials: ClassVar[Mapping[str, Any]] = {"api_key": "acme-not-a-real-key"}

    @asynccontextmanager
    async def service(self) -> AsyncIterator[Mapping[str, Any]]:
        """Settings that lead to the stand-in."""
        always = json_answer(ANSWER).but(repeat=True)
        async with ScriptedUpstream({"POST /v1/images": [always]}) as upstream:
            yield {"base_url": f"{upstream.url}/v1"}
