"""Which scene a prompt gets, and in what order its parts are painted."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from ima2_sketch.drawing import landscapes, subjects
from ima2_sketch.drawing.canvas import Canvas
from ima2_sketch.drawing.palette import Palette
from ima2_sketch.drawing.sky import sky, weather

Scene = Callable[[Canvas, Palette, random.Random, float], None]

SCENES: dict[str, Scene] = {
    "person": subjects.person,
    "planet": subjects.planet,
    "sea": landscapes.sea,
    "city": landscapes.city,
    "mountain": landscapes.mountains,
    "forest": landscapes.forest,
    "meadow": landscapes.meadow,
    "dunes": landscapes.dunes,
    "snow": landscapes.mountains,
}
OPEN: tuple[Scene, ...] = (
    subjects.orbs,
    subjects.ribbons,
    landscapes.mountains,
    landscapes.dunes,
    landscapes.meadow,
)
"""For a prompt that names nothing known."""


def compose(canvas: Canvas, palette: Palette, rng: random.Random, found: Sequence[str]) -> None:
    """Sky, scene, animal, weather. The first scene that was named wins; an animal sits in front of it."""
    light_x = sky(canvas, palette, rng, found)
    animal = next((name for name in found if name in subjects.EARS), None)
    scene = next((SCENES[name] for name in found if name in SCENES), None)
    unnamed = OPEN[int(rng.random() * len(OPEN))]
    if scene or not animal:
        (scene or unnamed)(canvas, palette, rng, light_x)
    if animal:
        subjects.animal(canvas, palette, rng, animal)
    weather(canvas, palette, rng, found)
