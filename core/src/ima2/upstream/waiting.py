"""How long a service asks to wait."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, None when nothing usable is said.

    Read from ``retry-after-ms``, then ``retry-after``: seconds, a duration (``6m0s``, ``120ms``) or an HTTP date,
    which is counted from the reply's own ``date`` so that a wrong clock here does no harm. ``headers`` are found
    without regard to case.
    """
    named = {name.lower(): value.strip() for name, value in headers.items()}
    milliseconds = duration(named.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    asked = named.get("retry-after", "")
    seconds = duration(asked)
    return seconds if seconds is not None else _until(asked, named.get("date", ""))


def duration(text: str) -> float | None:
    """Seconds of ``12``, ``1.5``, ``6m0s``, ``120ms`` or ``1d2h``; None for anything else."""
    if _DURATION.fullmatch(text):
        return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _until(date: str, now: str) -> float | None:
    then = _epoch(date)
    if then is None:
        return None
    return max(0.0, then - (_epoch(now) or time.time()))


def _epoch(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None
