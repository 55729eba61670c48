"""Text inside PNG, JPEG and WebP files, read and added chunk by chunk; the picture's own bytes are copied as they are.

Sources: PNG 3rd edition (iTXt, tEXt, zTXt), XMP specification part 3 (where a packet lies), WebP container
specification (VP8X flags).
"""

from __future__ import annotations

import contextlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

MAX_TEXT = 1_000_000
"""Bytes of one text after unpacking; the rest is left."""
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_XMP = b"XML:com.adobe.xmp"
_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXIF = b"Exif\0\0"
_SEGMENT = 65_533
"""Bytes a JPEG segment can hold."""
_XMP_FLAG, _ALPHA_FLAG = 0x04, 0x10


class NoContainer(ValueError):
    """Neither PNG, JPEG nor WebP, or cut in its structure."""


class TextTooLong(ValueError):
    """More than a JPEG segment can hold."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A named part of a file: ``whole`` are its bytes as they lie there, ``data`` what they hold."""

    name: bytes
    data: bytes
    whole: bytes


def xmp_of(data: bytes) -> str | None:
    """The XMP packet of a picture. :raises NoContainer: it is none that we know."""
    return next((text for name, text in _texts(data) if name == "xmp"), None)


def comments_of(data: bytes) -> list[str]:
    """The text comments of a PNG; of other pictures none."""
    return [text for name, text in _texts(data) if name == "comment"]


def with_xmp(data: bytes, packet: str) -> bytes:
    """The picture with ``packet`` in the place of its XMP packet.

    :raises NoContainer: it is no PNG, JPEG or WebP.
    :raises TextTooLong: a JPEG can't hold so much.
    """
    if data.startswith(_PNG):
        return _png_with(data, packet.encode())
    if data.startswith(b"\xff\xd8"):
        return _jpeg_with(data, packet.encode())
    return _webp_with(data, packet.encode())


def _texts(data: bytes) -> Iterator[tuple[str, str]]:
    if data.startswith(_PNG):
        for chunk in _png_chunks(data):
            yield from _png_text(chunk)
    elif data.startswith(b"\xff\xd8"):
        for segment in _jpeg_segments(data)[0]:
            if _is_jpeg_xmp(segment):
                yield "xmp", segment.data[len(_JPEG_XMP) :].decode("utf-8", "replace")
    else:
        for chunk in _webp_chunks(data):
            if chunk.name == b"XMP ":
                yield "xmp", chunk.data[:MAX_TEXT].decode("utf-8", "replace")


def _png_chunks(data: bytes) -> Iterator[Chunk]:
    place = len(_PNG)
    while place < len(data):
        if place + 12 > len(data):
            raise NoContainer("cut in a PNG chunk")
        size, name = struct.unpack_from(">I4s", data, place)
        end = place + 12 + size
        if end > len(data):
            raise NoContainer("cut in a PNG chunk")
        yield Chunk(name, data[place + 8 : end - 4], data[place:end])
        if name == b"IEND":
            # What follows the end is no part of the picture, and is kept.
            yield Chunk(b"", b"", data[end:])
            return
        place = end


def _png_text(chunk: Chunk) -> Iterator[tuple[str, str]]:
    keyword, _, rest = chunk.data.partition(b"\0")
    with contextlib.suppress(zlib.error):
        if chunk.name == b"tEXt":
            yield "comment", rest[:MAX_TEXT].decode("latin-1")
        elif chunk.name == b"zTXt":
            yield "comment", _unpacked(rest[1:]).decode("latin-1")
        elif chunk.name == b"iTXt" and len(rest) >= 2:
            text = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
            plain = _unpacked(text) if rest[0] else text[:MAX_TEXT]
            yield "xmp" if keyword == _PNG_XMP else "comment", plain.decode("utf-8", "replace")


def _unpacked(data: bytes) -> bytes:
    return zlib.decompressobj().decompress(data, MAX_TEXT)


def _png_with(data: bytes, packet: bytes) -> bytes:
    text = b"iTXt" + _PNG_XMP + b"\0\0\0\0\0" + packet
    ours = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    kept = [chunk for chunk in _png_chunks(data) if not (chunk.name == b"iTXt" and chunk.data.startswith(_PNG_XMP))]
    if not kept or kept[0].name != b"IHDR":
        raise NoContainer("a PNG without a header")
    return b"".join((_PNG, kept[0].whole, ours, *(chunk.whole for chunk in kept[1:])))


