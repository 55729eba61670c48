"""Failing on purpose, to try out errors."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ima2.errors import Refused, UpstreamError


def fail(asked: Mapping[str, Any], when: str) -> None:
    """Fail if that is what was asked for at this point."""
    if asked.get("fail") != when:
        return
    if when == "refuse":
        raise Refused("The sketch was refused, as asked (fail=refuse).", step="generate")
    raise UpstreamError(f"The sketch failed, as asked (fail={when}).", code="SKETCH_FAILED", step="generate")


async def hang(asked: Mapping[str, Any]) -> None:
    """Wait for ever if that is what was asked for."""
    if asked.get("fail") == "hang":
        await asyncio.Event().wait()
