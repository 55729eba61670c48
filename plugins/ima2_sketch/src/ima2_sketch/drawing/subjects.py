"""Scenes with one thing in the middle, and those with nothing but shapes."""

from __future__ import annotations

import math
import random

from ima2_sketch.drawing.canvas import Canvas, Point, Stencil, below, wave
from ima2_sketch.drawing.colour import mix
from ima2_sketch.drawing.palette import Palette

EARS = {"cat": (0.62, 0.5, 0.22), "fox": (0.66, 0.72, 0.24), "bear": (0.72, 0.0, 0.3), "rabbit": (0.36, 1.25, 0.17)}
"""Animal → distance of the ears from the middle, their height (0: round), half their width; in heads."""


TAILS = {"cat": 0.34, "fox": 0.7}
"""Width of the tail, in heads."""


def animal(canvas: Canvas, palette: Palette, rng: random.Random, kind: str) -> None:
    """One animal, sitting on a hill with its back to the light."""
    hill = canvas.stencil()
    hill.polygon(below(wave(rng, canvas.ratio, 0.84, 0.018, peaks=0.4, rough=2)))
    canvas.paint(hill, palette.layer(0.35), palette.layer(0.6))
    x, scale = canvas.ratio * (0.44 + 0.12 * rng.random()), min(1.0, canvas.ratio)
    head, y = 0.115 * scale, 0.86 - 0.39 * scale
    canvas.glow(x, y + head, 0.5 * scale, palette.light, 0.45)
    body = canvas.stencil()
    _body(body, x, y, head, tail=TAILS.get(kind, 0))
    _ears(body, x, y, head, EARS[kind])
    coat = mix(palette.coat, palette.high, 0.3 if palette.dark else 0.08)
    canvas.paint(body, coat, mix(coat, palette.ink, 0.45))
    _face(canvas, palette, x, y, head)


def person(canvas: Canvas, palette: Palette, rng: random.Random, light_x: float) -> None:
    """Head and shoulders before a halo, no face: whoever it may be."""
    scale = min(1.0, canvas.ratio)
    x, y, head = canvas.ratio / 2, 1 - 0.58 * scale, 0.13 * scale
    halo, hair, coat, skin = (canvas.stencil() for _ in range(4))
    halo.circle(x, y, head * 2.3)
    canvas.paint(halo, palette.second, palette.accent, opacity=0.9)
    hair.ellipse(x, y - head * 0.08, head * 1.17, head * 1.3)
    if rng.random() < 0.6:
        hair.box(x - head * 1.17, y, x + head * 1.17, y + head * (1.3 + rng.random()))
    canvas.paint(hair, mix(palette.ink, palette.near, 0.3), palette.ink)
    skin.ellipse(x, y + head * 0.1, head * 0.84, head * 1.05)
    skin.box(x - head * 0.36, y + head, x + head * 0.36, y + head * 1.7)
    tint = mix((236, 196, 166), (122, 78, 56), rng.random())
    canvas.paint(skin, mix(tint, palette.light, 0.25), mix(tint, palette.near, 0.3))
    fringe = canvas.stencil()
    fringe.ellipse(x - head * 0.3, y - head * 0.75, head * 0.75, head * 0.5)
    fringe.ellipse(x + head * 0.4, y - head * 0.72, head * 0.6, head * 0.42)
    canvas.paint(fringe, palette.ink)
    coat.ellipse(x, y + head * 3.6, head * 2.3, head * 2.15)
    coat.box(x - head * 2.3, y + head * 3.6, x + head * 2.3, 1.1)
    coat.polygon([(x - head * 0.45, y + head * 1.3), (x + head * 0.45, y + head * 1.3), (x, y + head * 2.2)], level=0)
    canvas.paint(coat, palette.layer(0.55), palette.near)


def planet(canvas: Canvas, palette: Palette, rng: random.Random, light_x: float) -> None:
    """A banded world with a ring, and its moons."""
    scale = min(1.0, canvas.ratio)
    x, y, radius = canvas.ratio * (0.42 + 0.16 * rng.random()), 0.56, 0.23 * scale
    tilt = -0.5 + 0.35 * rng.random()
    canvas.glow(x, y, radius * 2.4, palette.accent, 0.5)
    _ring(canvas, palette, (x, y), radius, turn=(tilt, math.pi))
    world = canvas.stencil()
    world.circle(x, y, radius)
    canvas.paint(world, palette.second, palette.accent)
    for _ in range(4):
        band = canvas.stencil()
        at, thick = (rng.random() * 1.5 - 0.75) * radius, radius * (0.03 + 0.09 * rng.random())
        reach = math.sqrt(radius**2 - at**2) * 0.985
        band.ellipse(x, y + at, reach, thick)
        canvas.paint(band, palette.light, palette.accent, opacity=0.3)
    _ring(canvas, palette, (x, y), radius, turn=(tilt, 0))
    for _ in range(2):
        moon, angle = canvas.stencil(), rng.random() * math.tau
        moon.circle(x + math.cos(angle) * radius * 1.7, y + math.sin(angle) * radius * 1.4, radius * 0.1)
        canvas.paint(moon, palette.light, palette.far)