def _jpeg_segments(data: bytes) -> tuple[list[Chunk], bytes]:
    """The segments before the pixels, and everything from the scan on."""
    place, segments = 2, []
    while data[place : place + 2] != b"\xff\xda":
        if place + 4 > len(data) or data[place] != 0xFF:
            raise NoContainer("cut in a JPEG segment")
        end = place + 2 + struct.unpack_from(">H", data, place + 2)[0]
        if data[place + 1] == 0xFF:
            # A fill byte before a marker.
            segments.append(Chunk(b"", b"", data[place : place + 1]))
            place += 1
            continue
        if end < place + 4 or end > len(data):
            raise NoContainer("cut in a JPEG segment")
        segments.append(Chunk(data[place : place + 2], data[place + 4 : end], data[place:end]))
        place = end
    return segments, data[place:]


def _is_jpeg_xmp(segment: Chunk) -> bool:
    return segment.name == b"\xff\xe1" and segment.data.startswith(_JPEG_XMP)


def _leads(segment: Chunk) -> bool:
    """JFIF and Exif must come first."""
    return segment.name == b"\xff\xe0" or (segment.name == b"\xff\xe1" and segment.data.startswith(_EXIF))


def _jpeg_with(data: bytes, packet: bytes) -> bytes:
    content = _JPEG_XMP + packet
    if len(content) > _SEGMENT:
        raise TextTooLong(f"{len(content)} bytes, a JPEG holds {_SEGMENT}")
    ours = b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content
    segments, pixels = _jpeg_segments(data)
    kept = [segment for segment in segments if not _is_jpeg_xmp(segment)]
    first = next((place for place, segment in enumerate(kept) if not _leads(segment)), len(kept))
    before, after = kept[:first], kept[first:]
    parts = (*(segment.whole for segment in before), ours, *(segment.whole for segment in after), pixels)
    return b"".join((b"\xff\xd8", *parts))


def _webp_chunks(data: bytes) -> list[Chunk]:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise NoContainer("no PNG, JPEG or WebP")
    place, chunks = 12, []
    stop = min(len(data), 8 + struct.unpack_from("<I", data, 4)[0])
    while place + 8 <= stop:
        name, size = struct.unpack_from("<4sI", data, place)
        end = place + 8 + size + size % 2
        if place + 8 + size > stop:
            raise NoContainer("cut in a WebP chunk")
        chunks.append(Chunk(name, data[place + 8 : place + 8 + size], data[place:end]))
        place = end
    return chunks


def _webp_with(data: bytes, packet: bytes) -> bytes:
    kept = [chunk for chunk in _webp_chunks(data) if chunk.name != b"XMP "]
    if not kept:
        raise NoContainer("a WebP without a picture")
    header = kept.pop(0).data if kept[0].name == b"VP8X" else _extended(kept[0])
    flagged = bytes([header[0] | _XMP_FLAG]) + header[1:]
    body = b"".join(
        (_riff(b"VP8X", flagged), *(_riff(chunk.name, chunk.data) for chunk in kept), _riff(b"XMP ", packet))
    )
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def _riff(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _extended(picture: Chunk) -> bytes:
    """The VP8X header that a simple file does without: flags and the size, less one, in 24 bits each."""
    if picture.name == b"VP8L" and picture.data[:1] == b"\x2f" and len(picture.data) >= 5:
        bits = int.from_bytes(picture.data[1:5], "little")
        width, height = bits & 0x3FFF, bits >> 14 & 0x3FFF
        flags = _ALPHA_FLAG if bits >> 28 & 1 else 0
    elif picture.name == b"VP8 " and picture.data[3:6] == b"\x9d\x01\x2a" and len(picture.data) >= 10:
        width, height = (int.from_bytes(picture.data[place : place + 2], "little") & 0x3FFF for place in (6, 8))
        width, height, flags = max(width, 1) - 1, max(height, 1) - 1, 0
    else:
        raise NoContainer("a WebP without a picture")
    return bytes([flags, 0, 0, 0]) + width.to_bytes(3, "little") + height.to_bytes(3, "little")
