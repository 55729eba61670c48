"""Duration, size and codec of an MP4 from its boxes (ISO/IEC 14496-12), without decoding. Any bytes are safe to try."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_MAX_BOXES = 10_000
"""In one level; a real file has dozens."""
_CODECS = {
    b"avc1": "h264",
    b"avc3": "h264",
    b"hvc1": "hevc",
    b"hev1": "hevc",
    b"av01": "av1",
    b"vp09": "vp9",
    b"mp4v": "mpeg4",
}
"""Sample entries of picture tracks, by the names that players use."""
_TO_SAMPLES = (b"mdia", b"minf", b"stbl", b"stsd")
_STILLS = frozenset({b"heic", b"heix", b"heif", b"mif1", b"msf1", b"avif", b"avis"})


class NotMp4(ValueError):
    """The bytes are no whole MP4 with a picture track."""


@dataclass(frozen=True, slots=True)
class Movie:
    """``duration`` in seconds, ``codec`` as ``h264``; None when the file does not say. Sizes in pixels."""

    duration: float | None
    width: int
    height: int
    codec: str | None = None


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    start: int
    end: int


def parse(file: BinaryIO) -> Movie:
    """Read the header boxes of a seekable file.

    :raises NotMp4: no ``ftyp`` first, no ``moov``, no visible track, or a box that runs past its parent.
    """
    top = {box.kind: box for box in _movie_boxes(file, file.seek(0, 2))}
    if b"moov" not in top:
        raise NotMp4("no moov box")
    inside = list(_boxes(file, top[b"moov"].start, top[b"moov"].end))
    tracks = [(*_track_size(file, box), box) for box in inside if box.kind == b"trak"]
    width, height, picture = max(tracks, key=lambda track: track[0] * track[1], default=(0, 0, None))
    if not width or not height or picture is None:
        raise NotMp4("no picture track")
    return Movie(_duration(file, _only(inside, b"mvhd")), width, height, _codec(file, picture))


def _movie_boxes(file: BinaryIO, end: int) -> list[_Box]:
    boxes = list(_boxes(file, 0, end))
    if not boxes or boxes[0].kind != b"ftyp" or _read(file, boxes[0], 4) in _STILLS:
        raise NotMp4("no movie file")
    return boxes


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[_Box]:
    for _ in range(_MAX_BOXES):
        if start == end:
            return
        box = _box(file, start, end)
        yield box
        start = box.end
    raise NotMp4("too many boxes")


def _box(file: BinaryIO, start: int, end: int) -> _Box:
    file.seek(start)
    header = file.read(16)
    if len(header) < 8:
        raise NotMp4("cut in a box header")
    size, kind = struct.unpack(">I4s", header[:8])
    head = 8
    if size == 1 and len(header) == 16:
        (size,) = struct.unpack(">Q", header[8:])
        head = 16
    elif size == 0:
        size = end - start
    if size < head or start + size > end:
        raise NotMp4("a box runs past its end")
    return _Box(kind, start + head, start + size)


def _only(boxes: list[_Box], kind: bytes) -> _Box:
    found = [box for box in boxes if box.kind == kind]
    if len(found) != 1:
        raise NotMp4(f"{len(found)} boxes of kind {kind.decode('latin-1')}")
    return found[0]


def _read(file: BinaryIO, box: _Box, count: int) -> bytes:
    if box.end - box.start < count:
        raise NotMp4("a box is too short")
    file.seek(box.start)
    return file.read(count)


def _duration(file: BinaryIO, mvhd: _Box) -> float | None:
    """Version 1 has 64-bit times. All ones, or a time scale of zero, mean unknown; zero that fragments follow."""
    if _read(file, mvhd, 1) == b"\x01":
        scale, ticks = struct.unpack(">20xIQ", _read(file, mvhd, 32))
        unknown = 2**64 - 1
    else:
        scale, ticks = struct.unpack(">12xII", _read(file, mvhd, 20))
        unknown = 2**32 - 1
    return ticks / scale if scale and ticks not in (0, unknown) else None


def _track_size(file: BinaryIO, trak: _Box) -> tuple[int, int]:
    """Whole pixels of the 16.16 numbers at the end of ``tkhd``; 0 × 0 for sound."""
    tkhd = _only(list(_boxes(file, trak.start, trak.end)), b"tkhd")
    place = 88 if _read(file, tkhd, 1) == b"\x01" else 76
    width, height = struct.unpack(f">{place}xII", _read(file, tkhd, place + 8))
    return width >> 16, height >> 16


def _codec(file: BinaryIO, trak: _Box) -> str | None:
    """The kind of the first sample entry; an unknown one by its own four letters."""
    box = trak
    for kind in _TO_SAMPLES:
        found = [each for each in _boxes(file, box.start, box.end) if each.kind == kind]
        if not found:
            return None
        box = found[0]
    if box.end - box.start < 16:
        return None
    entry = _read(file, box, 16)[12:]
    return _CODECS.get(entry) or entry.decode("latin-1").strip()
