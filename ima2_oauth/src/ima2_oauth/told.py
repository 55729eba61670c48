"""Reading what others have written: a field of a wrong type counts as missing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

LONGEST = 300
"""Characters of the service's words that are shown."""


def object_of(value: Any) -> Mapping[str, Any]:
    """The object, ``{}`` for anything else."""
    return value if isinstance(value, dict) else {}


def json_object(body: bytes) -> Mapping[str, Any]:
    """The JSON object in a body, ``{}`` for anything else."""
    try:
        return object_of(json.loads(body))
    except (ValueError, RecursionError):
        return {}


def text_of(value: Any) -> str | None:
    """A text that is not empty."""
    return value if isinstance(value, str) and value else None


def number_of(value: Any) -> float | None:
    """A number from 0 to 10¹¹, also written as text: seconds, minutes, percent."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number < 1e11 else None


def printable(text: str) -> str:
    """Without control characters, and not too long."""
    return "".join(each for each in text if each.isprintable()).strip()[:LONGEST].rstrip(".")
