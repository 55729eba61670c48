"""Picture sizes: ``WIDTHxHEIGHT`` in pixels against a model's rule."""

from __future__ import annotations

import re
from math import ceil, floor, sqrt

from ima2.hookspecs import SizeRule

_SIZE = re.compile(r"([1-9][0-9]{0,5})x([1-9][0-9]{0,5})")


def parse_size(text: str) -> tuple[int, int] | None:
    """``"1536x1024"`` → ``(1536, 1024)``; None for anything else."""
    match = _SIZE.fullmatch(text)
    return (int(match[1]), int(match[2])) if match else None


def size_problem(text: str, rule: SizeRule) -> str | None:
    """Why ``text`` breaks the rule, with the nearest size that keeps it; None when it is fine."""
    if rule.mapped or (text == "auto" and rule.auto) or text in rule.fixed:
        return None
    size = parse_size(text)
    if size is None:
        return f"{text!r} is no size; write WIDTHxHEIGHT" + (" or auto." if rule.auto else ".")
    if rule.multiple_of is None:
        return f"{text} is not offered; the sizes are {', '.join(rule.fixed)}."
    broken = _broken(size, rule)
    if not broken:
        return None
    near = nearest(size, rule)
    return f"{text} {broken}" + (f"; the nearest valid size is {near[0]}x{near[1]}." if near else ".")


def _broken(size: tuple[int, int], rule: SizeRule) -> str | None:
    width, height = size
    step = rule.multiple_of or 1
    long, short, pixels = max(size), min(size), width * height
    limits = (
        (width % step or height % step, f"is not a multiple of {step} on both edges"),
        (short < rule.min_edge, f"has an edge under {rule.min_edge} pixels"),
        (rule.max_edge and long > rule.max_edge, f"has an edge over {rule.max_edge} pixels"),
        (rule.max_ratio and long > short * rule.max_ratio, f"is longer than {rule.max_ratio or 0:g}:1"),
        (rule.min_pixels and pixels < rule.min_pixels, f"has fewer than {rule.min_pixels or 0:,} pixels"),
        (rule.max_pixels and pixels > rule.max_pixels, f"has more than {rule.max_pixels or 0:,} pixels"),
    )
    return next((text for bad, text in limits if bad), None)


def nearest(size: tuple[int, int], rule: SizeRule) -> tuple[int, int] | None:
    """A valid size of about the same shape and area; None when the rule leaves none."""
    step = rule.multiple_of or 1
    ratio = size[0] / size[1]
    if rule.max_ratio:
        ratio = min(max(ratio, 1 / rule.max_ratio), rule.max_ratio)
    area = min(max(size[0] * size[1], rule.min_pixels or 1), rule.max_pixels or 10**12)
    edge = rule.max_edge or 10**6
    width = min(sqrt(area * ratio), edge, edge * ratio)
    exact = (max(width, rule.min_edge), max(width / ratio, rule.min_edge))
    around = [
        (round_w(exact[0] / step) * step, round_h(exact[1] / step) * step)
        for round_w in (round, floor, ceil)
        for round_h in (round, floor, ceil)
    ]
    valid = [pair for pair in around if min(pair) > 0 and not _broken(pair, rule)]
    return min(valid, key=lambda pair: abs(pair[0] - exact[0]) + abs(pair[1] - exact[1]), default=None)
