"""Picture sizes against a tool model's rule, with the nearest size that keeps it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import ceil, floor, log, sqrt

from ima2.hookspecs import SizeRule

_SIZE = re.compile(r"([1-9][0-9]{0,5})x([1-9][0-9]{0,5})")
Size = tuple[int, int]


def size_problem(text: str, rule: SizeRule) -> str | None:
    """Why ``text`` breaks the rule, and the nearest size that does not; None when it is fine."""
    if text == "auto" or text in rule.fixed:
        return None
    match = _SIZE.fullmatch(text)
    if not match:
        return f"{text!r} is no size; write WIDTHxHEIGHT or auto."
    size = (int(match[1]), int(match[2]))
    if rule.multiple_of is None:
        return f"{text} is not offered; nearest is {_closest_of(size, rule.fixed)} of {', '.join(rule.fixed)}."
    why = broken(size, rule)
    return f"{text} {why}; the nearest valid size is {'x'.join(map(str, nearest(size, rule)))}." if why else None


def broken(size: Size, rule: SizeRule) -> str | None:
    """The first limit a size breaks: step, shape, pixels, edge."""
    long, short, pixels = max(size), min(size), size[0] * size[1]
    step, ratio = rule.multiple_of or 1, rule.max_ratio or float("inf")
    if long % step or short % step:
        return f"is not a multiple of {step} on both edges"
    if long > short * ratio:
        return f"is longer than {ratio:g}:1"
    if pixels < (rule.min_pixels or 1):
        return f"has fewer than {rule.min_pixels:,} pixels"
    if rule.max_pixels and pixels > rule.max_pixels:
        return f"has more than {rule.max_pixels:,} pixels"
    if rule.max_edge and long > rule.max_edge:
        return f"has an edge over {rule.max_edge} pixels"
    return None


def nearest(size: Size, rule: SizeRule) -> Size:
    """A valid size of the same shape and area, as nearly as the rule allows."""
    ratio = rule.max_ratio or float("inf")
    shape = min(max(size[0] / size[1], 1 / ratio), ratio)
    area = min(max(size[0] * size[1], rule.min_pixels or 1), rule.max_pixels or size[0] * size[1])
    width, height = sqrt(area * shape), sqrt(area / shape)
    shrink = min(1.0, (rule.max_edge or max(width, height)) / max(width, height))
    wanted = (width * shrink, height * shrink)
    valid = (pair for pair in _around(wanted, rule.multiple_of or 1) if not broken(pair, rule))
    return min(valid, key=lambda pair: (_apart(pair, wanted), -pair[0] * pair[1]))


def _apart(pair: Size, wanted: tuple[float, float]) -> float:
    """Pixels between the edges; rounded, so that of two equally near sizes the larger wins."""
    return round(abs(pair[0] - wanted[0]) + abs(pair[1] - wanted[1]), 6)


def _around(wanted: tuple[float, float], step: int) -> Iterator[Size]:
    """Grid points next to the wanted size; two steps out, since the corner of two limits may lie off the grid."""
    widths, heights = (
        [n * step for n in range(max(1, floor(edge / step) - 2), ceil(edge / step) + 3)] for edge in wanted
    )
    return ((width, height) for width in widths for height in heights)


def _closest_of(size: Size, offered: tuple[str, ...]) -> str:
    def distance(text: str) -> float:
        width, height = map(int, text.split("x"))
        return abs(log(width / height) - log(size[0] / size[1]))

    return min(offered, key=distance)
