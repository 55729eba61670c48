"""Input images as data URLs, made smaller where they are too large for the service."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ima2.errors import Unsupported
from ima2.models import Call, Reference, Warning

if TYPE_CHECKING:
    from ima2.hookspecs import Context
    from PIL.Image import Image

MAX_BASE64 = 7 * 2**20
"""Characters of one picture: five of them stay well below the 64 MB above which the service has dropped pictures
without a word, or called the request a breach of its rules (public reports, 2026-08)."""
MAX_EDGE = 3840
"""Pixels; the service looks at no more."""
_QUALITIES = (90, 82, 74)
_SMALLER = 0.75


@dataclass(frozen=True, slots=True)
class Pictures:
    """The input images of a call. ``urls`` begins with the picture that an edit changes."""

    urls: tuple[str, ...] = ()
    mask: str | None = None
    warnings: tuple[Warning, ...] = ()


def load(call: Call, context: Context) -> Pictures:
    """Read the stored files.

    :raises Unsupported: ``REF_TOO_LARGE``: one that a mask belongs to, or the mask itself, is too large as it is.
    """
    masks = [ref for ref in call.references if ref.role == "mask"]
    inputs = sorted((ref for ref in call.references if ref.role != "mask"), key=lambda ref: ref.role != "source")
    whole = frozenset({"source", "mask"}) if masks else frozenset()
    urls, warnings = [], []
    for number, reference in enumerate([*inputs, *masks[:1]], 1):
        data, media_type = context.open(reference).read_bytes(), reference.media_type
        if not _fits(len(data), max(reference.width, reference.height)):
            if reference.role in whole:
                raise _too_large(reference)
            data, media_type = shrink(context.open(reference))
            warnings.append(_shrunk(number, reference, len(data)))
        urls.append(f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}")
    return Pictures(tuple(urls[: len(inputs)]), urls[len(inputs)] if masks else None, tuple(warnings))


def shrink(path: Path) -> tuple[bytes, str]:
    """The picture as a JPEG, or a WebP when it has transparency, that fits; ``(bytes, media type)``."""
    from PIL import Image, ImageOps

    with Image.open(path) as opened:
        colours = opened.info.get("icc_profile") if opened.mode in ("RGB", "RGBA") else None
        image = ImageOps.exif_transpose(opened)
        clear = image.has_transparency_data
        image = image.convert("RGBA" if clear else "RGB")
    image.thumbnail((MAX_EDGE, MAX_EDGE))
    for data in _tries(image, "WEBP" if clear else "JPEG", colours):
        if _fits(len(data), 0):
            break
    return data, "image/webp" if clear else "image/jpeg"


def _tries(image: Image, kind: str, colours: bytes | None) -> Iterator[bytes]:
    """Smaller and smaller; ends, since a picture of a few pixels fits."""
    also = {"progressive": True} if kind == "JPEG" else {}
    while True:
        for quality in _QUALITIES:
            file = io.BytesIO()
            image.save(file, kind, quality=quality, icc_profile=colours, **also)
            yield file.getvalue()
        image = image.resize((max(1, int(image.width * _SMALLER)), max(1, int(image.height * _SMALLER))))


def _fits(size: int, edge: int) -> bool:
    return -(-size // 3) * 4 <= MAX_BASE64 and edge <= MAX_EDGE


def _shrunk(number: int, reference: Reference, size: int) -> Warning:
    before = f"{reference.width}x{reference.height}, {reference.size / 1e6:.1f} MB"
    text = f"Input image {number} ({before}) was made smaller for ChatGPT: {size / 1e6:.1f} MB were sent."
    return Warning(code="REFERENCE_SHRUNK", field="references", message=text)


def _too_large(reference: Reference) -> Unsupported:
    text = f"The {'mask' if reference.role == 'mask' else 'picture to edit'} is too large to be sent with a mask."
    field = "mask" if reference.role == "mask" else "image"
    hint = f"Make both at most {MAX_EDGE} pixels wide and high, and 5 MB."
    return Unsupported(text, code="REF_TOO_LARGE", field=field, hint=hint, step="generate")
