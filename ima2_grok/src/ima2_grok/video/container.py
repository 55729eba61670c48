"""Whether a file is a whole MP4, by its boxes (ISO/IEC 14496-12). A header says little: xAI's may be missing."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

_STILLS = frozenset({b"heic", b"heix", b"heif", b"mif1", b"msf1", b"avif", b"avis"})
_MAX_BOXES = 10_000


def is_mp4(path: Path) -> bool:
    """``ftyp`` of a movie first, headers and frames after it, and no box that the file is too short for.

    What follows the boxes and is none is of no account; a cut file ends within a box.
    """
    with path.open("rb") as file:
        end = file.seek(0, 2)
        if _brand(file) in _STILLS:
            return False
        kinds = _kinds(file, end)
    return kinds is not None and kinds[:1] == [b"ftyp"] and {b"moov", b"mdat"} <= set(kinds)


def _brand(file: BinaryIO) -> bytes:
    file.seek(8)
    return file.read(4)


def _kinds(file: BinaryIO, end: int) -> list[bytes] | None:
    """The boxes at the top, up to what is no box; None when the last one is cut."""
    found: list[bytes] = []
    start = 0
    while start < end and len(found) < _MAX_BOXES:
        file.seek(start)
        header = file.read(16)
        if len(header) < 8:
            break
        size, kind = struct.unpack(">I4s", header[:8])
        head = 8
        if size == 1 and len(header) == 16:
            head, size = 16, struct.unpack(">Q", header[8:])[0]
        elif size == 0:
            size = end - start
        if size < head or not kind.isascii() or not kind.decode().isprintable():
            break
        found.append(kind)
        start += size
    return found if start <= end else None
