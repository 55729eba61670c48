"""One sketch from beginning to end."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ima2_sketch.drawing import inputs, palette
from ima2_sketch.drawing.canvas import Canvas, grained
from ima2_sketch.drawing.composition import compose
from ima2_sketch.drawing.palette import Palette
from ima2_sketch.drawing.sheet import Sheet, mount
from ima2_sketch.drawing.words import meanings

MOST_PIXELS = 2_400_000
"""Larger drawings are painted at this area and enlarged: their shapes are soft anyway. Caption and grain stay sharp."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """What to draw. The same values give the same picture; the letters of the caption depend on the fonts at hand.

    ``mask`` changes only where it is transparent and needs a ``source``. Sizes in pixels.
    """

    prompt: str
    seed: int
    width: int
    height: int
    references: tuple[Path, ...] = ()
    source: Path | None = None
    mask: Path | None = None


def draw(sketch: Sketch) -> Image.Image:
    """An RGB picture of the size asked for; RGBA when a source with a mask has transparency of its own."""
    if sketch.source and sketch.mask:
        return _repair(sketch, inputs.load(sketch.source), inputs.load(sketch.mask))
    source = inputs.load(sketch.source) if sketch.source else None
    return _sheet(sketch, Sheet.of(sketch.width, sketch.height), source)


def scene(sketch: Sketch, size: tuple[int, int], source: Image.Image | None = None) -> tuple[Image.Image, Palette]:
    """The drawing alone, in RGB, without paper, caption or mark; and the colours that go with it."""
    rng = random.Random(f"{sketch.seed}\n{sketch.prompt}")  # noqa: S311 - nothing here is secret
    found = meanings(sketch.prompt)
    colours = palette.choose(found, rng)
    canvas = Canvas(*_painted(size))
    compose(canvas, colours, rng, found)
    drawing = canvas.image if canvas.image.size == size else canvas.image.resize(size)
    if source:
        drawing = inputs.shine_through(drawing, source)
    if sketch.references:
        drawing = inputs.collage(drawing, [inputs.load(path) for path in sketch.references], colours, rng)
    return grained(drawing, rng), colours


def _sheet(sketch: Sketch, sheet: Sheet, source: Image.Image | None = None) -> Image.Image:
    drawing, colours = scene(sketch, sheet.drawing, source)
    return mount(drawing, sheet, sketch.prompt, colours)


def _repair(sketch: Sketch, source: Image.Image, mask: Image.Image) -> Image.Image:
    """A drawing without margins laid into the hole of the mask; every other pixel stays as it was."""
    size = (sketch.width, sketch.height)
    under = source if source.size == size else source.resize(size, Image.Resampling.BICUBIC)
    area = inputs.changed_area(mask, size)
    if box := area.getbbox():
        hole = area.crop(box)
        under.paste(_sheet(sketch, Sheet.bare(*hole.size)).convert("RGBA"), box[:2], hole)
    return under.convert("RGB") if under.getchannel("A").getextrema() == (255, 255) else under


def _painted(size: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, math.sqrt(MOST_PIXELS / (size[0] * size[1])))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
