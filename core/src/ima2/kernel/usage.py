"""Adding up what upstream answers cost."""

from __future__ import annotations

from collections.abc import Iterable

from ima2.models import Usage

_NUMBERS = ("input_tokens", "output_tokens", "total_tokens", "image_tokens", "web_search_calls", "cost_usd")


def total(parts: Iterable[Usage | None]) -> Usage | None:
    """Sum of what is known; a number that nobody gave stays unknown. A cost is known only if every part has one."""
    known = [part for part in parts if part is not None]
    if not known:
        return None
    sums = {
        name: sum(values) if (values := [v for part in known if (v := getattr(part, name)) is not None]) else None
        for name in _NUMBERS
    }
    if any(part.cost_usd is None for part in known):
        sums["cost_usd"] = None
    return Usage.model_validate({**sums, "raw": known[-1].raw})