def orbs(canvas: Canvas, palette: Palette, rng: random.Random, light_x: float) -> None:
    """Discs, rings and half discs laid through one another."""
    colours = (palette.accent, palette.second, palette.near, palette.far, palette.light)
    for number in range(9 + int(4 * rng.random())):
        shape = canvas.stencil()
        x, y, radius = rng.random() * canvas.ratio, 0.15 + 0.75 * rng.random(), 0.05 + 0.2 * rng.random() ** 1.6
        if number % 3 == 2:
            shape.arc(x, y, radius, rng.random() * 360, 300 + rng.random() * 300, width=radius * 0.12)
        else:
            shape.circle(x, y, radius)
            if number % 3 == 1:
                shape.box(x - radius, y, x + radius, y + radius * 1.1, level=0)
        one, other = (colours[int(rng.random() * len(colours))] for _ in range(2))
        canvas.paint(shape, one, other, opacity=0.55 + 0.4 * rng.random())


def ribbons(canvas: Canvas, palette: Palette, rng: random.Random, light_x: float) -> None:
    """Bands that flow across, light to dark."""
    count = 7
    turn = 0.5 + rng.random()
    for number in range(count):
        depth = number / count
        band = canvas.stencil()
        band.polygon(
            below(wave(rng, canvas.ratio, 0.38 + 0.62 * depth, 0.06, peaks=turn * (0.5 + 0.12 * number), rough=2))
        )
        tint = mix(palette.layer(depth), palette.accent if number % 2 else palette.second, 0.38)
        canvas.paint(band, tint, palette.layer(depth), opacity=0.9)


def _body(body: Stencil, x: float, y: float, head: float, *, tail: float) -> None:
    body.ellipse(x, y, head * 1.08, head * 0.94)
    body.ellipse(x, y + head * 2.2, head * 1.2, head * 1.75)
    body.ellipse(x, y + head * 3.1, head * 1.55, head * 0.85)
    if tail:
        curve: list[Point] = [
            (x + head * (1.2 + 1.05 * math.sin(t / 7)), y + head * (3.5 - 0.17 * t - 0.5 * math.sin(t / 5)))
            for t in range(15)
        ]
        body.line(curve, head * tail)
        body.circle(*curve[-1], head * tail / 2)


def _ears(body: Stencil, x: float, y: float, head: float, ears: tuple[float, float, float]) -> None:
    apart, tall, half = (head * part for part in ears)
    for side in (-1, 1):
        middle = x + side * apart
        if tall > head:
            body.ellipse(middle, y - head * 0.7 - tall * 0.5, half, tall * 0.75)
        elif tall:
            foot = y - head * 0.45
            body.polygon(
                [(middle - half * 1.5, foot), (middle + side * half * 0.7, foot - tall), (middle + half * 1.5, foot)]
            )
        else:
            body.circle(middle, y - head * 0.68, half)


def _face(canvas: Canvas, palette: Palette, x: float, y: float, head: float) -> None:
    eyes, pupils, nose = (canvas.stencil() for _ in range(3))
    for side in (-1, 1):
        eyes.ellipse(x + side * head * 0.42, y + head * 0.02, head * 0.17, head * 0.19)
        pupils.ellipse(x + side * head * 0.42, y + head * 0.02, head * 0.07, head * 0.15)
        for whisker in (-0.12, 0.06):
            nose.line(
                [(x + side * head * 0.3, y + head * 0.42), (x + side * head * 1.3, y + head * (0.42 + whisker))],
                head * 0.02,
            )
    nose.polygon([(x - head * 0.1, y + head * 0.3), (x + head * 0.1, y + head * 0.3), (x, y + head * 0.42)])
    canvas.paint(eyes, palette.light, palette.second)
    canvas.paint(pupils, palette.ink)
    canvas.paint(nose, palette.paper, opacity=0.8)


def _ring(canvas: Canvas, palette: Palette, middle: Point, radius: float, *, turn: tuple[float, float]) -> None:
    """Half a ring: ``turn`` is its tilt and where it starts, in radians."""
    tilt, start = turn
    for reach, width, opacity in ((1.55, 0.1, 0.85), (1.82, 0.05, 0.6)):
        ring = canvas.stencil()
        points = []
        for step in range(61):
            angle = start + math.pi * step / 60
            along, across = radius * reach * math.cos(angle), radius * reach * 0.26 * math.sin(angle)
            points.append(
                (
                    middle[0] + along * math.cos(tilt) - across * math.sin(tilt),
                    middle[1] + along * math.sin(tilt) + across * math.cos(tilt),
                )
            )
        ring.line(points, radius * width)
        canvas.paint(ring, palette.light, palette.second, opacity=opacity)
