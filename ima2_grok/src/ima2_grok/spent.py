"""What an answer of xAI cost: tokens under two dialects' names, and money in ticks."""

from __future__ import annotations

from typing import Any

from ima2.models import Usage

from ima2_grok.reading import count, mapping

TICKS = 10**10
"""Of one US dollar."""


def usage(value: Any) -> Usage:
    """Usage of an answer of the Responses, the chat or the image API; what it does not say stays unknown."""
    said = mapping(mapping(value).get("usage"))
    ticks = count(said.get("cost_in_usd_ticks"))
    return Usage(
        input_tokens=_first(said, "input_tokens", "prompt_tokens"),
        output_tokens=_first(said, "output_tokens", "completion_tokens"),
        total_tokens=count(said.get("total_tokens")),
        cost_usd=None if ticks is None else ticks / TICKS,
        raw={} if ticks is None else {"grok_cost_usd_ticks": ticks},
    )


def _first(said: Any, *names: str) -> int | None:
    return next((number for name in names if (number := count(said.get(name))) is not None), None)
