"""Input images: references become a tinted collage, a source shines through, a mask says where."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageFilter, ImageOps

from ima2_sketch.drawing.palette import Palette

THROUGH = 0.5
"""How much of a source stays visible under the new drawing."""


def load(path: Path) -> Image.Image:
    """A stored input image, upright, in RGBA."""
    with Image.open(path) as image:
        return ImageOps.exif_transpose(image).convert("RGBA")


def collage(
    drawing: Image.Image, references: Sequence[Image.Image], palette: Palette, rng: random.Random
) -> Image.Image:
    """Lay tinted cards of the references side by side over the foot of the drawing."""
    page = drawing.copy()
    width, height = page.size
    edge = round(min(width / (len(references) + 0.4), min(width, height) * 0.44))
    if edge < 8:
        return page
    gap = (width - edge * len(references)) / (len(references) + 1)
    for number, reference in enumerate(references):
        card = _card(reference, edge, palette).rotate((rng.random() - 0.5) * 14, Image.Resampling.BICUBIC, expand=True)
        x = round(gap + number * (edge + gap)) - (card.width - edge) // 2
        y = round(height * (0.62 + 0.06 * (rng.random() - 0.5))) - card.height // 2
        _drop(page, card, (x, y), edge, palette)
    return page


def shine_through(drawing: Image.Image, source: Image.Image) -> Image.Image:
    """The drawing over its source."""
    under = Image.new("RGBA", source.size, "white")
    under.alpha_composite(source)
    fitted = ImageOps.fit(under.convert("RGB"), drawing.size, Image.Resampling.BICUBIC)
    return Image.blend(drawing, fitted, THROUGH)


def changed_area(mask: Image.Image, size: tuple[int, int]) -> Image.Image:
    """255 where the mask is transparent: what an edit may change."""
    return ImageOps.invert(mask.getchannel("A").resize(size, Image.Resampling.BILINEAR))


def _card(reference: Image.Image, edge: int, palette: Palette) -> Image.Image:
    border = max(1, edge // 16)
    inner = ImageOps.fit(reference.convert("RGB"), (edge - 2 * border, edge - 2 * border), Image.Resampling.BICUBIC)
    duotone = ImageOps.colorize(ImageOps.autocontrast(inner.convert("L")), palette.ink, palette.paper, palette.accent)
    card = ImageOps.expand(Image.blend(inner, duotone, 0.6), border, palette.paper).convert("RGBA")
    # A clear rim, so that turning the card leaves its edges smooth.
    return ImageOps.expand(card, 2, (*palette.paper, 0))


def _drop(page: Image.Image, card: Image.Image, place: tuple[int, int], edge: int, palette: Palette) -> None:
    """Paste a card with its shadow."""
    blur = max(1, edge // 24)
    shadow = ImageOps.expand(card.getchannel("A"), blur * 3).filter(ImageFilter.GaussianBlur(blur))
    shade = shadow.point([level * 2 // 5 for level in range(256)])
    page.paste(palette.ink, (place[0] - 3 * blur + blur // 2, place[1] - 2 * blur), shade)
    page.paste(card, place, card)
