"""Input images as data URLs: as they are where xAI takes them so, else smaller or in another format."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ima2.models import Call, Reference, Request

if TYPE_CHECKING:
    from pathlib import Path

    import PIL.Image

MAX_BYTES = 10 * 2**20
"""Of one input image (comment in xAI's protocol files, 2026-05)."""
_JPEG_QUALITY = 92


@dataclass(frozen=True, slots=True)
class Reader:
    """What takes the images: media types, and the longest edge in pixels that is of use to it."""

    types: tuple[str, ...]
    edge: int


PLANNER = Reader(("image/png", "image/jpeg"), 1024)
"""The chat API lists no WebP (xAI docs, 2026-08)."""
EDITS = Reader(("image/png", "image/jpeg", "image/webp"), 2048)


def in_order(asked: Request | Call) -> tuple[Reference, ...]:
    """The picture to change first, then the references."""
    sources = [ref for ref in asked.references if ref.role == "source"]
    others = [ref for ref in asked.references if ref.role == "reference"]
    return (*sources, *others)


def as_it_is(reference: Reference, reader: Reader) -> bool:
    """Whether the stored file goes out unchanged."""
    fits = max(reference.width, reference.height) <= reader.edge and reference.size <= MAX_BYTES
    return fits and reference.media_type in reader.types


def data_url(path: Path, reference: Reference, reader: Reader) -> str:
    """``data:<type>;base64,…`` of a stored image."""
    if as_it_is(reference, reader):
        return _url(reference.media_type, path.read_bytes())
    return _url(*_redrawn(path, reader.edge))


def _url(media_type: str, data: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"


def _redrawn(path: Path, edge: int) -> tuple[str, bytes]:
    """No larger than ``edge``, turned as its EXIF says; PNG where there is transparency, unless that gets too large."""
    from PIL import Image, ImageOps

    with Image.open(path) as opened:
        colours = opened.info.get("icc_profile") if opened.mode in ("RGB", "RGBA") else None
        upright = ImageOps.exif_transpose(opened)
        image = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    image.thumbnail((edge, edge))
    if image.mode == "RGBA" and len(png := _saved(image, "PNG", colours)) <= MAX_BYTES:
        return "image/png", png
    return "image/jpeg", _saved(_on_white(image), "JPEG", colours)


def _on_white(image: PIL.Image.Image) -> PIL.Image.Image:
    from PIL import Image

    if image.mode == "RGB":
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def _saved(image: PIL.Image.Image, kind: str, colours: bytes | None) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, quality=_JPEG_QUALITY, icc_profile=colours)
    return buffer.getvalue()
