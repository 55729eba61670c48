"""Colours by how they look: OKLCH (lightness, chroma, hue) to sRGB."""

from __future__ import annotations

import math

Colour = tuple[int, int, int]


def oklch(lightness: float, chroma: float, hue: float) -> Colour:
    """The sRGB colour nearest to ``lightness`` 0–1, ``chroma`` 0–0.37 and ``hue`` in degrees.

    Source of the two matrices: Björn Ottosson, "A perceptual color space for image processing", 2020.
    """
    while chroma > 0.001:
        channels = _linear(lightness, chroma, hue)
        if all(-0.001 <= channel <= 1.001 for channel in channels):
            return _encode(channels)
        chroma *= 0.92
    return _encode(_linear(lightness, 0, hue))


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """``one`` with ``share`` (0–1) of ``other``."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _linear(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _encode(channels: tuple[float, float, float]) -> Colour:
    red, green, blue = (round(255 * _gamma(min(1.0, max(0.0, channel)))) for channel in channels)
    return red, green, blue


def _gamma(value: float) -> float:
    return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
