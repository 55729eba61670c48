"""What would go wrong with a request, found before anything is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from ima2.hookspecs import Problem
from ima2.models import Reference, Request

SEEDS = 2**32


def problems(request: Request) -> Iterator[Problem]:
    """The problems of a request, as ``ima2_check`` returns them."""
    if request.seed is not None and not 0 <= request.seed < SEEDS:
        yield Problem("INVALID_SEED", "seed", f"A seed lies between 0 and {SEEDS - 1}.")
    if request.kind == "text":
        return
    if request.kind == "video":
        yield from _clip()
        return
    if request.format in {None, "png"} and request.compression not in {None, 100}:
        yield Problem("INVALID_COMPRESSION", "compression", "PNG is not compressed by degrees; ask for jpeg or webp.")
    yield from _edit(request)


def _clip() -> Iterator[Problem]:
    if find_spec("av") is None:
        yield Problem(
            "VIDEO_EXTRA_MISSING",
            "provider",
            "Sketch films with PyAV, which is not installed here.",
            hint="pip install 'ima2-sketch[video]'",
            status=501,
        )


def _edit(request: Request) -> Iterator[Problem]:
    sources, masks = request.inputs("source"), request.inputs("mask")
    if request.operation == "edit" and len(sources) != 1:
        yield Problem("INVALID_SOURCE", "image", f"An edit changes one source image; {len(sources)} were given.")
    if len(masks) > 1 or (masks and len(sources) != 1):
        yield Problem("INVALID_MASK", "mask", "One mask belongs to one source image.")
    elif masks:
        yield from _mask(sources[0], masks[0])


def _mask(source: Reference, mask: Reference) -> Iterator[Problem]:
    if (source.width, source.height) != (mask.width, mask.height):
        sizes = f"{mask.width}x{mask.height}, its source {source.width}x{source.height}"
        yield Problem("MASK_SIZE_MISMATCH", "mask", f"A mask is as large as its source; it is {sizes}.")
    if not mask.has_alpha:
        yield Problem("MASK_WITHOUT_ALPHA", "mask", "The mask has no transparent area, so nothing would change.")
