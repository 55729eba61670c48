"""A camera that moves over a still."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from PIL import Image


@dataclass(frozen=True, slots=True)
class Place:
    """Where the camera looks: the middle of its view in parts of the picture, and how much of it is seen."""

    x: float
    y: float
    part: float


@dataclass(frozen=True, slots=True)
class Move:
    """From one place to another, slow at both ends."""

    start: Place
    end: Place

    @classmethod
    def of(cls, seed: int, prompt: str) -> Move:
        """Over a scene, in a direction that follows from seed and prompt."""
        rng = random.Random(f"camera\n{seed}\n{prompt}")  # noqa: S311 - nothing here is secret
        angle, reach = rng.random() * math.tau, 0.08
        closer = rng.choice((0.72, 0.8, 0.94))
        x, y = math.cos(angle) * reach, math.sin(angle) * reach
        there = Place(0.5 + x, 0.5 + y, 0.84)
        return cls(there, Place(0.5 - x, 0.5 - y, closer))

    @classmethod
    def into(cls, seed: int, prompt: str) -> Move:
        """From the whole of a picture to a part of it."""
        rng = random.Random(f"camera\n{seed}\n{prompt}")  # noqa: S311 - nothing here is secret
        aim = Place(rng.uniform(0.42, 0.58), rng.uniform(0.42, 0.58), rng.uniform(0.78, 0.88))
        return cls(Place(0.5, 0.5, 1.0), aim)

    def view(self, picture: Image.Image, size: tuple[int, int], time: float) -> Image.Image:
        """What is seen at ``time``, 0 to 1."""
        eased = (1 - math.cos(time * math.pi)) / 2
        x, y, part = (
            start + (end - start) * eased
            for start, end in (
                (self.start.x, self.end.x),
                (self.start.y, self.end.y),
                (self.start.part, self.end.part),
            )
        )
        left, right = _span(x, part, picture.width)
        top, bottom = _span(y, part, picture.height)
        return picture.resize(size, Image.Resampling.BILINEAR, box=(left, top, right, bottom))


def _span(middle: float, part: float, length: int) -> tuple[float, float]:
    """Kept inside the picture."""
    start = min(max(0.0, middle - part / 2), 1 - part) * length
    return start, start + part * length
