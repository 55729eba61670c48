"""Soft shapes on paper: a picture built of layers, with coordinates that don't depend on its pixels."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from PIL import Image, ImageChops, ImageDraw, ImageOps

from ima2_sketch.drawing.colour import Colour

Point = tuple[float, float]
FINE = 3
"""Shapes are cut out at this many times the size and reduced: smooth edges."""
CORNER = math.sqrt(2)
"""Pillow's radial gradient reaches 255 in the corners; light should end at the edges."""


class Stencil:
    """A shape to paint through. The height of the picture is 1, ``x`` runs to its ratio; angles in degrees."""

    def __init__(self, size: tuple[int, int], fine: int) -> None:
        self._fine = fine
        self._unit = size[1] * fine
        self._mask = Image.new("L", (size[0] * fine, size[1] * fine), 0)
        self._pen = ImageDraw.Draw(self._mask)

    def circle(self, x: float, y: float, radius: float, level: int = 255) -> None:
        """A disc; ``level`` 0 cuts it out again."""
        self.ellipse(x, y, radius, radius, level)

    def ellipse(self, x: float, y: float, half_width: float, half_height: float, level: int = 255) -> None:
        """An upright ellipse around its middle."""
        self._pen.ellipse(self._scaled([(x - half_width, y - half_height), (x + half_width, y + half_height)]), level)

    def polygon(self, points: Sequence[Point], level: int = 255) -> None:
        """A filled outline."""
        self._pen.polygon(self._scaled(points), level)

    def box(self, left: float, top: float, right: float, bottom: float, level: int = 255) -> None:
        """An upright rectangle."""
        if right > left and bottom > top:
            self._pen.rectangle(self._scaled([(left, top), (right, bottom)]), level)

    def line(self, points: Sequence[Point], width: float, level: int = 255) -> None:
        """A stroke of at least one fine pixel."""
        self._pen.line(self._scaled(points), level, max(1, round(width * self._unit)), joint="curve")

    def arc(self, x: float, y: float, radius: float, start: float, end: float, *, width: float) -> None:
        """A part of a ring, clockwise from three o'clock."""
        box = self._scaled([(x - radius, y - radius), (x + radius, y + radius)])
        self._pen.arc(box, start, end, 255, max(1, round(width * self._unit)))

    def reduced(self) -> Image.Image:
        """The shape at the size of the picture."""
        return self._mask.reduce(self._fine) if self._fine > 1 else self._mask

    def _scaled(self, points: Sequence[Point]) -> list[Point]:
        return [(x * self._unit, y * self._unit) for x, y in points]


class Canvas:
    """A picture under way."""

    def __init__(self, width: int, height: int) -> None:
        self.image = Image.new("RGB", (width, height))
        self.ratio = width / height
        self._fine = FINE if width * height <= 1_200_000 else 2

    def stencil(self) -> Stencil:
        """An empty shape."""
        return Stencil(self.image.size, self._fine)

    def wash(self, top: Colour, bottom: Colour) -> None:
        """Cover everything with a vertical gradient."""
        self.image.paste(_gradient(top, bottom, self.image.size))

    def paint(self, shape: Stencil, top: Colour, bottom: Colour | None = None, opacity: float = 1.0) -> None:
        """Paint through a stencil, with a gradient over the shape's own height."""
        mask = shape.reduced()
        if box := mask.getbbox():
            part = mask.crop(box)
            if opacity < 1:
                part = part.point([round(level * opacity) for level in range(256)])
            self.image.paste(_gradient(top, bottom or top, part.size), box[:2], part)

    def glow(self, x: float, y: float, radius: float, colour: Colour, opacity: float) -> None:
        """Light that fades out with distance."""
        unit = self.image.height
        edge = max(2, round(2 * radius * unit))
        fade = [round(opacity * 255 * max(0.0, 1 - level * CORNER / 255) ** 2) for level in range(256)]
        mask = Image.radial_gradient("L").point(fade).resize((edge, edge), Image.Resampling.BILINEAR)
        self.image.paste(colour, (round(x * unit) - edge // 2, round(y * unit) - edge // 2), mask)

    def veil(self, top: float, bottom: float, colour: Colour, opacity: float) -> None:
        """Mist: nothing at ``top``, ``opacity`` at ``bottom``."""
        unit = self.image.height
        height = max(1, round((bottom - top) * unit))
        ramp = Image.linear_gradient("L").resize((1, 256)).point([round(level * opacity) for level in range(256)])
        mask = ramp.resize((self.image.width, height), Image.Resampling.BILINEAR)
        self.image.paste(colour, (0, round(top * unit)), mask)


def grained(image: Image.Image, rng: random.Random, strength: float = 0.05) -> Image.Image:
    """The picture on rough paper: the same noise on every channel, repeated each 512 pixels."""
    edge = 512
    noise = Image.frombytes("L", (edge, edge), rng.randbytes(edge * edge))
    noise = noise.point([round(128 + (level - 128) * strength) for level in range(256)])
    sheet = Image.new("L", image.size)
    for left in range(0, image.width, edge):
        for top in range(0, image.height, edge):
            sheet.paste(noise, (left, top))
    return ImageChops.add(image, Image.merge("RGB", (sheet, sheet, sheet)), 1, -128)


def wave(rng: random.Random, ratio: float, base: float, height: float, *, peaks: float, rough: int) -> list[Point]:
    """An outline from left to right: ``rough`` octaves of sines with ``peaks`` in a square, about ``base``."""
    phases = [rng.random() * math.tau for _ in range(rough)]
    steps = max(8, min(400, round(160 * ratio)))

    def lift(x: float) -> float:
        return sum(math.sin(x * peaks * math.tau * 1.9**k + phase) * 0.52**k for k, phase in enumerate(phases))

    return [(x, base - height * lift(x)) for x in (ratio * step / steps for step in range(-2, steps + 3))]


def below(outline: Sequence[Point], floor: float = 1.02) -> list[Point]:
    """Everything under an outline."""
    return [*outline, (outline[-1][0], floor), (outline[0][0], floor)]


def _gradient(top: Colour, bottom: Colour, size: tuple[int, int]) -> Image.Image:
    ramp = Image.linear_gradient("L").resize((1, 256))
    return ImageOps.colorize(ramp, top, bottom).resize(size, Image.Resampling.BILINEAR)
