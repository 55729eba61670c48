"""The finished sheet: the drawing on paper, its caption, and the mark that says it is a sketch."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image, ImageDraw

from ima2_sketch.drawing.caption import plain, wrap
from ima2_sketch.drawing.colour import mix
from ima2_sketch.drawing.fonts import built_in, font_for
from ima2_sketch.drawing.palette import Palette

MARK = "SKETCH"
SMALLEST_SHEET = 200
"""Pixels of the short edge under which the drawing fills the sheet and only the mark is set."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Where things lie on a sheet, in pixels: the drawing's box, the margin around it, the size of the letters."""

    width: int
    height: int
    margin: int
    foot: int
    letters: int

    @classmethod
    def of(cls, width: int, height: int) -> Sheet:
        """Margins and letters follow the short edge."""
        short = min(width, height)
        if short < SMALLEST_SHEET:
            return cls.bare(width, height)
        letters = max(10, short // 38)
        return cls(width, height, round(short * 0.042), round(letters * 3.9), letters)

    @classmethod
    def bare(cls, width: int, height: int) -> Sheet:
        """No margins and no caption: the drawing fills it, and the mark stands on the drawing."""
        return cls(width, height, 0, 0, max(8, min(width, height) // 24))

    @property
    def drawing(self) -> tuple[int, int]:
        """Width and height of the drawing."""
        return self.width - 2 * self.margin, self.height - self.margin - max(self.margin, self.foot)


def mount(drawing: Image.Image, sheet: Sheet, prompt: str, palette: Palette) -> Image.Image:
    """Lay the drawing on the sheet and set caption and mark."""
    page = Image.new("RGB", (sheet.width, sheet.height), palette.paper)
    page.paste(drawing, (sheet.margin, sheet.margin))
    pen = ImageDraw.Draw(page)
    left = _mark(pen, sheet, palette)
    if sheet.foot:
        _caption(pen, sheet, palette, prompt, left - sheet.margin - sheet.letters)
    return page


def _mark(pen: ImageDraw.ImageDraw, sheet: Sheet, palette: Palette) -> int:
    """A seal at the foot, on the right or, without margins, in the middle; returns its left edge."""
    font = built_in(max(8, round(sheet.letters * 0.72)))
    pad = round(sheet.letters * 0.5)
    half_width, half_height = round(font.getlength(MARK) / 2) + pad, round(sheet.letters * 0.8)
    x, y = sheet.width // 2, round(sheet.height * 0.84)
    if sheet.foot:
        x, y = sheet.width - sheet.margin - half_width, sheet.height - sheet.foot // 2
    box = (x - half_width, y - half_height, x + half_width, y + half_height)
    pen.rounded_rectangle(box, radius=pad // 2, fill=mix(palette.accent, palette.ink, 0.35))
    pen.text((x, y), MARK, palette.paper, font, anchor="mm")
    return box[0]


def _caption(pen: ImageDraw.ImageDraw, sheet: Sheet, palette: Palette, prompt: str, width: int) -> None:
    font, text = font_for(plain(prompt), sheet.letters)
    lines = wrap(" ".join(text.split()), width, 2, font.getlength)
    step = round(sheet.letters * 1.3)
    top = sheet.height - sheet.foot // 2 - step * (len(lines) - 1) / 2
    for number, line in enumerate(lines):
        pen.text((sheet.margin, top + number * step), line, palette.ink, font, anchor="lm")
