"""Scenes with a horizon. Every scene paints over a finished sky whose sun or moon stands at ``light_x``."""

from __future__ import annotations

import math
import random

from ima2_sketch.drawing.canvas import Canvas, Stencil, below, wave
from ima2_sketch.drawing.colour import mix
from ima2_sketch.drawing.palette import Palette


def mountains(canvas: Canvas, palette: Palette, rng: random.Random, light_x: float) -> None:
    """Ridges one behind another, mist between them, firs in front."""
    ranges = 4
    for layer in range(ranges):
        depth = layer / ranges
        outline = wave(rng, canvas.ratio, 0.5 + 0.115 * layer, 0.085 - 0.012 * layer, peaks=0.8 + 0.35 * layer, rough=6)
        ridge = canvas.stencil()
        ridge.polygon(below(outline))
        canvas.paint(ridge, palette.layer(depth), palette.layer(depth + 0.12))
        canvas.veil(0.5 + 0.1 * layer, 0.78 + 0.09 * layer, palette.low, 0.42 * (1 - depth))
    _firs(canvas, palette, rng, wave(rng, canvas.ratio, 0.93, 0.022, peaks=0.7, rough=3))


def sea(canvas: Canvas, palette: Palette, rng: random.Random, light_x: float) -> None:
    """Water under the light, an island, a sail."""
    horizon = 0.55 + 0.06 * rng.random()
    island = canvas.stencil()
    left = canvas.ratio * rng.random() * 0.5
    hump = [
        (left + canvas.ratio * 0.45 * t / 40, horizon - 0.07 * math.sin(math.pi * t / 40) ** 1.6) for t in range(41)
    ]
    island.polygon(hump)
    canvas.paint(island, palette.layer(0.25), palette.layer(0.05))
    water = canvas.stencil()
    water.box(-0.1, horizon, canvas.ratio + 0.1, 1.1)
    canvas.paint(water, mix(palette.far, palette.high, 0.45), palette.near)
    _glitter(canvas, palette, rng, light_x, horizon)
    for layer in range(3):
        swell = canvas.stencil()
        swell.polygon(
            below(wave(rng, canvas.ratio, 0.8 + 0.075 * layer, 0.008 + 0.005 * layer, peaks=2.4 - 0.5 * layer, rough=2))
        )
        canvas.paint(swell, palette.layer(0.55 + 0.15 * layer), palette.layer(0.75 + 0.12 * layer), opacity=0.75)
    _sail(canvas, palette, canvas.ratio * (0.3 + 0.4 * rng.random()), horizon + 0.12, 0.13 * min(1.0, canvas.ratio))


def city(canvas: Canvas, palette: Palette, rng: random.Random, light_x: float) -> None:
    """Towers in three rows; the windows of the front ones are lit."""
    for row in range(3):
        towers, windows = canvas.stencil(), canvas.stencil()
        x = -0.05
        while x < canvas.ratio:
            width = 0.05 + 0.055 * rng.random() + 0.012 * row
            top = 0.32 + 0.14 * row + 0.26 * rng.random() ** 1.5
            towers.box(x, top, x + width, 1.05)
            _roof(towers, rng, x, top, width)
            if row:
                _windows(windows, rng, x, top, width)
            x += width + 0.012 * rng.random()
        canvas.paint(towers, palette.layer(0.15 + 0.36 * row), palette.layer(0.05 + 0.42 * row))
        canvas.paint(windows, palette.light, palette.second, opacity=0.9 if palette.dark else 0.6)
        canvas.veil(0.6, 1.0, palette.low, 0.4 - 0.18 * row)


def forest(canvas: Canvas, palette: Palette, rng: random.Random, light_x: float) -> None:
    """Rows of firs and round trees that darken towards us."""
    for row in range(4):
        ground = wave(rng, canvas.ratio, 0.62 + 0.1 * row, 0.018, peaks=0.6, rough=3)
        trees = canvas.stencil()
        trees.polygon(below(ground))
        tall = 0.15 + 0.075 * row
        x = -0.05
        while x < canvas.ratio + 0.05:
            height = tall * (0.65 + 0.6 * rng.random())
            _fir(trees, x, 0.63 + 0.1 * row, height) if rng.random() < 0.75 else _round_tree(
                trees, x, 0.63 + 0.1 * row, height
            )
            x += tall * (0.3 + 0.4 * rng.random())
        canvas.paint(trees, palette.layer(row / 3.4), palette.layer(row / 3.4 + 0.15))
        canvas.veil(0.55, 0.7 + 0.1 * row, palette.low, 0.3 - 0.08 * row)


def meadow(canvas: Canvas, palette: Palette, rng: random.Random, light_x: float) -> None:
    """Hills, and flowers that grow towards us."""
    for layer in range(3):
        hill = canvas.stencil()
        hill.polygon(below(wave(rng, canvas.ratio, 0.55 + 0.1 * layer, 0.035, peaks=0.5, rough=2)))
        canvas.paint(hill, palette.layer(0.15 + 0.25 * layer), palette.layer(0.4 + 0.2 * layer))
    for row in range(4):
        stems, petals, hearts = canvas.stencil(), canvas.stencil(), canvas.stencil()
        size = 0.014 + 0.011 * row
        for _ in range(max(3, round((22 - 4 * row) * canvas.ratio))):
            x, y = rng.random() * canvas.ratio, 0.7 + 0.085 * row + 0.05 * rng.random()
            stems.line([(x, y), (x + size * (rng.random() - 0.5), y + size * 6)], size * 0.16)
            _petals(petals, x, y, size, rng.random() * 60)
            hearts.circle(x, y, size * 0.3)
        canvas.paint(stems, palette.near)
        canvas.paint(
            petals, palette.accent if row % 2 else palette.second, palette.second if row % 2 else palette.accent
        )
        canvas.paint(hearts, palette.light)


