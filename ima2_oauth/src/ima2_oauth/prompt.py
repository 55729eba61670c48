"""The wish for a shape in words: upstream follows them more faithfully than its ``size`` field."""

from __future__ import annotations

import re
from math import gcd, log

_SIZE = re.compile(r"([1-9][0-9]{0,5})x([1-9][0-9]{0,5})")
_COMMON = ((1, 1), (3, 2), (4, 3), (5, 4), (16, 9), (2, 1), (21, 9), (3, 1))
_NEAR = 0.02
"""Of the logarithm of the ratio: 1360x1024 counts as 4:3."""


def pixels(size: str | None) -> tuple[int, int] | None:
    """``"1536x1024"`` → ``(1536, 1024)``; None for ``auto`` and anything else."""
    found = _SIZE.fullmatch(size or "")
    return (int(found[1]), int(found[2])) if found else None


def aspect(width: int, height: int) -> str:
    """``3:2 landscape``, ``1:1 square``, ``9:16 portrait``."""
    long, short = max(width, height), min(width, height)
    near = min(_COMMON, key=lambda pair: abs(log(pair[0] / pair[1]) - log(long / short)))
    if abs(log(near[0] / near[1]) - log(long / short)) > _NEAR:
        near = (long // gcd(long, short), short // gcd(long, short))
    if near[0] == near[1]:
        return "1:1 square"
    if width > height:
        return f"{near[0]}:{near[1]} landscape"
    return f"{near[1]}:{near[0]} portrait"


def with_aspect(prompt: str, size: str | None) -> str:
    """The prompt with the shape behind it; unchanged when no size was asked for."""
    found = pixels(size)
    return f"{prompt}\n\nAspect ratio: {aspect(*found)}." if found else prompt
