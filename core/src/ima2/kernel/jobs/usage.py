"""Adding up what upstream answers cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ima2.models import Usage

_NUMBERS = ("input_tokens", "output_tokens", "total_tokens", "image_tokens", "web_search_calls", "cost_usd")


def total(parts: Iterable[Usage | None]) -> Usage | None:
    """Sum of what is known; a number that nobody gave stays unknown. A cost is known only if every part has one.

    Of ``raw``, numbers add up too; of all else the last word counts.
    """
    known = [part for part in parts if part is not None]
    if not known:
        return None
    sums = {
        name: sum(values) if (values := [v for part in known if (v := getattr(part, name)) is not None]) else None
        for name in _NUMBERS
    }
    if any(part.cost_usd is None for part in known):
        sums["cost_usd"] = None
    return Usage.model_validate({**sums, "raw": _raw(known)})


def numbers(raw: Mapping[str, Any]) -> dict[str, int | float]:
    """The numbers of a provider's own count, under its own names."""
    return {
        name: value for name, value in raw.items() if isinstance(value, int | float) and not isinstance(value, bool)
    }


def _raw(parts: Sequence[Usage]) -> dict[str, Any]:
    sums: dict[str, Any] = {}
    for part in parts:
        for name, value in numbers(part.raw).items():
            sums[name] = sums.get(name, 0) + value
    return {**parts[-1].raw, **sums}
