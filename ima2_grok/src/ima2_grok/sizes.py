"""OpenAI-style sizes as xAI's ``aspect_ratio`` and ``resolution``."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from math import log
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ima2.models import Request

AUTO = "auto"
ASPECTS = (
    "1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "2:1", "1:2", "19.5:9", "9:19.5", "20:9", "9:20",
)  # fmt: skip
"""In the order in which an equally near one wins."""

_LARGE_EDGE = 2048
_LARGE_AREA = 2_000_000
_SIZE = re.compile(r"\s*([0-9]{1,6})\s*x\s*([0-9]{1,6})\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Shape:
    """``resolution`` is ``1k`` or ``2k``; None is not sent, and xAI chooses."""

    aspect: str = AUTO
    resolution: str | None = None

    def __str__(self) -> str:
        return " ".join(filter(None, (self.aspect, self.resolution)))


_TABLE = {
    "1024x1024": Shape("1:1", "1k"),
    "1536x1024": Shape("3:2", "1k"),
    "1024x1536": Shape("2:3", "1k"),
    "1360x1024": Shape("4:3", "1k"),
    "1024x1360": Shape("3:4", "1k"),
    "1824x1024": Shape("16:9", "1k"),
    "1024x1824": Shape("9:16", "1k"),
    "2048x2048": Shape("1:1", "2k"),
    "2048x1152": Shape("16:9", "2k"),
    "1152x2048": Shape("9:16", "2k"),
    "3840x2160": Shape("16:9", "2k"),
    "2160x3840": Shape("9:16", "2k"),
}
SIZES = tuple(_TABLE)
_TOO_FINE = frozenset({"3840x2160", "2160x3840"})


def shape_of(size: str | None) -> Shape:
    """The shape that a size stands for: ``WIDTHxHEIGHT``, ``grok:<aspect>:<resolution>``; anything else is auto."""
    text = size or AUTO
    if text in _TABLE:
        return _TABLE[text]
    if text.startswith("grok:"):
        return _written_out(text)
    match = _SIZE.fullmatch(text)
    return _nearest(int(match[1]), int(match[2])) if match else Shape()


def wanted(request: Request) -> Shape:
    """The shape of a request; an aspect ratio or a resolution of its own wins over the size."""
    shape = shape_of(request.size)
    return replace(
        shape, aspect=request.aspect_ratio or shape.aspect, resolution=request.resolution or shape.resolution
    )


def exact(size: str | None) -> bool:
    """Whether a size is met as it was asked for, so that nothing need be said."""
    return not size or size == AUTO or size.startswith("grok:") or (size in _TABLE and size not in _TOO_FINE)


def aspect_of(width: int, height: int) -> str:
    """The nearest aspect ratio, by the logarithm of the quotient; the first of equally near ones."""

    def distance(aspect: str) -> float:
        across, down = map(float, aspect.split(":"))
        return abs(log((width / height) / (across / down)))

    return min(ASPECTS, key=distance)


def _nearest(width: int, height: int) -> Shape:
    if not width or not height:
        return Shape()
    large = max(width, height) >= _LARGE_EDGE or width * height >= _LARGE_AREA
    return Shape(aspect_of(width, height), "2k" if large else "1k")


def _written_out(text: str) -> Shape:
    """The aspect has a colon of its own: it is all between the first and the last."""
    _, *middle, last = text.split(":")
    if not middle:
        return Shape()
    aspect = ":".join(middle)
    return Shape(aspect if aspect in ASPECTS else AUTO, "2k" if last == "2k" else "1k")
