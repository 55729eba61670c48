"""What stands behind every scene: the light of the day and the weather."""

from __future__ import annotations

import random
from collections.abc import Collection

from ima2_sketch.drawing.canvas import Canvas
from ima2_sketch.drawing.colour import mix
from ima2_sketch.drawing.palette import Palette

BARE = frozenset({"planet", "person", "rain"})
"""Meanings that want no sun and no moon."""


def sky(canvas: Canvas, palette: Palette, rng: random.Random, found: Collection[str]) -> float:
    """Paint the sky; returns the ``x`` of sun or moon, so that water can mirror it."""
    canvas.wash(palette.high, palette.low)
    x, y = canvas.ratio * (0.24 + 0.52 * rng.random()), 0.2 + 0.18 * rng.random()
    if palette.dark and "rain" not in found:
        _stars(canvas, palette, rng)
    if not BARE.intersection(found):
        _disc(canvas, palette, x, y, crescent=palette.dark and rng.random() < 0.5)
    if not palette.dark and "dusk" not in found and "person" not in found:
        _clouds(canvas, palette, rng)
    return x


def weather(canvas: Canvas, palette: Palette, rng: random.Random, found: Collection[str]) -> None:
    """What falls in front of the scene."""
    if "snow" in found:
        flakes = canvas.stencil()
        for _ in range(round(150 * canvas.ratio) + 20):
            flakes.circle(rng.random() * canvas.ratio, rng.random(), 0.0018 + 0.0045 * rng.random() ** 3)
        canvas.paint(flakes, (255, 255, 255), opacity=0.85)
    if "rain" in found:
        drops = canvas.stencil()
        for _ in range(round(200 * canvas.ratio) + 20):
            x, y, length = rng.random() * canvas.ratio * 1.1, rng.random(), 0.02 + 0.05 * rng.random()
            drops.line([(x, y), (x - length * 0.28, y + length)], 0.0016)
        canvas.paint(drops, mix(palette.light, palette.low, 0.4), opacity=0.5)


def _disc(canvas: Canvas, palette: Palette, x: float, y: float, *, crescent: bool) -> None:
    radius = 0.075 * min(1.0, max(0.4, canvas.ratio))
    canvas.glow(x, y, radius * 5.5, palette.light, 0.55)
    disc = canvas.stencil()
    disc.circle(x, y, radius)
    if crescent:
        disc.circle(x + radius * 0.45, y - radius * 0.18, radius * 0.88, level=0)
    canvas.paint(disc, palette.light, mix(palette.light, palette.accent, 0 if palette.dark else 0.25))


def _stars(canvas: Canvas, palette: Palette, rng: random.Random) -> None:
    stars = canvas.stencil()
    for _ in range(round(110 * canvas.ratio) + 10):
        size = 0.001 + 0.0026 * rng.random() ** 4
        stars.circle(rng.random() * canvas.ratio, rng.random() ** 1.4 * 0.75, size, level=90 + int(165 * rng.random()))
    canvas.paint(stars, palette.light)


def _clouds(canvas: Canvas, palette: Palette, rng: random.Random) -> None:
    for _ in range(2 + int(2 * rng.random())):
        cloud = canvas.stencil()
        x, y, width = rng.random() * canvas.ratio, 0.08 + 0.28 * rng.random(), 0.09 + 0.1 * rng.random()
        for puff in range(7):
            place = puff / 3 - 1
            rise = (1 - place * place) * 0.3 * width * (0.5 + rng.random())
            cloud.ellipse(x + place * width, y - rise * 0.6, width * 0.34, 0.006 + rise)
        cloud.box(x - width * 1.4, y, x + width * 1.4, y + width, level=0)
        canvas.paint(cloud, (255, 255, 255), mix(palette.low, (255, 255, 255), 0.4), opacity=0.7)