def dunes(canvas: Canvas, palette: Palette, rng: random.Random, light_x: float) -> None:
    """Smooth crests, each with a lit and a shadowed side."""
    for layer in range(4):
        depth = layer / 3.5
        crest = wave(rng, canvas.ratio, 0.58 + 0.1 * layer, 0.05, peaks=0.38 + 0.08 * layer, rough=2)
        lit, shade = canvas.stencil(), canvas.stencil()
        lit.polygon(below(crest))
        canvas.paint(lit, palette.layer(depth * 0.55), palette.layer(depth * 0.8 + 0.1))
        lean = [(x - 0.25 * (y - 0.4), y + 0.12) for x, y in reversed(crest)]
        shade.polygon([*crest, *lean])
        canvas.paint(shade, palette.layer(min(1.0, depth + 0.25)), palette.layer(depth * 0.8 + 0.1), opacity=0.35)


def _glitter(canvas: Canvas, palette: Palette, rng: random.Random, x: float, horizon: float) -> None:
    streaks = canvas.stencil()
    for _ in range(90):
        depth = rng.random() ** 1.3
        reach = 0.012 + 0.09 * depth
        middle = x + (rng.random() - 0.5) * (0.1 + 0.22 * depth)
        streaks.ellipse(
            middle, horizon + 0.004 + depth * (0.95 - horizon), reach * rng.random(), 0.0012 + 0.0032 * depth
        )
    canvas.paint(streaks, palette.light, mix(palette.light, palette.accent, 0.3), opacity=0.75)


def _sail(canvas: Canvas, palette: Palette, x: float, y: float, size: float) -> None:
    sails, hull = canvas.stencil(), canvas.stencil()
    sails.polygon([(x, y - size), (x, y - size * 0.1), (x + size * 0.46, y - size * 0.1)])
    sails.polygon(
        [(x - size * 0.05, y - size * 0.85), (x - size * 0.05, y - size * 0.1), (x - size * 0.33, y - size * 0.1)]
    )
    hull.polygon(
        [
            (x - size * 0.42, y - size * 0.05),
            (x + size * 0.5, y - size * 0.05),
            (x + size * 0.3, y + size * 0.1),
            (x - size * 0.28, y + size * 0.1),
        ]
    )
    canvas.paint(sails, palette.paper, palette.accent)
    canvas.paint(hull, palette.ink)


def _roof(towers: Stencil, rng: random.Random, x: float, top: float, width: float) -> None:
    kind = int(rng.random() * 5)
    if kind == 0:
        towers.polygon([(x, top + 0.002), (x + width / 2, top - width * 0.7), (x + width, top + 0.002)])
    elif kind == 1:
        towers.box(x + width * 0.46, top - 0.07, x + width * 0.54, top)
    elif kind == 2:
        towers.box(x + width * 0.2, top - 0.025, x + width * 0.8, top)


def _windows(windows: Stencil, rng: random.Random, x: float, top: float, width: float) -> None:
    columns, step = max(2, int(width / 0.02)), 0.026
    pane = width / (columns * 1.6 + 0.6)
    for floor in range(int((1.0 - top) / step)):
        for column in range(columns):
            if rng.random() < 0.42:
                left = x + pane * (0.6 + 1.6 * column)
                windows.box(
                    left,
                    top + 0.014 + floor * step,
                    left + pane,
                    top + 0.026 + floor * step,
                    120 + int(135 * rng.random()),
                )


def _firs(canvas: Canvas, palette: Palette, rng: random.Random, ground: list[tuple[float, float]]) -> None:
    trees = canvas.stencil()
    trees.polygon(below(ground))
    for x, y in ground:
        if rng.random() < 0.4:
            _fir(trees, x, y + 0.01, 0.035 + 0.075 * rng.random() ** 2)
    canvas.paint(trees, palette.near, mix(palette.near, palette.ink, 0.6))


def _fir(trees: Stencil, x: float, y: float, height: float) -> None:
    trees.box(x - height * 0.025, y - height * 0.2, x + height * 0.025, y + 0.01)
    for tier in range(4):
        top, half = y - height * (1 - 0.2 * tier), height * (0.09 + 0.055 * tier)
        trees.polygon([(x, top), (x - half, top + height * 0.3), (x + half, top + height * 0.3)])


def _round_tree(trees: Stencil, x: float, y: float, height: float) -> None:
    trees.box(x - height * 0.03, y - height * 0.6, x + height * 0.03, y + 0.01)
    for dx, dy, radius in ((0, 0.72, 0.25), (-0.17, 0.58, 0.18), (0.17, 0.56, 0.19)):
        trees.circle(x + dx * height, y - dy * height, radius * height)


def _petals(petals: Stencil, x: float, y: float, size: float, turn: float) -> None:
    for petal in range(5):
        angle = math.radians(turn + 72 * petal)
        petals.circle(x + size * 0.62 * math.cos(angle), y + size * 0.62 * math.sin(angle), size * 0.46)
