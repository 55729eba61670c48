"""What to film, and the frames it consists of."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps

from ima2_sketch.drawing.inputs import load
from ima2_sketch.drawing.palette import Palette, choose
from ima2_sketch.drawing.sheet import Sheet, mount
from ima2_sketch.drawing.sketch import Sketch, scene
from ima2_sketch.drawing.words import meanings
from ima2_sketch.filming.camera import Move
from ima2_sketch.filming.reading import frames_of

FPS = 24
ROOM = 1.2
"""A scene is drawn this much larger than the picture, so that the camera has somewhere to go."""
OVER = 0.35
"""How much of the new drawing lies over an edited clip."""


@dataclass(frozen=True, slots=True)
class Film:
    """The same values give the same clip. ``frames`` is how many are new; ``clip`` is what an edit or extension has.

    ``width`` and ``height`` in pixels, even.
    """

    prompt: str
    seed: int
    width: int
    height: int
    frames: int
    images: tuple[Path, ...] = ()
    clip: Path | None = None
    extends: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.width, self.height


def pictures(film: Film) -> Iterator[Image.Image]:
    """Every frame in order, RGB, of the film's size."""
    if film.clip and film.extends:
        yield from _extended(film, film.clip)
    elif film.clip:
        yield from _edited(film, film.clip)
    elif len(film.images) == 1:
        yield from _moving(film, _opaque(load(film.images[0])))
    else:
        yield from _drawn(film)


def _drawn(film: Film) -> Iterator[Image.Image]:
    """A sheet of paper whose drawing is alive; caption and mark stand still."""
    sheet = Sheet.of(*film.size)
    sketch = Sketch(film.prompt, film.seed, *film.size, references=film.images)
    width, height = sheet.drawing
    drawing, colours = scene(sketch, (round(width * ROOM), round(height * ROOM)))
    page = mount(Image.new("RGB", sheet.drawing), sheet, film.prompt, colours)
    move = Move.of(film.seed, film.prompt)
    for number in range(film.frames):
        frame = page.copy()
        view = move.view(drawing, sheet.drawing, number / max(1, film.frames - 1))
        frame.paste(view, (sheet.margin, sheet.margin))
        yield frame if sheet.margin else mount(view, sheet, film.prompt, colours)


def _moving(film: Film, picture: Image.Image) -> Iterator[Image.Image]:
    """A still that the camera goes into: the first frame is the whole of it."""
    still = ImageOps.fit(picture, film.size, Image.Resampling.BICUBIC)
    sheet, colours = Sheet.bare(*film.size), _colours(film)
    move = Move.into(film.seed, film.prompt)
    for number in range(film.frames):
        view = move.view(still, film.size, number / max(1, film.frames - 1))
        yield mount(view, sheet, film.prompt, colours)


def _extended(film: Film, clip: Path) -> Iterator[Image.Image]:
    last = None
    for frame in frames_of(clip, FPS):
        last = frame if frame.size == film.size else frame.resize(film.size)
        yield last
    if last:
        yield from _moving(film, last)


def _edited(film: Film, clip: Path) -> Iterator[Image.Image]:
    drawing, colours = scene(Sketch(film.prompt, film.seed, *film.size), film.size)
    sheet = Sheet.bare(*film.size)
    for frame in frames_of(clip, FPS):
        under = frame if frame.size == film.size else frame.resize(film.size)
        yield mount(Image.blend(under, drawing, OVER), sheet, film.prompt, colours)


def _colours(film: Film) -> Palette:
    return choose(meanings(film.prompt), random.Random(f"{film.seed}\n{film.prompt}"))  # noqa: S311 - not secret


def _opaque(picture: Image.Image) -> Image.Image:
    white = Image.new("RGBA", picture.size, "white")
    white.alpha_composite(picture)
    return white.convert("RGB")
